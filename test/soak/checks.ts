import { ASK } from "../support/ask.ts";
import { isAlive } from "../support/processes.ts";
import { until } from "../support/until.ts";
import { contentOf } from "./content.ts";
import type { Place } from "./load.ts";
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
/** Outcomes that a run without them has not tried. */
const CACHE_RESULTS = ["HIT", "MISS", "REVALIDATED", "BYPASS"];

/** In this order: the last ones end the edge. */
export async function checksOf(trial: Trial, place: Place): Promise<readonly Check[]> {
  const checks: Check[] = [];
  for (const [what, find] of CHECKS) {
    const failure = await find(trial, place).catch((error: unknown) => (error as Error).message);
    checks.push({ what, failure });
  }
  return checks;
}

type Find = (trial: Trial, place: Place) => Promise<string | undefined>;

const CHECKS: readonly (readonly [string, Find])[] = [
  ["every answer that came to its end is the right one", wrongAnswers],
  ["nothing broke but what a kill or its own client has ended", brokenRequests],
  ["every request came to an end", pendingRequests],
  ["every kind of client was served, and every outcome was seen", servedKinds],
  ["each killed worker has been replaced", replacedWorkers],
  ["every worker answers, in every protocol", answers],
  ["the memory of the worker that was there all along is flat", elderMemory],
  ["the memory of the parent is flat", parentMemory],
  ["no other worker has grown beyond the oldest", otherMemory],
  ["the descriptors of the parent are those of its beginning", parentDescriptors],
  ["the descriptors of the workers are those of their beginning", workerDescriptors],
  ["the log has no error but the end of the workers that were killed", loggedErrors],
  ["SIGTERM ends it with 0, and no process is left", ending],
];

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
  const unseen = CACHE_RESULTS.filter((result) => !tally.caches.has(result));
  const missing = [...unserved, ...unseen];
  return missing.length === 0 ? undefined : `missing: ${missing.join("; ")}`;
}

async function replacedWorkers({ edge, journal, kills }: Trial): Promise<string | undefined> {
  const wanted = kills.length + WORKERS;
  await until("the last killed worker is replaced", () => journal.listening.size === wanted);
  return edge.workers.length === WORKERS ? undefined : `there are ${edge.workers.length} workers`;
}

/** Connections enough to reach every worker in every protocol. */
async function answers(_: Trial, { url, tlsUrl, ca }: Place): Promise<string | undefined> {
  const path = "/hit/last-1000";
  const expected = contentOf(path).bytes.toString("latin1");
  for (let i = 0; i < 10; i += 1) {
    for (const ask of [ASK["HTTP/1.1"], ASK["HTTP/2"]]) {
      for (const base of [url, tlsUrl]) {
        const { text } = await ask(base + path, { ca });
        if (text !== expected) return `another body from ${base}`;
      }
    }
  }
  return undefined;
}

async function elderMemory({ memory, elder }: Trial): Promise<string | undefined> {
  return growth(memory.warm(elder), memory.late(elder));
}

async function parentMemory({ memory, edge }: Trial): Promise<string | undefined> {
  return growth(memory.warm(edge.pid), memory.late(edge.pid));
}

/** Whoever came later has seen less. */
async function otherMemory({ memory, edge, elder }: Trial): Promise<string | undefined> {
  const others = edge.workers.filter((pid) => pid !== elder);
  return growth(memory.late(elder), Math.max(0, ...others.map((pid) => memory.late(pid))));
}

function growth(warm: number, late: number): string | undefined {
  if (warm === 0 || late <= growthAllowed(warm)) return undefined;
  return `${inMib(warm)} when warm, ${inMib(late)} at the end`;
}

async function parentDescriptors({ edge, base }: Trial): Promise<string | undefined> {
  return returnTo(edge.pid, base.parent);
}

async function workerDescriptors({ edge, base }: Trial): Promise<string | undefined> {
  for (const pid of edge.workers) {
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

async function ending({ edge }: Trial): Promise<string | undefined> {
  const { workers } = edge;
  await edge.stop();
  const left = workers.filter(isAlive);
  return left.length === 0 ? undefined : `left: ${left.join(", ")}`;
}

function listed(count: number, some: readonly string[]): string | undefined {
  return count === 0 ? undefined : [count, ...some].join("\n          ");
}
