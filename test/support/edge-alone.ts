import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import type { PairFiles } from "./certificates.ts";
import { childrenOf, isAlive } from "./processes.ts";
import { type Spawned, START_DEADLINE_MS, STDERR_SHOWN, spawnAtoll } from "./program.ts";
import { until } from "./until.ts";

/** Above the 10 seconds that the program gives to what is in flight. */
const STOP_DEADLINE_MS = 20_000;

export interface EdgeAloneOptions {
  /** Base URL. */
  readonly origin: string;
  /** With it, over TLS too. */
  readonly files?: PairFiles;
  /** More arguments: `["--workers", "2"]`; without, one worker. */
  readonly args?: readonly string[];
}

/** One line of the program's log. */
export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** The real `atoll edge` on free ports. Disposing of it stops it; it must exit with 0. */
export async function startEdgeAlone(options: EdgeAloneOptions): Promise<EdgeAlone> {
  const { origin, files, args = [] } = options;
  const tls =
    files === undefined ? [] : ["--tls-port", "0", "--cert", files.cert, "--key", files.key];
  const env = { PATH: process.env["PATH"] ?? "", HOME: process.env["HOME"] ?? "" };
  const common = ["--origin", origin, "--port", "0", "--workers", "1"];
  const spawned = spawnAtoll(["edge", ...common, ...tls, ...args], env);
  try {
    const urls = await until("`atoll edge` is ready", () => readyIn(spawned), START_DEADLINE_MS);
    return new EdgeAlone(spawned, urls);
  } catch (cause) {
    spawned.child.kill("SIGKILL");
    throw failure("atoll edge did not start", spawned, cause);
  }
}

interface Urls {
  readonly url: string;
  /** Empty without TLS. */
  readonly tlsUrl: string;
  /** Empty without --metrics-port. */
  readonly metricsUrl: string;
}

function readyIn({ child, out }: Spawned): Urls | undefined {
  assert(child.exitCode === null && child.signalCode === null, "it ended at its start");
  const [, said = ""] = /^ready (.+)\n/m.exec(out.stdout) ?? [];
  if (said === "") return undefined;
  const urls = said.split(" ");
  return {
    url: urls[0] ?? "",
    tlsUrl: urls.find((url) => url.startsWith("https:")) ?? "",
    metricsUrl: urls.find((url) => url.endsWith("/metrics")) ?? "",
  };
}

export class EdgeAlone implements AsyncDisposable {
  readonly url: string;
  readonly tlsUrl: string;
  readonly metricsUrl: string;
  readonly #spawned: Spawned;

  constructor(spawned: Spawned, { url, tlsUrl, metricsUrl }: Urls) {
    this.#spawned = spawned;
    this.url = url;
    this.tlsUrl = tlsUrl;
    this.metricsUrl = metricsUrl;
  }

  get pid(): number {
    const { pid } = this.child;
    assert(pid !== undefined);
    return pid;
  }

  get child(): ChildProcess {
    return this.#spawned.child;
  }

  get workers(): number[] {
    return childrenOf(this.pid);
  }

  /** What it has said so far. */
  get output(): { readonly stdout: string; readonly stderr: string } {
    return this.#spawned.out;
  }

  /** Of what it has logged so far, at most the last lines. */
  get log(): LogLine[] {
    // The last one may still be on its way, and the first one cut.
    const lines = this.output.stderr.split("\n").slice(0, -1);
    const whole = lines.filter((line) => line.startsWith(`{"level"`));
    return whole.map((line) => JSON.parse(line) as LogLine);
  }

  /** SIGTERM, and the exit that it asks for. */
  async stop(): Promise<void> {
    if (this.#hasEnded) return;
    await this.#end("SIGTERM");
    const code = this.child.exitCode ?? this.child.signalCode;
    if (code !== 0) throw failure(`atoll edge ended with ${code} after SIGTERM`, this.#spawned);
  }

  /** SIGKILL to the parent, and the end of its workers, which it cannot ask for any more. */
  async kill(): Promise<void> {
    if (this.#hasEnded) return;
    const workers = process.platform === "linux" ? this.workers : [];
    await this.#end("SIGKILL");
    await until("orphaned workers end by themselves", () => !workers.some(isAlive));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  get #hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const ended = once(this.child, "close", { signal: AbortSignal.timeout(STOP_DEADLINE_MS) });
    this.child.kill(signal);
    try {
      await ended;
    } catch (cause) {
      this.child.kill("SIGKILL");
      const what = `atoll edge did not end ${STOP_DEADLINE_MS} ms after ${signal}`;
      throw failure(what, this.#spawned, cause);
    }
  }
}

function failure(what: string, { out }: Spawned, cause?: unknown): Error {
  return new Error(`${what}\n${out.stdout}\n${out.stderr.slice(-STDERR_SHOWN)}`, { cause });
}
