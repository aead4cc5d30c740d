import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout } from "node:timers/promises";
import { attempt, type Bench, measureHits, say } from "./bench.ts";
import { caseNamed, objectPath } from "./case.ts";
import { clientCommand } from "./client.ts";
import { warm } from "./probe.ts";
import { residentBytes } from "./process-tree.ts";
import { ENVIRONMENT, LOAD_CORE, SERVER_CORE } from "./program.ts";
import { Rounds } from "./rounds.ts";
import { type Peer, type Server, startServer } from "./server.ts";
import { comparison } from "./table.ts";

const CASE = caseNamed("http1-1k");
const CONNECTIONS = 10_000;
const OPEN_TIMEOUT_MS = 60_000;
const WARM_UP_SECONDS = 1;
const SETTLE_POLL_MS = 250;
const SETTLE_POLLS_MAX = 20;

/** What 10,000 idle connections add to a server's resident memory, each after one answer. */
export async function idle(bench: Bench): Promise<string> {
  const rounds = new Rounds();
  for (const peer of bench.peers) {
    const bytes = await attempt(bench, `idle: ${peer.name}`, () => bytesEach(bench, peer));
    if (bytes === undefined) continue;
    rounds.add("KiB", peer.name, { round: 0, value: bytes / 1_024 });
    say(`idle: ${peer.name}: ${(bytes / 1_024).toFixed(1)} KiB a connection`);
  }
  const title = `memory of an idle connection, ${CONNECTIONS.toLocaleString("en")} of them`;
  const show = (value: number): string => value.toFixed(1);
  return comparison(rounds, { title, servers: bench.names, subject: undefined, show });
}

/** A server of its own for each: memory that another measure left free would be used first. */
async function bytesEach(bench: Bench, peer: Peer): Promise<number> {
  const { setting } = bench;
  const cores = SERVER_CORE;
  await using server = await startServer(peer, setting, { cores, workers: 1 });
  await warm(server, CASE, { certificate: setting.certificate, objects: 1 });
  const seconds = WARM_UP_SECONDS;
  await measureHits(bench, { server, setting, case: CASE, objects: 1, seconds, core: LOAD_CORE });
  const before = await settledBytes(server, setting.signal);
  // Not without `await`: the server would be stopped first.
  return await holdingConnections(server, setting.signal, async () => {
    const after = await settledBytes(server, setting.signal);
    return (after - before) / CONNECTIONS;
  });
}

/** @throws Error if the connections can't be had, or one of them is closed meanwhile. */
async function holdingConnections<T>(
  server: Server,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  const { size } = CASE;
  const args = [server.port, objectPath(size, 0), size.bytes, CONNECTIONS];
  const client = spawn("taskset", ["-c", LOAD_CORE, ...clientCommand("idle", args)], {
    env: ENVIRONMENT,
    stdio: ["pipe", "pipe", "inherit"],
  });
  const exited = once(client, "exit");
  try {
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(OPEN_TIMEOUT_MS)]);
    // It prints a line, or ends without one.
    await Promise.race([once(client.stdout, "data", { signal: deadline }), exited]);
    if (client.exitCode !== null) throw new Error("the connections can't be had");
    const result = await work();
    client.stdin.end();
    await exited;
    if (client.exitCode !== 0) throw new Error("it closed connections that were idle");
    return result;
  } finally {
    client.kill("SIGKILL");
  }
}

/** Resident memory once it stays the same: garbage goes when the collector finds the time. */
async function settledBytes(server: Server, signal: AbortSignal): Promise<number> {
  let last = residentBytes(server.pid);
  for (let poll = 0; poll < SETTLE_POLLS_MAX; poll += 1) {
    await setTimeout(SETTLE_POLL_MS, undefined, { signal });
    const now = residentBytes(server.pid);
    if (now === last) return now;
    last = now;
  }
  return last;
}
