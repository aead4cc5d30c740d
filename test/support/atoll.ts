import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { Agent } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { readText } from "#durable-file.ts";
import { escapeRepository } from "#registry/raw-path.ts";
import type { ApiBody } from "./api-body.ts";
import { DEVIATIONS } from "./deviations.ts";
import { exchange, type Reply } from "./exchange.ts";
import { officialCheck } from "./official.ts";
import { childrenOf, isAlive } from "./processes.ts";
import {
  type Spawned,
  START_DEADLINE_MS,
  STDERR_SHOWN,
  serveEnvironment,
  spawnAtoll,
  TOKEN,
} from "./program.ts";
import { until } from "./until.ts";

const STOP_DEADLINE_MS = 20_000;

/** DigitalOcean's documents, when the environment says where they are. */
export const official =
  process.env["ATOLL_TEST_OPENAPI"] === undefined
    ? undefined
    : officialCheck(process.env["ATOLL_TEST_OPENAPI"], DEVIATIONS);

export interface AtollOptions {
  /** Variables besides those of `serveEnvironment`. */
  readonly env?: Readonly<Record<string, string>>;
  /** A folder that outlives the server; else one is made, and removed with it. */
  readonly dataDir?: string;
}

/** `<data dir>/runtime.json`: where the parts listen. */
export interface Runtime {
  readonly pid: number;
  /** Absent where tokens may not go over plain HTTP. */
  readonly api?: string;
  readonly api_tls: string;
  readonly edge: string;
  readonly edge_tls: string;
  readonly registry: string;
  readonly registry_tls: string;
  /** Host and port. */
  readonly dns: string;
}

export interface ApiRequest {
  /** Null sends no Authorization; absent is the first account's token. */
  readonly token?: string | null;
  readonly body?: unknown;
  /** A body that is sent as it stands. */
  readonly raw?: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface ApiReply extends Reply {
  /** The body, when it is JSON. Members are typed as if all were there: assert what you need. */
  readonly json: ApiBody;
}

/** The real program on free ports, ready to answer. Disposing of it stops it; it must exit with 0. */
export async function startAtoll(options: AtollOptions = {}): Promise<Atoll> {
  await using stack = new AsyncDisposableStack();
  const atoll = stack.use(new Atoll(options));
  await atoll.start();
  stack.move();
  return atoll;
}

export class Atoll implements AsyncDisposable {
  readonly dataDir: string;
  readonly #keepsData: boolean;
  readonly #env: Record<string, string>;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 });
  #running: Spawned | undefined;
  #runtime: Runtime | undefined;

