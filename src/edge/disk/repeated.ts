import { setTimeout as delay } from "node:timers/promises";
import { WRITE_DRAIN_MS } from "./limits.ts";

/** Work that goes on for ever, in steps: each says how long to rest before the next. */
export class Repeated {
  readonly #step: () => Promise<number>;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #stopped = false;

  /** A step never rejects. */
  constructor(step: () => Promise<number>) {
    this.#step = step;
  }

  start(): void {
    this.#next(0);
  }

  /** There is work: the rest is over. */
  hasten(): void {
    if (this.#timer !== undefined) this.#next(0);
  }

  /** Waits for the step that runs, unless the disk holds it. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await Promise.race([this.#running, delay(WRITE_DRAIN_MS, undefined, { ref: false })]);
  }

  #next(restMs: number): void {
    if (this.#stopped) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#running = this.#step().then((nextRestMs) => this.#next(nextRestMs));
    }, restMs).unref();
  }
}
