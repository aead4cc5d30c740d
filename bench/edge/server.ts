import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, rm } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import { join } from "node:path";
import { kill } from "node:process";
import { setTimeout } from "node:timers/promises";
import type { Protocol } from "./case.ts";
import type { Certificate } from "./certificate.ts";
import { processTree } from "./process-tree.ts";
import { ENVIRONMENT } from "./program.ts";

/** One of those that are compared: how it is started, not a running one. */
export interface Peer {
  readonly name: string;
  /** What it writes of each request, for the reader of the table. */
  readonly accessLog: string;
  /** Where what it has stored is; "both": on disk, and what is asked for often in memory as well. */
  readonly keeps: "memory" | "disk" | "both";
  /** Undefined where it is not installed. */
  version(): Promise<string | undefined>;
  prepare(launch: Launch): Promise<Command>;
}

export interface Launch {
  readonly origin: string;
  readonly port: number;
  readonly tlsPort: number;
  readonly workers: number;
  readonly certificate: Certificate;
  /** Its own, for configuration, cache and logs; deleted when it has stopped. */
  readonly folder: string;
}

interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** It is ready when all of them accept connections. */
  readonly ports: readonly number[];
}

export interface Server extends AsyncDisposable {
  readonly name: string;
  readonly pid: number;
  /** By `performance.now()`, when its process was. */
  readonly startedAt: number;
  readonly port: number;
  readonly tlsPort: number;
  /** Some have no TLS. */
  readonly protocols: ReadonlySet<Protocol>;
}

export interface Setting {
  readonly origin: string;
  readonly certificate: Certificate;
  readonly folder: string;
  readonly signal: AbortSignal;
}

const PLAIN: readonly Protocol[] = ["http1"];
const ENCRYPTED: readonly Protocol[] = ["tls", "h2"];

const START_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 10_000;
const POLL_MS = 10;
const TAIL_LENGTH_MAX = 2_000;

/** @throws Error with the end of what it printed, if it is not ready in time. */
export async function startServer(
  peer: Peer,
  setting: Setting,
  { cores, workers }: { readonly cores: string; readonly workers: number },
): Promise<Server> {
  const [port = 0, tlsPort = 0] = await freePorts(2);
  const folder = join(setting.folder, `server-${port}`);
  await mkdir(folder);
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const command = await peer.prepare({ ...setting, port, tlsPort, workers, folder });
  const startedAt = performance.now();
  const child = spawn("taskset", ["-c", cores, command.program, ...command.args], {
    env: { ...ENVIRONMENT, ...command.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  stack.defer(() => stopServer(child));
  const tail = tailOf(child);
  try {
    await ready(child, command.ports, setting.signal);
  } catch (error) {
    throw new Error(`${peer.name} did not start: ${message(error)}\n${tail()}`, { cause: error });
  }
  if (child.pid === undefined) throw new Error(`${peer.name} has no process`);
  const running = stack.move();
  return {
    name: peer.name,
    pid: child.pid,
    startedAt,
    port,
    tlsPort,
    protocols: new Set([
      ...(command.ports.includes(port) ? PLAIN : []),
      ...(command.ports.includes(tlsPort) ? ENCRYPTED : []),
    ]),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

export function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function ready(
  child: ChildProcess,
  ports: readonly number[],
  signal: AbortSignal,
): Promise<void> {
  const deadline = AbortSignal.timeout(START_TIMEOUT_MS);
  for (const port of ports) {
    while (!(await accepts(port))) {
      signal.throwIfAborted();
      if (hasEnded(child)) throw new Error(`it ended with ${child.exitCode ?? child.signalCode}`);
      if (deadline.aborted)
        throw new Error(`port ${port} is not open after ${START_TIMEOUT_MS} ms`);
      await setTimeout(POLL_MS, undefined, { signal });
    }
  }
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false; // Refused: it does not listen yet.
  } finally {
    socket.destroy();
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** The end of what it prints, and nothing before, however much that is. */
function tailOf(child: ChildProcess): () => string {
  let tail = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      tail = (tail + text).slice(-TAIL_LENGTH_MAX);
    });
  }
  return () => tail.trimEnd();
}

async function stopServer(child: ChildProcess): Promise<void> {
  if (hasEnded(child) || child.pid === undefined) return;
  const exited = once(child, "exit");
  const tree = processTree(child.pid);
  child.kill("SIGTERM");
  const inTime = await Promise.race([
    exited.then(() => true),
    setTimeout(STOP_TIMEOUT_MS, false, { ref: false }),
  ]);
  if (inTime) return;
  for (const { pid } of tree) killAnyway(pid);
  await exited;
}

function killAnyway(pid: number): void {
  try {
    kill(pid, "SIGKILL");
  } catch {
    // It ended by itself meanwhile.
  }
}

/** Ports that were free a moment ago, all different. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, "127.0.0.1");
      await once(server, "listening");
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()));
  return ports;
}
