/** The next octets, or why there are none: not yet, no more, or never because the fill broke off. */
export type BodyPart = Buffer | "pending" | "end" | "truncated";

/** One reader's place in content that may still be on its way. Whoever opens one closes it. */
export abstract class ContentReader {
  /** Of the next octet, from the beginning of the body. */
  abstract get position(): number;

  /** Whether what was read stays where it is for as long as the reader is open. */
  abstract get isRetained(): boolean;

  /** Trailer fields, names and values alternating: known at "end". */
  abstract get trailers(): readonly string[];

  /** Whether others wait for this reader: their body is windowed, and it is the slowest. */
  abstract get holdsUpOthers(): boolean;

  /** Takes what one chunk has for this reader. */
  abstract read(): BodyPart;

  /** `callback` is called whenever there may be more after a "pending". */
  abstract whenReadable(callback: () => void): void;

  /** Closing twice is harmless. */
  abstract close(): void;
}
