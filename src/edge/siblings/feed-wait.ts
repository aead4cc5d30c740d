import { SIBLING_FEED_WAIT_MS } from "./limits.ts";

interface Waiter {
  readonly number: number;
  readonly resolve: (reached: boolean) => void;
}

/** Who waits until this worker has brought into force what another one has already. */
export class FeedWait {
  readonly #feed: { readonly number: number };
  readonly #timeoutMs: number;
  readonly #waiters = new Set<Waiter>();

  constructor(feed: { readonly number: number }, timeoutMs = SIBLING_FEED_WAIT_MS) {
    this.#feed = feed;
    this.#timeoutMs = timeoutMs;
  }

  /** Resolves with whether it was reached in time. */
  async reached(number: number): Promise<boolean> {
    if (this.#feed.number >= number) return true;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const waiter = { number, resolve };
    this.#waiters.add(waiter);
    const late = setTimeout(() => resolve(false), this.#timeoutMs);
    try {
      return await promise;
    } finally {
      clearTimeout(late);
      this.#waiters.delete(waiter);
    }
  }

  /** To be called when the feed has moved on. */
  advanced(): void {
    for (const { number, resolve } of this.#waiters) {
      if (this.#feed.number >= number) resolve(true);
    }
  }
}
