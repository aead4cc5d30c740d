import { keepAwake } from "./awake.ts";
import { type Bench, measureHits, startServers } from "./bench.ts";
import { caseLabel, caseNamed, objectPath } from "./case.ts";
import { runClient } from "./client.ts";
import { inTurn } from "./in-turn.ts";
import { warm } from "./probe.ts";
import { LOAD_CORE } from "./program.ts";
import { Rounds } from "./rounds.ts";
import type { Server } from "./server.ts";
import { comparison, milliseconds, thousands } from "./table.ts";

const CASE = caseNamed("http1-10k");
/** Of what a core could answer: the rate at which an operator would think of another machine. */
const SHARE_OF_PEAK = 0.5;

interface Latency {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly latenessP99Ms: number;
}

/** How long an answer takes at half of each server's own peak, from when the request was due. */
export async function latency(bench: Bench): Promise<string> {
  await using stack = new AsyncDisposableStack();
  stack.use(keepAwake());
  const rates = new Rounds();
  const rounds = new Rounds();
  const lateness = new Rounds();
  await inTurn(bench, {
    what: "latency",
    servers: await startServers(bench, stack),
    protocol: CASE.protocol,
    warmUp: async (server) => {
      const value = await halfOfPeak(bench, server);
      rates.add("requests per second", server.name, { round: 0, value });
    },
    measure: (server) =>
      atRate(bench, server, rates.median("requests per second", server.name) ?? 0),
    record: (seen, { server, round }) => {
      rounds.add("p50", server, { round, value: seen.p50Ms });
      rounds.add("p99", server, { round, value: seen.p99Ms });
      lateness.add("p99", server, { round, value: seen.latenessP99Ms });
      return `p50 ${milliseconds(seen.p50Ms)} ms, p99 ${milliseconds(seen.p99Ms)} ms`;
    },
  });
  const { subject, names: servers } = bench;
  const title = `at half of its own peak, ${caseLabel(CASE)}`;
  return [
    comparison(rates, { title, servers, subject: undefined, show: thousands }),
    comparison(rounds, { title: "ms since it was due", servers, subject, show: milliseconds }),
    comparison(lateness, {
      title: "of that the client's own delay, ms",
      servers,
      subject: undefined,
      show: milliseconds,
    }),
  ].join("\n\n");
}

async function halfOfPeak(bench: Bench, server: Server): Promise<number> {
  const { options, setting } = bench;
  await warm(server, CASE, { certificate: setting.certificate, objects: 1 });
  const { seconds } = options;
  const loop = { server, setting, case: CASE, objects: 1, seconds, core: LOAD_CORE };
  await measureHits(bench, loop);
  return (await measureHits(bench, loop)).perCpuSecond * SHARE_OF_PEAK;
}

function atRate({ options, setting }: Bench, server: Server, rate: number): Promise<Latency> {
  const { size } = CASE;
  const { seconds } = options;
  const args = [server.port, objectPath(size, 0), size.bytes, Math.round(rate), seconds];
  return runClient<Latency>("constant-rate", args, { seconds, setting });
}
