import assert from "node:assert/strict";
import { memoryUsage } from "node:process";
import { describe, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Body } from "#edge/cache/body.ts";
import { Fill } from "#edge/cache/fill.ts";
import { cacheKey } from "#edge/cache/key.ts";
import { MemoryBudget } from "#edge/cache/memory-budget.ts";
import { MemoryStore } from "#edge/cache/memory-store.ts";
import { type StoredResponse, storedResponse } from "#edge/cache/stored-response.ts";
import type { FieldSection } from "#edge/fields.ts";
import type { OriginResponse } from "#edge/origin/origin.ts";
import type { RequestHead } from "#edge/request.ts";
import { storedReply } from "#edge/stored-reply.ts";
import { OutgoingContent } from "#edge/wire/http2/outgoing-content.ts";
import { replyWith, startWire } from "./wire.ts";

const MIB = 1024 * 1024;
/** What a socket reads into, and what Node's pool is cut from. */
const SLAB = Buffer.alloc(64 * 1024, "x");

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** What is alive, after those who could let go have done so. */
async function aliveBytes(): Promise<number> {
  await setImmediate();
  collectGarbage();
  await setImmediate();
  collectGarbage();
  const { heapUsed, external } = memoryUsage();
  return heapUsed + external;
}

/** What a Space has: one representation for all. */
const UNSELECTED = { selecting: [], role: "space" } as const;

function bodyOf(...chunks: readonly Buffer[]): Body {
  const body = new Body(new MemoryBudget(64 * MIB), "retained");
  body.hold();
  for (const chunk of chunks) body.append(chunk);
  body.end("whole");
  return body;
}

function store(
  into: MemoryStore,
  budget: MemoryBudget,
  target: string,
  bodyBytes = 1,
): StoredResponse {
  const body = new Body(budget, "retained");
  body.hold();
  body.append(SLAB.subarray(0, bodyBytes));
  body.end("whole");
  const fields = ["content-type", "text/plain", "etag", `"${target.slice(0, 8)}"`];
  const head = { status: 200, fields, requestTime: 0, responseTime: 0 };
  const key = cacheKey({ id: "19f06b6a-3ace-4315-b086-499a0e521b76" }, { host: "", target }, {});
  const as = { key, body, contentLength: 1, purgesCheckedAt: 0, ...UNSELECTED };
  const stored = storedResponse(head, as);
  into.put(stored);
  body.release();
  return stored;
}

/** What is kept of uses, because they were the last of all, is no entry's own. */
function useManyOthers(use: (stored: StoredResponse) => void): void {
  const budget = new MemoryBudget(MIB);
  const others = new MemoryStore(budget);
  for (let i = 0; i < 20_000; i += 1) use(store(others, budget, `/others/${i}`));
}

/** Both sections of a reply that is made of it. */
function hit(stored: StoredResponse): FieldSection[] {
  const request: RequestHead = {
    version: "HTTP/1.1",
    method: "GET",
    target: "/",
    host: "a.test",
    fields: [],
    contentLength: 0,
  };
  const endpoint = { id: "1", space: "s", region: "r", domain: "d", ttl: 60 };
  const reply = storedReply(request, stored, {
    visit: {
      requestId: "1",
      live: { endpoint, purges: undefined, counters: undefined },
      lines: "",
    },
    outcome: { kind: "hit", ttlSeconds: 60 },
    now: 0,
  });
  return [reply.section, reply.own];
}

// V8 lays a class out by its first instances, and badly if a collection takes them all.
for (let i = 0; i < 8; i += 1) bodyOf();

