/** What is told of the content as it is taken, so that the wire lets more of it in. */
interface ContentEvents {
  /** These octets were taken, or will never be. */
  taken(bytes: number): void;
  /** Someone wants it: what waits for a "100 (Continue)" may be told to come. */
  wanted(): void;
}

/** The content of a request broke off, and nobody may take what came for the whole. */
class ContentBroken extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = "ContentBroken";
  }
}

/**
 * The content of one request on its way to its one reader. The wire adds what comes and bounds what
 * waits: it reads on as `taken` tells it to.
 */
export class RequestContent implements AsyncIterable<Buffer> {
  readonly #events: ContentEvents;
  #waiting: Buffer[] = [];
  #state: "open" | "whole" | "broken" | "discarded" = "open";
  #reason = "";
  #trailers: readonly string[] = [];
  #wake: (() => void) | undefined;

  constructor(events: ContentEvents) {
    this.#events = events;
  }

  /** Whether the last octet has come, taken or not. */
  get isWhole(): boolean {
    return this.#state === "whole";
  }

  /** Trailer fields (RFC 9110 §6.5), names and values alternating: known once it is whole. */
  get trailers(): readonly string[] {
    return this.#trailers;
  }

  add(chunk: Buffer): void {
    if (chunk.length === 0) return;
    if (this.#state !== "open") {
      this.#events.taken(chunk.length);
      return;
    }
    this.#waiting.push(chunk);
    this.#notify();
  }

  end(trailers: readonly string[] = []): void {
    if (this.#state !== "open") return;
    this.#state = "whole";
    this.#trailers = trailers;
    this.#notify();
  }

  /** No more will come, and it was not all. */
  break(reason: string): void {
    if (this.#state !== "open") return;
    this.#state = "broken";
    this.#reason = reason;
    this.#notify();
  }

  /** Nobody reads it any more: what comes is dropped. */
  discard(): void {
    if (this.#state === "open") this.#state = "discarded";
    const dropped = this.#waiting.reduce((sum, chunk) => sum + chunk.length, 0);
    this.#waiting = [];
    if (dropped > 0) this.#events.taken(dropped);
    this.#notify();
  }

  /**
   * Reads it, once.
   * @throws ContentBroken when the client left before its end
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    this.#events.wanted();
    try {
      for (;;) {
        const chunk = this.#waiting.shift();
        if (chunk !== undefined) {
          yield chunk;
          // After the reader came back for more: only then has it done with this one.
          this.#events.taken(chunk.length);
        } else if (this.#state === "broken") {
          throw new ContentBroken(this.#reason);
        } else if (this.#state === "open") {
          await this.#more();
        } else {
          return;
        }
      }
    } finally {
      this.discard();
    }
  }

  #more(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    return promise;
  }

  #notify(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
