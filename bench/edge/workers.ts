import { type Bench, measureHits } from "./bench.ts";
import { type Case, caseLabel } from "./case.ts";
import { closedLoop } from "./closed-loop.ts";
import { inTurn } from "./in-turn.ts";
import { warm } from "./probe.ts";
import { BOTH_CORES } from "./program.ts";
import { Rounds } from "./rounds.ts";
import { type Server, startServer } from "./server.ts";
import { comparison, thousands } from "./table.ts";

/** Long enough for each worker to have been asked, and to have what it was asked for. */
const WARM_UP_SECONDS = 2;

/**
 * What a second worker costs: requests per CPU-second of two against one. Both servers may run on
 * both cores, and the load with them, so that nothing but the number of workers differs.
 */
export async function workers(bench: Bench): Promise<string> {
  const { setting, subject, options } = bench;
  const peer = bench.peers.find(({ name }) => name === subject);
  if (peer === undefined) throw new Error("there is no server to compare with itself");
  await using stack = new AsyncDisposableStack();
  const start = async (name: string, count: number): Promise<Server> => {
    const place = { cores: BOTH_CORES, workers: count };
    return stack.use(await startServer({ ...peer, name }, setting, place));
  };
  const servers = [await start("one worker", 1), await start("two workers", 2)];
  const rounds = new Rounds();
  for (const of of options.cases.filter(({ size }) => size.name === "10k")) {
    await measureCase(bench, rounds, { of, servers });
  }
  return comparison(rounds, {
    title: `requests per CPU-second of ${peer.name}`,
    servers: servers.map(({ name }) => name),
    subject: "two workers",
    show: thousands,
  });
}

function measureCase(
  bench: Bench,
  rounds: Rounds,
  { of, servers }: { readonly of: Case; readonly servers: readonly Server[] },
): Promise<void> {
  const { options, setting } = bench;
  const what = caseLabel(of);
  const loop = { setting, case: of, objects: 1, core: BOTH_CORES };
  return inTurn(bench, {
    what,
    servers,
    protocol: of.protocol,
    warmUp: async (server) => {
      await warm(server, of, { certificate: setting.certificate, objects: 1 });
      await closedLoop({ ...loop, server, seconds: WARM_UP_SECONDS });
    },
    measure: (server) => measureHits(bench, { ...loop, server, seconds: options.seconds }),
    record: ({ perCpuSecond }, { server, round }) => {
      rounds.add(what, server, { round, value: perCpuSecond });
      return `${thousands(perCpuSecond)} a CPU-second`;
    },
  });
}
