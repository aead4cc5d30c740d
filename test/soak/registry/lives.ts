import { setTimeout as delay } from "node:timers/promises";
import { type Atoll, startAtoll } from "../../support/atoll.ts";
import type { LogLine } from "../../support/edge-alone.ts";

/** A server that is killed again and again, and who waits until there is one. */
export class Lives implements AsyncDisposable {
  readonly atoll: Atoll;
  /** Of lives that have ended. */
  readonly #errors: string[] = [];
  /** Odd while there is no server that answers: what was asked of an earlier one may have no answer. */
  #turn = 0;
  #up = Promise.resolve();

  static async open(): Promise<Lives> {
    return new Lives(await startAtoll({ env: { ATOLL_LOG_LEVEL: "warn" } }));
  }

  constructor(atoll: Atoll) {
    this.atoll = atoll;
  }

  /** Lines of level error, of all lives. */
  get errors(): readonly string[] {
    return [...this.#errors, ...this.#errorsNow()];
  }

  get kills(): number {
    return Math.ceil(this.#turn / 2);
  }

  get isUp(): boolean {
    return this.#turn % 2 === 0;
  }

  get turn(): number {
    return this.#turn;
  }

  /** Resolves when a server answers. */
  async up(): Promise<void> {
    await this.#up;
  }

  /** SIGKILL at some moment, and a new life on what that left behind. */
  async kill(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    // Whoever waits hears of a server that does not start, and nobody need wait.
    promise.catch(() => undefined);
    this.#up = promise;
    this.#turn += 1;
    this.#noteErrors();
    try {
      await this.atoll.kill();
      await this.atoll.start();
      this.#turn += 1;
      resolve();
    } catch (error) {
      reject(error);
      throw error;
    }
  }

  async killEvery(ms: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await delay(ms, undefined, { signal }).catch(() => undefined);
      if (!signal.aborted) await this.kill();
    }
  }

  /** A life that ends as it should, and another one. */
  async restart(): Promise<void> {
    this.#noteErrors();
    await this.atoll.restart();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.atoll[Symbol.asyncDispose]();
  }

  #noteErrors(): void {
    this.#errors.push(...this.#errorsNow());
  }

  #errorsNow(): string[] {
    return this.atoll.output.stderr.split("\n").filter((text) => {
      // What is kept of a life's output may begin in the middle of a line.
      if (!text.startsWith("{") || !text.endsWith("}")) return false;
      return (JSON.parse(text) as LogLine).level === "error";
    });
  }
}
