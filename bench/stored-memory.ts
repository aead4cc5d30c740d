import assert from "node:assert/strict";
import { argv, memoryUsage, stdout } from "node:process";
import { setTimeout } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Body } from "#edge/cache/body.ts";
import { MemoryBudget } from "#edge/cache/memory-budget.ts";
import { MemoryStore } from "#edge/cache/memory-store.ts";
import { storedResponse } from "#edge/cache/stored-response.ts";

/**
 * What each of 200,000 more objects of 1 KiB takes in a store that has as many, beyond its body and
 * the lines of its head; `bench/policy/memory.ts` runs it. Its argument says how they are used.
 */
const OBJECTS = 200_000;
const BODY_BYTES = 1_024;
const ENDPOINT_ID = "19f06b6a-3ace-4315-b086-499a0e521b76";
const STORED_AT = Date.UTC(2026, 10, 22, 12);
/** What a socket reads into. */
const READ = Buffer.alloc(64 * 1024, "x");

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

const use = argv[2] ?? "stored";
const budget = new MemoryBudget(2 ** 33);
const store = new MemoryStore(budget);
let keyBytes = 0;
let lineBytes = 0;
fill(0);
const before = await settled();
const chargedBefore = budget.used;
keyBytes = 0;
lineBytes = 0;
fill(OBJECTS);
const after = await settled();
assert.equal(store.size, 2 * OBJECTS);
const headBytes = keyBytes + lineBytes;
const heapBytes = after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers;
stdout.write(
  JSON.stringify({
    heap: each(heapBytes - lineBytes),
    resident: each(after.rss - before.rss - lineBytes),
    key: each(keyBytes) + BODY_BYTES,
    charged: each(budget.used - chargedBefore - headBytes + keyBytes),
  }),
);

function each(bytes: number): number {
  return Math.round(bytes / OBJECTS) - BODY_BYTES;
}

function fill(from: number): void {
  for (let i = from; i < from + OBJECTS; i += 1) {
    const key = `${ENDPOINT_ID} /assets/images/2026/11/photo-${i}.jpg`;
    put(key, i);
    const stored = store.get(key) ?? assert.fail();
    keyBytes += stored.key.length;
    lineBytes += stored.section.text.length;
    if (use === "stored") continue;
    assert.equal(stored.body.single()?.length, BODY_BYTES);
    if (use === "hit over HTTP/2") assert(stored.section.http2.bytesMax > 0);
  }
}

function put(key: string, i: number): void {
  const body = new Body(budget, "retained");
  body.hold();
  body.append(READ.subarray(i % 1_000, (i % 1_000) + BODY_BYTES));
  body.end("whole");
  const time = STORED_AT + i;
  const head = {
    status: 200,
    fields: fieldsOf(i, time),
    requestTime: time,
    responseTime: time + 3,
  };
  const as = { key, body, contentLength: BODY_BYTES, purgesCheckedAt: 1, selecting: [] };
  store.put(storedResponse(head, { ...as, role: "space" }));
  body.release();
}

/** What a Space sends. */
function fieldsOf(i: number, time: number): string[] {
  return Object.entries({
    "content-type": "image/jpeg",
    "last-modified": "Tue, 10 Nov 2026 07:28:00 GMT",
    etag: `"${(i * 2_654_435_761).toString(16).padStart(32, "0")}"`,
    date: new Date(time).toUTCString(),
    "cache-control": "public, max-age=86400",
    "x-amz-request-id": `tx00000${i}-0065`,
    vary: "Origin, Access-Control-Request-Headers, Access-Control-Request-Method",
    "strict-transport-security": "max-age=15552000; includeSubDomains; preload",
  }).flat();
}

/** What is taken once all that could be let go has been. */
async function settled(): Promise<NodeJS.MemoryUsage> {
  for (let i = 0; i < 3; i += 1) {
    collectGarbage();
    await setTimeout(100);
  }
  return memoryUsage();
}
