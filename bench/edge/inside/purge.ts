import assert from "node:assert/strict";
import { Agent } from "node:http";
import { argv, exit, stdout } from "node:process";
import { Body } from "#edge/cache/body.ts";
import { MemoryBudget } from "#edge/cache/memory-budget.ts";
import type { MemoryStore } from "#edge/cache/memory-store.ts";
import { ownedText } from "#edge/cache/owned.ts";
import { type StoredParts, StoredResponse } from "#edge/cache/stored-response.ts";
import { askOverHttp1, timedAnswer } from "../asking.ts";
import { ENDPOINT_ID, startInnerEdge } from "./inner-edge.ts";
import { settledMemory } from "./settled-memory.ts";

/**
 * `purge.ts ORIGIN OBJECTS PURGES`: how long it takes to purge everything with so many objects of
 * 1 KiB in memory, one purge after another; and the first two requests after each, for one of them.
 */
const [, , origin = "", count = "", purges = ""] = argv;
const objects = Number(count);

const SIZE = "1k";
/** Of the feed, in a program that has only purges. */
const EVERYTHING = ["*"];

const { feed, memory, port } = await startInnerEdge(origin);
await askOverHttp1(port, { size: SIZE, first: 0, end: 1 }, "MISS");
multiply(memory);
assert.equal(memory.size, objects);
// What that has left to be collected is not to be collected in the midst of a purge.
await settledMemory();

const agent = new Agent({ keepAlive: true, maxSockets: 1 });
const applyMs: number[] = [];
const recordMs: number[] = [];
const missMs: number[] = [];
const hitMs: number[] = [];
// After the first purge all others are there for nothing: this one is stored anew each time.
const path = `/${SIZE}/${Math.floor(objects / 2)}`;
await timedAnswer(port, path, { agent, expected: "HIT" });
for (let i = 0; i < Number(purges); i += 1) {
  applyMs.push(timed(apply));
  missMs.push(await timedAnswer(port, path, { agent, expected: "MISS" }));
  hitMs.push(await timedAnswer(port, path, { agent, expected: "HIT" }));
}
for (let i = 0; i < Number(purges); i += 1) recordMs.push(timed(record));
// Nobody has gone through them: what was not asked for since is still there, not to be used again.
assert.equal(memory.size, objects);
stdout.write(JSON.stringify({ applyMs, recordMs, missMs, hitMs }));
exit();

/** As the feed brings it to a worker, which acknowledges it then. */
function apply(): void {
  const number = feed.number + 1;
  feed.apply([{ kind: "purge", number, id: ENDPOINT_ID, patterns: EVERYTHING }]);
}

/** The part of it that knows what is stored. */
function record(): void {
  const purgeList = feed.endpoints.withId(ENDPOINT_ID)?.purges;
  assert(purgeList !== undefined);
  purgeList.record(purgeList.latest + 1, EVERYTHING);
}

function timed(work: () => void): number {
  const startedAt = performance.now();
  work();
  return performance.now() - startedAt;
}

/** Stores the object that is there under all other numbers, as if each had been fetched. */
function multiply(store: MemoryStore): void {
  const [first] = store.entries();
  const octets = first?.body.single();
  assert(first !== undefined && octets !== undefined);
  // None is evicted: which budget they are on makes no difference.
  const budget = new MemoryBudget(Number.MAX_SAFE_INTEGER);
  for (let i = 1; i < objects; i += 1) {
    const body = new Body(budget, "retained");
    body.hold();
    body.append(octets);
    body.end("whole");
    const key = ownedText(first.key.replace(/0$/, String(i)));
    const section = { text: ownedText(first.section.text) };
    store.put(new StoredResponse({ ...partsOf(first), key, section, body }));
    body.release();
  }
}

/** All that is the same for each. */
function partsOf(stored: StoredResponse): Omit<StoredParts, "key" | "section" | "body"> {
  const { status, selecting, freshness, contentLength, tags, purgesCheckedAt, softPurged } = stored;
  return { status, selecting, freshness, contentLength, tags, purgesCheckedAt, softPurged };
}
