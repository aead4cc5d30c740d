import { execFile } from "node:child_process";
import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";
import { type Bench, startServers } from "./bench.ts";
import { type Case, caseLabel, caseNamed } from "./case.ts";
import { closedLoop } from "./closed-loop.ts";
import { inTurn } from "./in-turn.ts";
import { atoll, atollOnDisk } from "./peers/command.ts";
import { nginx } from "./peers/nginx.ts";
import { ask } from "./probe.ts";
import { cpuMeter } from "./process-tree.ts";
import { LOAD_CORE } from "./program.ts";
import { Rounds } from "./rounds.ts";
import type { Server } from "./server.ts";
import { comparison, thousands } from "./table.ts";

const run = promisify(execFile);

const CASES: readonly Case[] = [caseNamed("http1-1k"), caseNamed("http1-10k")];
/** To compile what is hot, and to open connections to the origin. */
const WARM_UP_SECONDS = 4;
/** Objects that are asked for once more, to see whether they were stored. */
const SAMPLE = 200;
/** After the load a server may still be writing: it has finished once it uses less than this. */
const QUIET_CPU_SECONDS = 0.02;
const QUIET_MS = 300;
const QUIET_POLLS_MAX = 50;

interface Missed {
  readonly perCpuSecond: number;
  readonly busyPercent: number;
  readonly storedPercent: number;
}

type Figures = Readonly<Record<keyof Missed, Rounds>>;

/** Requests per server CPU-second for what nobody has asked for before: fetched, stored, answered. */
export async function misses(bench: Bench): Promise<string> {
  await using stack = new AsyncDisposableStack();
  const peers = bench.peers.flatMap((peer) => (peer === atoll ? [atollOnDisk, atoll] : [peer]));
  const servers = await startServers({ ...bench, peers }, stack);
  const figures: Figures = {
    perCpuSecond: new Rounds(),
    busyPercent: new Rounds(),
    storedPercent: new Rounds(),
  };
  for (const of of CASES.filter((each) => bench.options.cases.includes(each))) {
    await measureCase(bench, figures, { of, servers });
  }
  const names = peers.map(({ name }) => name);
  const onDisk = peers.filter(({ keeps }) => keeps !== "memory").map(({ name }) => name);
  const inMemory = peers.filter(({ keeps }) => keeps === "memory").map(({ name }) => name);
  const share = { subject: undefined, servers: names, show: (value: number) => value.toFixed(0) };
  return [
    comparison(figures.perCpuSecond, {
      title: "misses per CPU-second, stored on disk",
      servers: onDisk,
      subject: bench.subject === atoll.name ? atollOnDisk.name : bench.subject,
      show: thousands,
    }),
    comparison(figures.perCpuSecond, {
      title: "misses per CPU-second, stored in memory (nginx: on disk)",
      servers: [...inMemory, nginx.name],
      subject: bench.subject,
      show: thousands,
    }),
    // Where this is not near a hundred, the load and the origin were what was slow.
    comparison(figures.busyPercent, { title: "its core was busy, %", ...share }),
    comparison(figures.storedPercent, { title: `of ${SAMPLE} of them stored, %`, ...share }),
  ].join("\n\n");
}

function measureCase(
  bench: Bench,
  figures: Figures,
  { of, servers }: { readonly of: Case; readonly servers: readonly Server[] },
): Promise<void> {
  const what = `misses, ${caseLabel(of)}`;
  return inTurn(bench, {
    what,
    servers,
    protocol: of.protocol,
    warmUp: async (server) => {
      await measureMisses(bench, server, { of, seconds: WARM_UP_SECONDS });
    },
    measure: (server) => measureMisses(bench, server, { of, seconds: bench.options.seconds }),
    record: (seen, { server, round }) => {
      for (const [figure, value] of Object.entries(seen) as [keyof Missed, number][]) {
        figures[figure].add(caseLabel(of), server, { round, value });
      }
      const { perCpuSecond, busyPercent, storedPercent } = seen;
      return (
        `${thousands(perCpuSecond)} a CPU-second, its core ${busyPercent.toFixed(0)} % busy, ` +
        `${storedPercent.toFixed(0)} % stored`
      );
    },
  });
}

let runs = 0;

/** @throws Error unless each request was a miss, by the origin's count. */
async function measureMisses(
  { setting, origin }: Bench,
  server: Server,
  { of, seconds }: { readonly of: Case; readonly seconds: number },
): Promise<Missed> {
  runs += 1;
  const prefix = `run${runs}`;
  // What others have written is not to be on its way to the disk meanwhile.
  await run("sync", ["--file-system", setting.folder], { signal: setting.signal });
  const order = { kind: "new", prefix } as const;
  const fetchesBefore = origin.requests();
  const cpuSeconds = cpuMeter(server.pid);
  const loop = { server, setting, case: of, objects: 1, order, core: LOAD_CORE };
  const { requests } = await closedLoop({ ...loop, seconds });
  const underLoad = cpuSeconds();
  const spent = await settled(cpuSeconds, setting.signal);
  const fetches = origin.requests() - fetchesBefore;
  // The load ends amid requests that nobody has counted.
  if (fetches < requests || fetches > requests + of.size.connections) {
    throw new Error(`it asked the origin ${fetches} times for ${requests} objects`);
  }
  return {
    perCpuSecond: requests / spent,
    busyPercent: (underLoad / seconds) * 100,
    storedPercent: await percentStored({ origin, setting }, server, { of, prefix, requests }),
  };
}

/** What it has used once it has nothing left to do: disk tiers write behind their answers. */
async function settled(cpuSeconds: () => number, signal: AbortSignal): Promise<number> {
  let last = cpuSeconds();
  for (let poll = 0; poll < QUIET_POLLS_MAX; poll += 1) {
    await setTimeout(QUIET_MS, undefined, { signal });
    const now = cpuSeconds();
    if (now - last < QUIET_CPU_SECONDS) return now;
    last = now;
  }
  throw new Error("it has not finished what the load left it to do");
}

async function percentStored(
  { origin, setting }: Pick<Bench, "origin" | "setting">,
  server: Server,
  { of, prefix, requests }: { of: Case; prefix: string; requests: number },
): Promise<number> {
  const fetchesBefore = origin.requests();
  for (let i = 0; i < SAMPLE; i += 1) {
    const number = Math.floor((i * requests) / SAMPLE);
    const path = `/${of.size.name}/${prefix}-${number}`;
    await ask(server, of, { path, certificate: setting.certificate });
  }
  return (1 - (origin.requests() - fetchesBefore) / SAMPLE) * 100;
}
