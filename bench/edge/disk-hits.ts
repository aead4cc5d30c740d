import { type Bench, measureHits, say, startServers } from "./bench.ts";
import { type Case, caseLabel, caseNamed } from "./case.ts";
import { closedLoop, type Loop } from "./closed-loop.ts";
import { inTurn } from "./in-turn.ts";
import { atoll, atollOnDisk } from "./peers/command.ts";
import { LOAD_CORE } from "./program.ts";
import { Rounds } from "./rounds.ts";
import type { Server } from "./server.ts";
import { comparison, milliseconds, thousands } from "./table.ts";

/** More than the 16 MiB that Atoll is given for memory: of either a twelfth may be there. */
const SETS: readonly { readonly of: Case; readonly objects: number }[] = [
  { of: caseNamed("http1-10k"), objects: 20_000 },
  { of: caseNamed("http1-1m"), objects: 200 },
];
/** One run of the warm-up, at least; a few of them, until all is on disk and none is fetched. */
const FILL_SECONDS_MIN = 3;
/** Any server is faster. */
const FILL_REQUESTS_PER_SECOND = 4_000;
const FILLS_MAX = 40;
/** Then at random, to compile what is hot. */
const WARM_UP_SECONDS = 2;

type Figure = "perCpuSecond" | "p50Ms" | "p99Ms" | "busyPercent";
type Figures = Readonly<Record<Figure, Rounds>>;

/** Requests per server CPU-second of hits at random on what is on disk and in the page cache. */
export async function diskHits(bench: Bench): Promise<string> {
  await using stack = new AsyncDisposableStack();
  const peers = bench.peers
    .map((peer) => (peer === atoll ? atollOnDisk : peer))
    .filter(({ keeps }) => keeps === "disk");
  const servers = await startServers({ ...bench, peers }, stack);
  const figures: Figures = {
    perCpuSecond: new Rounds(),
    p50Ms: new Rounds(),
    p99Ms: new Rounds(),
    busyPercent: new Rounds(),
  };
  for (const { of, objects } of SETS.filter((set) => bench.options.cases.includes(set.of))) {
    const stored = of.size.name === "10k" ? (bench.options.stored ?? objects) : objects;
    await measureSet(bench, figures, { of, objects: stored, servers });
  }
  const names = peers.map(({ name }) => name);
  const subject = bench.subject === atoll.name ? atollOnDisk.name : bench.subject;
  const latency = { subject: undefined, servers: names, show: milliseconds };
  return [
    comparison(figures.perCpuSecond, {
      title: "hits on disk per CPU-second",
      servers: names,
      subject,
      show: thousands,
    }),
    comparison(figures.p50Ms, { title: "p50 at full load, ms", ...latency }),
    comparison(figures.p99Ms, { title: "p99 at full load, ms", ...latency }),
    comparison(figures.busyPercent, {
      title: "its core was busy, %",
      ...latency,
      show: (value) => value.toFixed(0),
    }),
  ].join("\n\n");
}

function measureSet(
  bench: Bench,
  figures: Figures,
  set: { readonly of: Case; readonly objects: number; readonly servers: readonly Server[] },
): Promise<void> {
  const { of, objects, servers } = set;
  const { options, setting } = bench;
  const what = `${caseLabel(of)}, ${objects.toLocaleString("en")} objects`;
  const loop = { setting, case: of, objects, core: LOAD_CORE };
  const fillSeconds = Math.max(FILL_SECONDS_MIN, Math.ceil(objects / FILL_REQUESTS_PER_SECOND));
  let seed = 0;
  return inTurn(bench, {
    what: `disk, ${what}`,
    servers,
    protocol: of.protocol,
    warmUp: async (server) => {
      await fill(bench, { ...loop, server, seconds: fillSeconds });
      const order = { kind: "random", seed } as const;
      await measureHits(bench, { ...loop, server, order, seconds: WARM_UP_SECONDS });
    },
    measure: (server) => {
      seed += 1;
      const order = { kind: "random", seed } as const;
      return measureHits(bench, { ...loop, server, order, seconds: options.seconds });
    },
    record: ({ perCpuSecond, p50Ms, p99Ms, busyPercent }, { server, round }) => {
      const seen = { perCpuSecond, p50Ms, p99Ms, busyPercent };
      for (const [figure, value] of Object.entries(seen) as [Figure, number][]) {
        figures[figure].add(what, server, { round, value });
      }
      return (
        `${thousands(perCpuSecond)} a CPU-second, its core ${busyPercent.toFixed(0)} % busy, ` +
        `p50 ${milliseconds(p50Ms)} ms, p99 ${milliseconds(p99Ms)} ms`
      );
    },
  });
}

/** Asks for all objects in turn until a run had all of them, and fetched none. */
async function fill({ origin }: Bench, loop: Loop): Promise<void> {
  for (let fills = 1; fills <= FILLS_MAX; fills += 1) {
    const fetchesBefore = origin.requests();
    const { requests } = await closedLoop(loop);
    const fetches = origin.requests() - fetchesBefore;
    say(`disk: ${loop.server.name}: of ${requests} requests ${fetches} were misses`);
    if (fetches === 0 && requests >= loop.objects) return;
  }
  throw new Error("it does not keep on disk all that it is asked for");
}
