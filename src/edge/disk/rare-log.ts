import type { Clock } from "#clock.ts";
import type { Logger } from "#log.ts";
import { DISK_LOG_INTERVAL_MS } from "./limits.ts";

/** The kinds of trouble: each line says how many of its kind went unlogged. */
export type Trouble =
  | "disk entry is corrupt"
  | "disk read failed"
  | "disk read took too long"
  | "disk write failed"
  | "disk removal failed"
  | "disk folder cannot be looked at"
  | "disk writes are held: it is too full"
  | "too many disk entries wait to be removed: all there are are forgotten";

/** Trouble with a disk comes in floods: one line a kind and interval. */
export class RareLog {
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #last = new Map<Trouble, { at: number; unlogged: number }>();

  constructor(log: Logger, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  warn(trouble: Trouble, fields: Readonly<Record<string, unknown>>): void {
    const now = this.#clock.now();
    const last = this.#last.get(trouble);
    if (last !== undefined && now - last.at < DISK_LOG_INTERVAL_MS) {
      last.unlogged += 1;
      return;
    }
    this.#last.set(trouble, { at: now, unlogged: 0 });
    this.#log.warn({ ...fields, times_unlogged: last?.unlogged ?? 0 }, trouble);
  }
}
