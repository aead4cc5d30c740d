import { mkdir, rm } from "node:fs/promises";
import { Agent } from "node:http";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { timedAnswer } from "./asking.ts";
import { type Bench, say } from "./bench.ts";
import { runInside } from "./inside.ts";
import { atollWithDisk } from "./peers/command.ts";
import { cpuSeconds, residentBytes } from "./process-tree.ts";
import { BOTH_CORES } from "./program.ts";
import { Rounds } from "./rounds.ts";
import { type Server, startServer } from "./server.ts";
import { markdown } from "./table.ts";

const OBJECTS = 1_000_000;
const EARLY: ReadonlySet<unknown> = new Set(["ECONNRESET", "ECONNREFUSED"]);
const TRY_EVERY_MS = 5;
const TRIES_MAX = 4_000;
/** Asked for after the first hit, to see that it was no accident. */
const SAMPLE = 100;
/** What a start leaves to be collected has been by then, and the folder is being counted. */
const LATER_MS = 5_000;

const FIGURES = [
  "listens, ms",
  "first hit, ms",
  "of CPU till then, ms",
  "resident then, MiB",
  "5 s later, MiB",
] as const;

/** From the start of Atoll's processes to the first hit, with a folder of stored objects. */
export async function restart(bench: Bench): Promise<string> {
  const { options, setting } = bench;
  const objects = options.stored ?? OBJECTS;
  const folder = join(setting.folder, "kept");
  await mkdir(folder);
  try {
    await storeOne(bench, folder);
    const rounds = new Rounds();
    await measureStarts(bench, rounds, { folder, objects: 1 });
    say(`restart: writing ${objects} objects`);
    await runInside("fill-folder", [folder, objects], { objects, setting });
    await measureStarts(bench, rounds, { folder, objects });
    const rows: string[][] = [];
    for (const row of rounds.rows()) {
      rows.push([row, ...FIGURES.map((figure) => shown(rounds.median(row, figure)))]);
    }
    return markdown(["Atoll on both cores, since it was started", ...FIGURES], rows);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** One object, written by a server as it writes them. */
async function storeOne(bench: Bench, folder: string): Promise<void> {
  await using server = await start(bench, folder);
  await ask(server, 0, "MISS");
}

async function measureStarts(
  bench: Bench,
  rounds: Rounds,
  { folder, objects }: { readonly folder: string; readonly objects: number },
): Promise<void> {
  const { options, setting } = bench;
  for (let round = 0; round < options.rounds; round += 1) {
    await using server = await start(bench, folder);
    const listensMs = performance.now() - server.startedAt;
    await ask(server, Math.floor(((round + 0.5) * objects) / options.rounds), "HIT");
    const hitMs = performance.now() - server.startedAt;
    const cpuMs = cpuSeconds(server.pid) * 1_000;
    const residentMib = residentBytes(server.pid) / 2 ** 20;
    for (let i = 0; i < SAMPLE; i += 1) {
      await ask(server, Math.floor((i * objects) / SAMPLE), "HIT");
    }
    await setTimeout(LATER_MS, undefined, { signal: setting.signal });
    const laterMib = residentBytes(server.pid) / 2 ** 20;
    const row = `${objects.toLocaleString("en")} on disk`;
    for (const [i, value] of [listensMs, hitMs, cpuMs, residentMib, laterMib].entries()) {
      rounds.add(row, FIGURES[i] ?? "", { round, value });
    }
    say(`restart: ${row}: ${round + 1}: first hit after ${hitMs.toFixed(0)} ms`);
  }
}

function start({ setting }: Bench, folder: string): Promise<Server> {
  return startServer(atollWithDisk(folder), setting, { cores: BOTH_CORES, workers: 1 });
}

async function ask({ port }: Server, number: number, expected: "HIT" | "MISS"): Promise<void> {
  const agent = new Agent();
  for (let tries = 1; ; tries += 1) {
    try {
      await timedAnswer(port, `/1k/${number}`, { agent, expected });
      return;
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      // Whoever starts tries for a moment whether the port is free, and takes connections meanwhile.
      if (!EARLY.has(code) || tries === TRIES_MAX) throw error;
      await setTimeout(TRY_EVERY_MS);
    }
  }
}

function shown(value: number | undefined): string {
  return value === undefined ? "–" : value.toFixed(0);
}
