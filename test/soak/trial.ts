import { setTimeout as delay } from "node:timers/promises";
import { isAlive, type Program } from "../support/processes.ts";
import { until } from "../support/until.ts";
import type { Soak } from "./client.ts";
import { Connections } from "./connections.ts";
import { Journal } from "./journal.ts";
import { killWorker } from "./kill.ts";
import { randomFrom } from "./random.ts";
import { Tally } from "./tally.ts";
import { type Descriptors, descriptors, Memory } from "./vitals.ts";

export const WORKERS = 2;
/** Written like any other, and never full. */
export const ACCESS_LOG = "/dev/null";
const SAMPLE_EVERY_MS = 1_000;
const KILL_EVERY_MS_MIN = 5_000;
const KILL_EVERY_MS_MAX = 12_000;
/** Enough for the slowest reader; a request that takes longer is lost. */
const END_DEADLINE_MS = 90_000;
const PROGRESS_EVERY_MS = 30_000;

/** One run, from its beginning to what was found. */
export interface Trial {
  readonly program: Program;
  readonly tally: Tally;
  readonly connections: Connections;
  readonly journal: Journal;
  readonly memory: Memory;
  /** The worker that is never killed: its memory is that of the whole trial. */
  readonly elder: number;
  readonly kills: number[];
  /** Descriptors before the first request. */
  readonly base: { readonly parent: Descriptors; readonly worker: Descriptors };
}

/** Of a thread with an event loop of its own. */
const THREAD = [
  ["anon_inode:[eventpoll]", 1],
  ["anon_inode:[io_uring]", 1],
  ["anon_inode:[eventfd]", 1],
  ["pipe", 2],
] as const;

/** Before the first request. */
export async function beginTrial(program: Program): Promise<Trial> {
  const journal = new Journal(program, program.output.stderr);
  await until("every worker listens", () => journal.listening.size === WORKERS);
  const { workers } = program;
  const [elder = 0] = workers;
  const parent = withThread(descriptors(program.pid));
  const worker = withThread(descriptors(elder));
  // Opened with its first line.
  const logs = worker.get(ACCESS_LOG) ?? 0;
  return {
    program,
    journal,
    elder,
    tally: new Tally(),
    connections: new Connections(),
    memory: new Memory(),
    kills: [],
    base: { parent, worker: worker.set(ACCESS_LOG, logs + 1) },
  };
}

/** What a process has once the thread that writes its files has begun, with the first of them. */
function withThread(before: Descriptors): Map<string, number> {
  const after = new Map(before);
  for (const [kind, count] of THREAD) after.set(kind, (after.get(kind) ?? 0) + count);
  return after;
}

/** How long, what is asked meanwhile, and what follows from which seed. */
interface Terms {
  readonly lastsMs: number;
  readonly seed: number;
  readonly say: (line: string) => void;
  /** Asks until the signal aborts, and resolves when what it has begun has come to its end. */
  readonly load: (soak: Soak) => Promise<void>;
}

/** The load, and beside it the kills and the looks at memory; ends when all is answered. */
export async function loadTrial(trial: Trial, { lastsMs, seed, say, load }: Terms): Promise<void> {
  const { tally, connections, program } = trial;
  const ending = new AbortController();
  const clients = load({ tally, connections, signal: ending.signal });
  const startedAt = performance.now();
  const elapsedMs = (): number => performance.now() - startedAt;
  const random = randomFrom(seed);
  const nextKill = (): number => elapsedMs() + random.between(KILL_EVERY_MS_MIN, KILL_EVERY_MS_MAX);
  let killAtMs = nextKill();
  let sayAtMs = PROGRESS_EVERY_MS;
  while (elapsedMs() < lastsMs) {
    await delay(Math.min(SAMPLE_EVERY_MS, lastsMs - elapsedMs()));
    trial.memory.sample([program.pid, ...program.workers], elapsedMs() / lastsMs);
    if (elapsedMs() > killAtMs && killOne(trial)) killAtMs = nextKill();
    if (elapsedMs() < sayAtMs) continue;
    sayAtMs += PROGRESS_EVERY_MS;
    say(
      `${Math.round(elapsedMs() / 1_000)} s: ${tally.wholeCount} answers, ${trial.kills.length} kills`,
    );
  }
  ending.abort();
  // Those that never end are found by a check.
  await Promise.race([clients, delay(END_DEADLINE_MS, undefined, { ref: false })]);
}

/** Kills a worker that listens, if there is one beside the elder. */
function killOne({ program, journal, elder, kills, connections }: Trial): boolean {
  const victim = program.workers.find((pid) => pid !== elder && journal.listening.has(pid));
  if (victim === undefined || !isAlive(victim)) return false;
  connections.killed(killWorker(victim));
  kills.push(victim);
  return true;
}
