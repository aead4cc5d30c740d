import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { createInterface } from "node:readline";
import type { Seen, Session } from "./client.ts";

const STDERR_SHOWN = 4_096;
/** No session takes this long on a busy machine: the program hangs. */
const SESSION_TIMEOUT_MS = 90_000;

/**
 * A program that is given sessions on its standard input, and says what it saw on its standard
 * output: a line of JSON each, in order.
 */
export class Driver implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  #stderr = "";
  /** Sessions go one after another. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    program: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ) {
    this.#child = spawn(program, args, {
      env: { PATH: process.env["PATH"] ?? "", HOME: process.env["HOME"] ?? "", ...env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    process.on("exit", () => this.#child.kill("SIGKILL"));
    const { stdout, stderr } = this.#child;
    if (stdout === null || stderr === null) throw new Error("The pipes are missing");
    stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_SHOWN);
    });
    this.#lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
    // What it does not take, it does not answer either.
    this.#child.stdin?.on("error", () => {});
  }

  async run(session: Session): Promise<readonly Seen[]> {
    const answered = this.#last.then(() => this.#exchange(session));
    this.#last = answered.catch(() => undefined);
    return answered;
  }

  async #exchange(session: Session): Promise<readonly Seen[]> {
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), SESSION_TIMEOUT_MS);
    try {
      this.#child.stdin?.write(`${JSON.stringify(session)}\n`);
      const { value, done } = await this.#lines.next();
      if (done === true) throw new Error(`${session.client} ended\n${this.#stderr}`);
      return JSON.parse(value) as Seen[];
    } finally {
      clearTimeout(timer);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const closed = once(this.#child, "close");
    this.#child.kill("SIGKILL");
    await closed;
  }
}