describe("what is stored owns its memory:", () => {
  const bodies = [
    { what: "one octet", chunks: [SLAB.subarray(7, 8)] },
    { what: "small pieces", chunks: [SLAB.subarray(0, 10), SLAB.subarray(20, 30)] },
    { what: "large pieces", chunks: [SLAB.subarray(0, 30_000), SLAB.subarray(30_000, 60_000)] },
  ];
  for (const { what, chunks } of bodies) {
    test(`a body of ${what} keeps no slab alive`, () => {
      const reader = bodyOf(...chunks).read();
      for (let part = reader.read(); Buffer.isBuffer(part); part = reader.read()) {
        assert.equal(part.buffer.byteLength, part.length);
      }
    });
  }

  test("a body of one piece that is its own already is not copied", () => {
    const chunk = Buffer.allocUnsafeSlow(100);
    assert.equal(bodyOf(chunk).single(), chunk);
  });

  test("an empty body is one buffer", () => {
    assert.equal(bodyOf().single()?.length, 0);
  });

  test("a body in tiny pieces is charged as the one that it becomes", () => {
    const budget = new MemoryBudget(64 * MIB);
    const body = new Body(budget, "retained");
    body.hold();
    for (let i = 0; i < 1_000; i += 1) body.append(SLAB.subarray(i, i + 1));
    body.end("whole");
    assert(budget.used >= 1_000);
    assert(budget.used < 2_000);
    body.release();
    assert.equal(budget.used, 0);
  });

  test("a key does not keep the request head that its target was cut from", async () => {
    const budget = new MemoryBudget(64 * MIB);
    const into = new MemoryStore(budget);
    const before = await aliveBytes();
    for (let i = 0; i < 1_000; i += 1) {
      const head = Buffer.from(
        `GET /objects/number/${i} HTTP/1.1\r\ncookie: ${"y".repeat(20_000)}`,
      );
      store(into, budget, head.toString("latin1").slice(4, 20 + String(i).length));
    }
    const grown = (await aliveBytes()) - before;
    assert.equal(into.size, 1_000);
    assert(grown < 4 * MIB, `${grown / MIB} MiB for 1,000 entries`);
  });

  test("what waits for the windows of HTTP/2 keeps nothing but itself", () => {
    const budget = new MemoryBudget(64 * MIB);
    const settled = store(new MemoryStore(budget), budget, "/waits").body.single() ?? assert.fail();
    assert(settled.buffer.byteLength > 1_000, "no part of an arena");
    const { bytes } = new OutgoingContent(settled);
    assert.equal(bytes.buffer.byteLength, 1);
    assert(bytes.equals(settled));
  });

  const uses: readonly (readonly [what: string, use: (stored: StoredResponse) => void])[] = [
    ["as it is stored", () => undefined],
    ["once it was hit", (stored) => void hit(stored)],
    ["once it was hit over HTTP/2", (stored) => hit(stored).every((section) => section.http2)],
  ];
  for (const [what, use] of uses) {
    for (const bodyBytes of [1, 1_000, 20_000]) {
      const count = bodyBytes > 1_000 ? 2_000 : 20_000;
      test(`what an entry of ${bodyBytes} octets costs is charged, ${what}`, async () => {
        useManyOthers(use);
        const budget = new MemoryBudget(256 * MIB);
        const into = new MemoryStore(budget);
        const from = await aliveBytes();
        for (let i = 0; i < count; i += 1) use(store(into, budget, `/objects/${i}`, bodyBytes));
        const grown = (await aliveBytes()) - from;
        assert.equal(into.size, count);
        assert(grown <= budget.used, `${grown / count} of ${budget.used / count} bytes an entry`);
      });
    }
  }

  test("what is charged is still there after most of it has come and gone", async () => {
    const budget = new MemoryBudget(32 * MIB);
    const into = new MemoryStore(budget);
    const from = await aliveBytes();
    for (let i = 0; i < 60_000; i += 1)
      store(into, budget, `/objects/${i}`, 1 + ((i * 37) % 4_000));
    const grown = (await aliveBytes()) - from;
    assert(into.stats().evictions > 40_000);
    assert(grown <= 1.05 * budget.bytesMax, `${grown / MIB} MiB`);
  });
});

/** A fill of one small object, and a sign of whether what it was begun with is still there. */
async function finishedFill(): Promise<{ stored: StoredResponse; plan: WeakRef<object> }> {
  const { promise, resolve } = Promise.withResolvers<StoredResponse>();
  const response: OriginResponse = {
    kind: "response",
    status: 200,
    fields: [],
    length: 1,
    body: {
      read: (sink) => {
        sink.chunk(SLAB.subarray(0, 1));
        sink.end([]);
      },
      resume: () => undefined,
    },
    discard: () => undefined,
    requestTime: 0,
    responseTime: 0,
  };
  const plan = {
    key: "k",
    prior: undefined,
    slice: undefined,
    keyOf: () => "k",
    sourceOf: () => assert.fail("it is small"),
    replaces: false,
    endpoint: { ttl: 60 },
    requestFields: [],
    bodyBytesMax: MIB,
    budget: new MemoryBudget(MIB),
    purgesCheckedAt: 0,
    fetch: () => Promise.resolve(response),
    keep: resolve,
    supersede: () => undefined,
    closed: () => undefined,
  };
  const { head } = new Fill(plan);
  assert.equal((await head).kind, "storing");
  return { stored: await promise, plan: new WeakRef(plan) };
}

test("a stored response keeps nothing of the fill that made it", async () => {
  const { stored, plan } = await finishedFill();
  await aliveBytes();
  assert.equal(plan.deref(), undefined);
  assert.equal(stored.body.single()?.length, 1);
});

test("a connection keeps no reply that it has given", async () => {
  const wire = startWire((request, exchange) => {
    const body = bodyOf(Buffer.alloc(MIB));
    const content = body.read();
    replies.push(new WeakRef(body));
    exchange.respond({ ...replyWith(request, ""), contentLength: MIB, content });
  });
  const replies: WeakRef<object>[] = [];
  wire.peer.write("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
  let received = 0;
  for await (const chunk of wire.peer as AsyncIterable<Buffer>) {
    received += chunk.length;
    if (received > MIB) break;
  }
  wire.endings.length = 0;
  await aliveBytes();
  assert.equal(replies.length, 1);
  assert.equal(replies[0]?.deref(), undefined);
});
