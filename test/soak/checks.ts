import { isAlive } from "../support/processes.ts";
import { until } from "../support/until.ts";
import { type Trial, WORKERS } from "./trial.ts";
import {
  type Descriptors,
  descriptors,
  growthAllowed,
  inMib,
  moreThan,
  tcpSockets,
} from "./vitals.ts";

/** One thing that has to be so after the load, and why it is not. */
export interface Check {
  readonly what: string;
  readonly failure: string | undefined;
}

/** Above the time that the edge gives to a peer whose connection has ended half. */
const REST_DEADLINE_MS = 60_000;

/** Says why something that has to be so is not. */
export type Find = (trial: Trial) => string | undefined | Promise<string | undefined>;

export type NamedFind = readonly [what: string, find: Find];

/** `own` comes in between, while all is at rest and the workers still answer. The last ones end them. */
export async function checksOf(trial: Trial, own: readonly NamedFind[]): Promise<readonly Check[]> {
  const checks: Check[] = [];
  for (const [what, find] of [...OF_ANSWERS, ...own, ...OF_PROCESSES]) {
    try {
      checks.push({ what, failure: await find(trial) });
    } catch (error) {
      checks.push({ what, failure: (error as Error).message });
    }
  }
  return checks;
}

const OF_ANSWERS: readonly NamedFind[] = [
  ["every answer that came to its end is the right one", wrongAnswers],
  ["nothing broke but what has an excuse", brokenRequests],
  ["every request came to an end", pendingRequests],
  ["every kind of client was served", servedKinds],
  ["each killed worker has been replaced", replacedWorkers],
];

const OF_PROCESSES: readonly NamedFind[] = [
  ["the memory of the worker that was there all along is flat", elderMemory],
  ["the memory of the parent is flat", parentMemory],
  ["no other worker has grown beyond the oldest", otherMemory],
  ["the descriptors of the parent are those of its beginning", parentDescriptors],
  ["the descriptors of the workers are those of their beginning", workerDescriptors],
  ["the log has no error but the end of the workers that were killed", loggedErrors],
  ["SIGTERM ends it with 0, and no process is left", ending],
];

/** Which of the outcomes that a cache has, as `x-cache` names them, were not seen. */
export function unseen(...outcomes: readonly string[]): Find {
  return ({ tally }) => {
    const missing = outcomes.filter((outcome) => !tally.caches.has(outcome));
    return missing.length === 0 ? undefined : `not seen: ${missing.join(", ")}`;
  };
}

async function wrongAnswers({ tally }: Trial): Promise<string | undefined> {
  return listed(tally.wrongCount, tally.wrong);
}

async function brokenRequests({ tally }: Trial): Promise<string | undefined> {
  return listed(tally.brokenCount, tally.broken);
}

async function pendingRequests({ tally, connections }: Trial): Promise<string | undefined> {
  const { pending } = tally;
  if (pending.length > 0) return listed(pending.length, pending);
  await until("every client has closed its connections", () => connections.size === 0);
  return undefined;
}

async function servedKinds({ tally }: Trial): Promise<string | undefined> {
  const unserved = tally.clients.filter((name) => !tally.whole.has(name));
  return unserved.length === 0 ? undefined : `not served: ${unserved.join("; ")}`;
}

async function replacedWorkers({ program, journal, kills }: Trial): Promise<string | undefined> {
  const wanted = kills.length + WORKERS;
  await until("the last killed worker is replaced", () => journal.listening.size === wanted);
  const { length } = program.workers;
  return length === WORKERS ? undefined : `there are ${length} workers`;
}

async function elderMemory({ memory, elder }: Trial): Promise<string | undefined> {
  return growth(memory.warm(elder), memory.late(elder));
}

async function parentMemory({ memory, program }: Trial): Promise<string | undefined> {
  return growth(memory.warm(program.pid), memory.late(program.pid));
}

/** Whoever came later has seen less. */
async function otherMemory({ memory, program, elder }: Trial): Promise<string | undefined> {
  const others = program.workers.filter((pid) => pid !== elder);
  return growth(memory.late(elder), Math.max(0, ...others.map((pid) => memory.late(pid))));
}

function growth(warm: number, late: number): string | undefined {
  if (warm === 0 || late <= growthAllowed(warm)) return undefined;
  return `${inMib(warm)} when warm, ${inMib(late)} at the end`;
}

async function parentDescriptors({ program, base }: Trial): Promise<string | undefined> {
  return returnTo(program.pid, base.parent);
}

async function workerDescriptors({ program, base }: Trial): Promise<string | undefined> {
  for (const pid of program.workers) {
    const failure = await returnTo(pid, base.worker);
    if (failure !== undefined) return failure;
  }
  return undefined;
}

async function returnTo(pid: number, base: Descriptors): Promise<string | undefined> {
  const more = () => moreThan(base, descriptors(pid));
  const rested = () => more().length === 0;
  const rest = await until("rest", rested, REST_DEADLINE_MS).catch(() => false);
  if (rest) return undefined;
  return [`process ${pid} has besides`, ...more(), ...tcpSockets(pid)].join("\n          ");
}

async function loggedErrors({ journal, kills }: Trial): Promise<string | undefined> {
  const found = [...journal.errors, ...journal.strange];
  if (found.length > 0) return listed(found.length, found);
  if (journal.workersEnded === kills.length) return undefined;
  return `${journal.workersEnded} workers ended, ${kills.length} were killed`;
}

async function ending({ program }: Trial): Promise<string | undefined> {
  const { workers } = program;
  await program.stop();
  const left = workers.filter(isAlive);
  return left.length === 0 ? undefined : `left: ${left.join(", ")}`;
}

function listed(count: number, some: readonly string[]): string | undefined {
  return count === 0 ? undefined : [count, ...some].join("\n          ");
}
