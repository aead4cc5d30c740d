import { type Bench, measureHits, startServers } from "./bench.ts";
import { type Case, caseLabel } from "./case.ts";
import { inTurn } from "./in-turn.ts";
import { warm } from "./probe.ts";
import { LOAD_CORE } from "./program.ts";
import { Rounds } from "./rounds.ts";
import type { Server } from "./server.ts";
import { comparison, milliseconds, thousands } from "./table.ts";

/** To compile what is hot, and to move objects from disk to memory. */
const WARM_UP_SECONDS = 1;

type Figure = "perCpuSecond" | "p50Ms" | "p99Ms" | "busyPercent" | "noisePercent";
type Figures = Readonly<Record<Figure, Rounds>>;

/** Requests per server CPU-second of cache hits, as many as go over a few connections. */
export async function hits(bench: Bench): Promise<string> {
  await using stack = new AsyncDisposableStack();
  const servers = await startServers(bench, stack);
  const figures: Figures = {
    perCpuSecond: new Rounds(),
    p50Ms: new Rounds(),
    p99Ms: new Rounds(),
    busyPercent: new Rounds(),
    noisePercent: new Rounds(),
  };
  for (const of of bench.options.cases) await measureCase(bench, figures, { of, servers });
  const { subject, names } = bench;
  const latency = { subject: undefined, servers: names, show: milliseconds };
  const share = { subject: undefined, servers: names, show: (value: number) => value.toFixed(0) };
  return [
    comparison(figures.perCpuSecond, {
      title: "requests per CPU-second",
      servers: names,
      subject,
      show: thousands,
    }),
    comparison(figures.p50Ms, { title: "p50 at full load, ms", ...latency }),
    comparison(figures.p99Ms, { title: "p99 at full load, ms", ...latency }),
    // Where this is not near a hundred, the load was what was slow.
    comparison(figures.busyPercent, { title: "its core was busy, %", ...share }),
    comparison(figures.noisePercent, { title: "others took, % of a core", ...share }),
  ].join("\n\n");
}

function measureCase(
  bench: Bench,
  figures: Figures,
  { of, servers }: { readonly of: Case; readonly servers: readonly Server[] },
): Promise<void> {
  const { options, setting } = bench;
  const { objects } = options;
  const what = caseLabel(of);
  const loop = (server: Server, seconds: number) =>
    measureHits(bench, { server, setting, case: of, objects, seconds, core: LOAD_CORE });
  return inTurn(bench, {
    what,
    servers,
    protocol: of.protocol,
    warmUp: async (server) => {
      await warm(server, of, { certificate: setting.certificate, objects });
      await loop(server, WARM_UP_SECONDS);
    },
    measure: (server) => loop(server, options.seconds),
    record: ({ perCpuSecond, p50Ms, p99Ms, busyPercent }, { server, round, noisePercent }) => {
      const seen = { perCpuSecond, p50Ms, p99Ms, busyPercent, noisePercent };
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
