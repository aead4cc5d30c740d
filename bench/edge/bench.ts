import { stderr } from "node:process";
import { type Answered, closedLoop, type Loop } from "./closed-loop.ts";
import type { Options } from "./options.ts";
import type { Origin } from "./origin.ts";
import { cpuMeter } from "./process-tree.ts";
import { SERVER_CORE } from "./program.ts";
import { message, type Peer, type Server, type Setting, startServer } from "./server.ts";

/** What every measurement is given. */
export interface Bench {
  readonly options: Options;
  readonly setting: Setting;
  readonly origin: Origin;
  /** Those that are installed and asked for. */
  readonly peers: readonly Peer[];
  /** Their names, in the order of the columns. */
  readonly names: readonly string[];
  readonly subject: string | undefined;
}

export interface Sample extends Answered {
  readonly perCpuSecond: number;
  /** Of the time that the load generator ran, the share in which the server did. */
  readonly busyPercent: number;
}

/** What happens goes to stderr; stdout is for the tables. */
export function say(line: string): void {
  stderr.write(`${line}\n`);
}

/** Starts one of each, one after another; who does not start is left out, with the reason. */
export async function startServers(bench: Bench, stack: AsyncDisposableStack): Promise<Server[]> {
  const servers: Server[] = [];
  for (const peer of bench.peers) {
    const server = await attempt(bench, peer.name, () =>
      startServer(peer, bench.setting, { cores: SERVER_CORE, workers: 1 }),
    );
    if (server !== undefined) servers.push(stack.use(server));
  }
  return servers;
}

/** One server's trouble is said, and does not end the others' measures; being stopped does. */
export async function attempt<T>(
  { setting }: Bench,
  what: string,
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    setting.signal.throwIfAborted();
    say(`${what}: left out: ${message(error)}`);
    return undefined;
  }
}

/** Hits, and nothing but hits, and what the server spent on them. */
export async function measureHits(bench: Bench, loop: Loop): Promise<Sample> {
  const fetchesBefore = bench.origin.requests();
  const cpuSeconds = cpuMeter(loop.server.pid);
  const startedAt = performance.now();
  const answered = await closedLoop(loop);
  const spent = cpuSeconds();
  const wallSeconds = (performance.now() - startedAt) / 1_000;
  const fetches = bench.origin.requests() - fetchesBefore;
  if (fetches > 0) throw new Error(`it asked the origin ${fetches} times: these are no hits`);
  return {
    ...answered,
    perCpuSecond: answered.requests / spent,
    busyPercent: (spent / wallSeconds) * 100,
  };
}
