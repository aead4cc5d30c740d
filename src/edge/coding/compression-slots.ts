import { FetchSlots, type SlotAnswer } from "../origin/fetch-slots.ts";
import { COMPRESSION_WAIT_MS, COMPRESSIONS_MAX, COMPRESSIONS_WAITING_MAX } from "./limits.ts";

/** Why there is none: identity is sent instead, and a later request may find one. */
export type CompressionRefusal = Exclude<SlotAnswer, "granted">;

/**
 * How many compressions a worker does at one time. A slot is for as long as the compression takes and
 * no longer: it is asked for when the octets are there, not while an origin sends them.
 */
export class CompressionSlots {
  readonly #slots = new FetchSlots({
    fetchingMax: COMPRESSIONS_MAX,
    fetchesMax: COMPRESSIONS_MAX + COMPRESSIONS_WAITING_MAX,
    waitMs: COMPRESSION_WAIT_MS,
  });

  /** A slot, free again when it is disposed; or why there is none. */
  async take(signal: AbortSignal): Promise<Disposable | CompressionRefusal> {
    const answer = await this.#slots.take("", signal);
    if (answer !== "granted") return answer;
    let held = true;
    return {
      [Symbol.dispose]: () => {
        if (held) this.#slots.giveBack("");
        held = false;
      },
    };
  }
}
