import { chmod, mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import process, { argv, stdout } from "node:process";
import { attempt, type Bench, say } from "./edge/bench.ts";
import { makeCertificate } from "./edge/certificate.ts";
import { diskHits } from "./edge/disk-hits.ts";
import { handshakes } from "./edge/handshakes.ts";
import { hits } from "./edge/hits.ts";
import { idle } from "./edge/idle.ts";
import { latency } from "./edge/latency.ts";
import { describeMachine, type Found } from "./edge/machine.ts";
import { memory } from "./edge/memory.ts";
import { misses } from "./edge/misses.ts";
import { HELP, type Measure, type Options, readOptions } from "./edge/options.ts";
import { startOrigin } from "./edge/origin.ts";
import { atoll, commandPeer } from "./edge/peers/command.ts";
import { haproxy } from "./edge/peers/haproxy.ts";
import { nginx } from "./edge/peers/nginx.ts";
import { trafficServer } from "./edge/peers/traffic-server.ts";
import { varnish } from "./edge/peers/varnish.ts";
import { joinLoad } from "./edge/program.ts";
import { purge } from "./edge/purge.ts";
import { restart } from "./edge/restart.ts";
import type { Peer } from "./edge/server.ts";
import { workers } from "./edge/workers.ts";

/**
 * `npm run bench:edge`: Atoll beside every other cache that is installed, each on one core with the
 * same origin, objects, certificate and cipher; and what only Atoll is asked. Linux, two cores.
 */
const PEERS: readonly Peer[] = [atoll, nginx, haproxy, varnish, trafficServer];
const MEASUREMENTS: Readonly<Record<Measure, (bench: Bench) => Promise<string>>> = {
  hits,
  latency,
  idle,
  handshakes,
  workers,
  misses,
  disk: diskHits,
  purge,
  restart,
  memory,
};

const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => stop.abort(new Error("Stopped before it was done")));
}
try {
  const options = readOptions(argv.slice(2));
  if (options === "help") stdout.write(HELP);
  else await run(options);
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}

async function run(options: Options): Promise<void> {
  if (availableParallelism() < 2)
    throw new Error("It needs a core for the load beside the server's");
  const found = await findPeers(options);
  stdout.write(`${await describeMachine(found)}\n`);
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "atoll-bench-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  // Servers that give up being root still have to reach their own folder in it.
  await chmod(folder, 0o755);
  await joinLoad();
  const origin = stack.use(await startOrigin());
  const names = found.map(({ peer }) => peer.name);
  const bench: Bench = {
    options,
    setting: {
      origin: `http://127.0.0.1:${origin.port}`,
      certificate: await makeCertificate(folder),
      folder,
      signal: stop.signal,
    },
    origin,
    peers: found.map(({ peer }) => peer),
    names,
    subject: subjectOf(options, names),
  };
  for (const measure of options.only) {
    const table = await attempt(bench, measure, () => MEASUREMENTS[measure](bench));
    if (table !== undefined) stdout.write(`\n${table}\n`);
  }
}

/** Those that are asked for and there; what is missing is said. */
async function findPeers(options: Options): Promise<Found[]> {
  const wanted = PEERS.filter(({ name }) => options.peers?.includes(keyOf(name)) ?? true);
  const unknown = options.peers?.filter((key) => !PEERS.some(({ name }) => keyOf(name) === key));
  if (unknown !== undefined && unknown.length > 0) {
    throw new Error(`--peers knows ${PEERS.map(({ name }) => keyOf(name)).join(", ")}`);
  }
  const found: Found[] = [];
  for (const peer of [...options.servers.map(commandPeer), ...wanted]) {
    const version = await peer.version();
    if (version === undefined) say(`${peer.name} is not installed`);
    else found.push({ peer, version });
  }
  return found;
}

/** As options name it: `traffic-server`. */
function keyOf(name: string): string {
  return name.toLowerCase().replaceAll(" ", "-");
}

/** Atoll, unless told otherwise; without it the first of those that `--server` names. */
function subjectOf(options: Options, names: readonly string[]): string | undefined {
  const subject = options.subject ?? (names.includes(atoll.name) ? atoll.name : undefined);
  return subject ?? options.servers[0]?.name;
}
