/** Reads that take turns: a few at one time, the others wait for as long as it takes. */
export class ReadTurns {
  readonly #runningMax: number;
  #running = 0;
  readonly #waiting = new Set<() => void>();

  constructor(runningMax: number) {
    this.#runningMax = runningMax;
  }

  async run<T>(read: () => Promise<T>): Promise<T> {
    if (this.#running < this.#runningMax) this.#running += 1;
    else await new Promise<void>((resolve) => this.#waiting.add(resolve));
    try {
      return await read();
    } finally {
      this.#passOn();
    }
  }

  /** To who has waited longest, if anybody has. */
  #passOn(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#running -= 1;
    } else {
      this.#waiting.delete(next);
      next();
    }
  }
}