  constructor(options: AtollOptions) {
    this.#keepsData = options.dataDir !== undefined;
    this.dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), "atoll-test-"));
    this.#env = serveEnvironment(this.dataDir, options.env);
  }

  get runtime(): Runtime {
    assert(this.#runtime !== undefined, "Atoll is not running");
    return this.#runtime;
  }

  /** What the program has said so far in this life. */
  get output(): { readonly stdout: string; readonly stderr: string } {
    return this.#running?.out ?? { stdout: "", stderr: "" };
  }

  /** The API's URL over plain HTTP. */
  get url(): string {
    assert(this.runtime.api !== undefined, "Atoll speaks no plain HTTP here");
    return this.runtime.api;
  }

  get pid(): number {
    return this.runtime.pid;
  }

  get child(): ChildProcess {
    assert(this.#running !== undefined, "Atoll is not running");
    return this.#running.child;
  }

  get workers(): number[] {
    return childrenOf(this.pid);
  }

  /** Waits until the program has said where it listens and answers there. */
  async start(env: Readonly<Record<string, string>> = {}): Promise<void> {
    const { child, out } = spawnAtoll(["serve"], { ...this.#env, ...env });
    this.#running = { child, out };
    const file = join(this.dataDir, "runtime.json");
    try {
      this.#runtime = await until(
        "Atoll is ready",
        async () => {
          assert(child.exitCode === null && child.signalCode === null, "Atoll ended at its start");
          // One that was left behind goes as the next life begins, between any two looks.
          const text = await readText(file);
          if (text === undefined) return false;
          const runtime = JSON.parse(text) as Runtime;
          if (runtime.pid !== child.pid) return false; // Left behind by a life that was killed.
          if (runtime.api === undefined) return runtime;
          const reply = await exchange(`${runtime.api}/healthz`).catch(() => undefined);
          return reply?.status === 200 && runtime;
        },
        START_DEADLINE_MS,
      );
    } catch (cause) {
      const failure = this.#failure("Atoll did not start", cause);
      await this.kill();
      throw failure;
    }
  }

  /** SIGTERM, and the exit that it asks for. */
  async stop(): Promise<void> {
    const running = this.#running;
    if (running === undefined) return;
    const code = await this.#end(running.child, "SIGTERM");
    if (code !== 0) throw this.#failure(`Atoll ended with ${code} after SIGTERM`);
    this.#running = undefined;
  }

  /** SIGKILL to the control plane, and the end of its workers, which it cannot ask for any more. */
  async kill(): Promise<void> {
    const running = this.#running;
    if (running === undefined) return;
    const pid = running.child.pid;
    const workers = pid === undefined || process.platform !== "linux" ? [] : childrenOf(pid);
    await this.#end(running.child, "SIGKILL");
    this.#running = undefined;
    await until("orphaned workers end by themselves", () => !workers.some(isAlive));
  }

  /** A new life on the same data folder. */
  async restart(env: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.stop();
    await this.start(env);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent.destroy();
    try {
      await this.stop();
    } finally {
      if (!this.#keepsData) rmSync(this.dataDir, { recursive: true, force: true });
    }
  }

  /** A request to the API; its reply has been checked against the published schemas. */
  async api(method: string, target: string, request: ApiRequest = {}): Promise<ApiReply> {
    const token = request.token === undefined ? TOKEN : request.token;
    const body =
      request.raw ?? (request.body === undefined ? undefined : JSON.stringify(request.body));
    const reply = await exchange(this.url + target, {
      method,
      agent: this.#agent,
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...request.headers,
      },
      ...(body === undefined ? {} : { body }),
    });
    this.#check(method, target, reply);
    const isJson = reply.headers["content-type"]?.startsWith("application/json") === true;
    return {
      ...reply,
      json: (isJson && reply.text !== "" ? JSON.parse(reply.text) : {}) as ApiBody,
    };
  }

  /** As the operator, on behalf of an account when one is named. */
  async operator(
    method: string,
    target: string,
    request: ApiRequest & { readonly account?: string } = {},
  ): Promise<ApiReply> {
    const token = readFileSync(join(this.dataDir, "operator.token"), "utf8").trim();
    const { account, ...rest } = request;
    const headers = {
      ...rest.headers,
      ...(account === undefined ? {} : { "x-atoll-account": account }),
    };
    return this.api(method, target, { ...rest, token, headers });
  }

  /** A request to the edge for a host, on a connection of its own. */
  async edge(
    host: string,
    target = "/",
    request: { readonly method?: string; readonly headers?: Record<string, string> } = {},
  ): Promise<Reply> {
    return exchange(this.runtime.edge + target, {
      method: request.method ?? "GET",
      headers: { ...request.headers, host },
    });
  }

  #check(method: string, target: string, reply: Reply): void {
    const [path = ""] = target.split("?");
    // Predictable failures are never 5xx: clients would ask again and again (CONTRACT §1.1).
    if (reply.status >= 500) throw this.#failure(`${method} ${target}: ${reply.status}`);
    // Slashes at the end, or raw in a repository's name: clients send them, and no document has them.
    const published = escapeRepository(method, path.replace(/(?<=.)\/$/, ""));
    const mistakes = official?.check({ method, path: published, ...reply }) ?? [];
    assert.deepEqual(mistakes, [], `${method} ${target} is not as DigitalOcean publishes it`);
  }

  async #end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | string> {
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, "close", { signal: AbortSignal.timeout(STOP_DEADLINE_MS) });
      child.kill(signal);
      try {
        await ended;
      } catch (cause) {
        child.kill("SIGKILL");
        throw this.#failure(`Atoll did not end ${STOP_DEADLINE_MS} ms after ${signal}`, cause);
      }
    }
    return child.exitCode ?? child.signalCode ?? "nothing";
  }

  #failure(what: string, cause?: unknown): Error {
    const { stdout, stderr } = this.output;
    return new Error(`${what}\n${stdout}\n${stderr.slice(-STDERR_SHOWN)}`, { cause });
  }
}
