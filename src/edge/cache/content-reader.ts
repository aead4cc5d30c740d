/** The next octets, or why there are none: not yet, no more, or never because the fill broke off. */
export type BodyPart = Buffer | "pending" | "end" | "truncated";

/** Where a reply is put together: what is read from a file is read to where it leaves from. */
export interface Room {
  /** Memory for so many octets or fewer, at least one, until more is put there. */
  open(bytes: number): Buffer;
}

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

  /**
   * Takes what one chunk has for this reader. What is not in memory is read into `room`, if there is one,
   * and else into memory of its own.
   */
  abstract read(room?: Room): BodyPart;

  /** All of it in `room`, where it is small, not in memory, and can be had now. */
  readSmall(_room: Room): Buffer | undefined {
    return undefined;
  }

  /** `callback` is called whenever there may be more after a "pending". */
  abstract whenReadable(callback: () => void): void;

  /** Closing twice is harmless. */
  abstract close(): void;
}
