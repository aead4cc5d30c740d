import type { Clock } from "#clock.ts";
import { DISK_READ_TIMEOUT_MS, DISK_READS_MAX, DISK_READS_RUNNING_MAX } from "./limits.ts";

/** A read that runs, or waits to. */
interface Turn {
  readonly since: number;
  readonly start: () => void;
  readonly giveUp: () => void;
}

/**
 * Who may read: a few at one time, some more wait for them, and nobody for long. A read that hangs
 * keeps its slot until the system lets go of it; whoever waited for its result does not.
 */
export class ReadSlots {
  readonly #clock: Clock;
  /** Unanswered ones, the oldest first. */
  readonly #turns = new Set<Turn>();
  /** Of those, the ones that have no slot yet. */
  readonly #waiting = new Set<Turn>();
  #running = 0;

  /** The clock is a monotonic one. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Does it when there is a slot, or says that there are too many, or that it took too long. */
  run<T>(read: () => Promise<T>): Promise<T | "full" | "late"> {
    if (this.#turns.size >= DISK_READS_MAX) return Promise.resolve("full");
    const { promise, resolve, reject } = Promise.withResolvers<T | "full" | "late">();
    const turn: Turn = {
      since: this.#clock.now(),
      start: () => {
        this.#running += 1;
        read()
          .then(resolve, reject)
          .finally(() => this.#end(turn));
      },
      giveUp: () => resolve("late"),
    };
    this.#turns.add(turn);
    if (this.#running < DISK_READS_RUNNING_MAX) turn.start();
    else this.#waiting.add(turn);
    return promise;
  }

  /** Gives up what has taken too long, and says how many that were. To be called now and then. */
  sweep(): number {
    const now = this.#clock.now();
    let late = 0;
    for (const turn of this.#turns) {
      if (now - turn.since < DISK_READ_TIMEOUT_MS) break;
      this.#turns.delete(turn);
      this.#waiting.delete(turn);
      turn.giveUp();
      late += 1;
    }
    return late;
  }

  #end(turn: Turn): void {
    this.#turns.delete(turn);
    this.#running -= 1;
    const [next] = this.#waiting;
    if (next === undefined) return;
    this.#waiting.delete(next);
    next.start();
  }
}
