import { HELD_UP_BYTES_MIN, WRITE_STALL_TIMEOUT_MS } from "../limits.ts";
import { Pace } from "./pace.ts";

const TERMS = { bytesMin: HELD_UP_BYTES_MIN, timeoutMs: WRITE_STALL_TIMEOUT_MS };

/** How far a reader is, and whether others wait for it. */
interface FollowedReader {
  readonly holdsUpOthers: boolean;
  readonly position: number;
}

/** How fast a body is read while others wait for whoever reads it. */
export class HoldUp {
  /** Most never hold up anybody. */
  #pace: Pace | undefined;

  /** Whether it is read so slowly that others starve; undefined: it is not being read. */
  isTooSlow(reader: FollowedReader | undefined, now: number): boolean {
    if (reader?.holdsUpOthers !== true) {
      this.#pace = undefined;
      return false;
    }
    this.#pace ??= new Pace(TERMS);
    this.#pace.wait(now, reader.position);
    return this.#pace.isTooSlow(now);
  }
}
