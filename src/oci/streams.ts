import { STREAMING_UPLOADS_PER_ACCOUNT_MAX } from "./limits.ts";
import { Refusal } from "./refusal.ts";

/** Counts what streams in, account by account: each stream has a buffer and an open file. */
export class Streams {
  readonly #counts = new Map<number, number>();

  /** @throws Refusal when the account has as many as it may have */
  take(accountId: number): Disposable {
    const count = this.#counts.get(accountId) ?? 0;
    if (count >= STREAMING_UPLOADS_PER_ACCOUNT_MAX) {
      const message = `At most ${STREAMING_UPLOADS_PER_ACCOUNT_MAX} uploads stream at a time.`;
      throw new Refusal("TOOMANYREQUESTS", message, { fields: { "retry-after": "5" } });
    }
    this.#counts.set(accountId, count + 1);
    return {
      [Symbol.dispose]: () => {
        const left = (this.#counts.get(accountId) ?? 1) - 1;
        if (left === 0) this.#counts.delete(accountId);
        else this.#counts.set(accountId, left);
      },
    };
  }
}
