import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import * as fc from "fast-check";
import { Body } from "#edge/cache/body.ts";
import type { BodyReader } from "#edge/cache/body-reader.ts";
import { MemoryBudget } from "#edge/cache/memory-budget.ts";
import { MemoryStore } from "#edge/cache/memory-store.ts";
import { storedResponse } from "#edge/cache/stored-response.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
/** One for all: what is counted here is what would be held. */
const CHUNK = Buffer.alloc(64 * KIB);
/** What a Space has: one representation for all. */
const UNSELECTED = { selecting: [], role: "space" } as const;

/** What this body keeps in memory, whatever the budget says. */
function heldBytes(body: Body): number {
  return body.sizeBytes - body.firstKept.offset;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** Writes as `pump` does, from an origin that is always ready. */
async function write(body: Body, sizeBytes: number): Promise<void> {
  for (let written = 0; written < sizeBytes; written += CHUNK.length) {
    body.append(CHUNK);
    await setImmediate();
    if (!body.retained) await body.room();
  }
  body.end("whole");
}

function fillStore(store: MemoryStore, budget: MemoryBudget, count: number): void {
  for (let i = 0; i < count; i += 1) {
    const body = new Body(budget, "retained");
    body.hold();
    body.append(CHUNK.subarray(0, KIB));
    body.end("whole");
    const head = { status: 200, fields: [], requestTime: 0, responseTime: 0 };
    const as = { key: `/${i}`, body, contentLength: KIB, purgesCheckedAt: 0, ...UNSELECTED };
    store.put(storedResponse(head, as));
    body.release();
  }
}

describe("the memory of a worker", () => {
  test("holds within its bounds what 60 cold fills of 15 MiB bring that nobody reads, and keeps what is stored", async () => {
    const budget = new MemoryBudget(64 * MIB);
    const store = new MemoryStore(budget);
    fillStore(store, budget, 8_000);
    const bodies = Array.from({ length: 60 }, () => new Body(budget, "retained"));
    for (const body of bodies) {
      body.hold();
      body.read();
      void write(body, 15 * MIB);
    }
    let most = 0;
    for (let turn = 0; turn < 1_000; turn += 1) {
      await setImmediate();
      const held = sum(bodies.map(heldBytes));
      assert(held <= budget.used, "held without being counted");
      most = Math.max(most, budget.used);
    }
    assert(most <= 64 * MIB, `${most / MIB} MiB`);
    assert.equal(store.size, 8_000);
  });

  test("counts windows, and gives each of them one chunk when there are too many", async () => {
    const budget = new MemoryBudget(16 * MIB);
    const bodies = Array.from({ length: 100 }, () => new Body(budget, "windowed"));
    const readers = bodies.map((body) => body.read());
    for (const body of bodies) void write(body, MIB);
    for (let turn = 0; turn < 100; turn += 1) await setImmediate();
    assert(budget.used >= sum(bodies.map(heldBytes)));
    assert(budget.used <= 12 * MIB, `${budget.used / MIB} MiB`);
    for (const body of bodies) assert(heldBytes(body) >= CHUNK.length);
    for (const reader of readers) reader.close();
    assert.equal(budget.used, 0);
  });

  test("is not filled by an origin that sends octet by octet to a reader that has stopped", async () => {
    const budget = new MemoryBudget(64 * MIB);
    const body = new Body(budget, "windowed");
    const reader = body.read();
    let isFull = false;
    for (let octets = 0; octets < 100_000 && !isFull; octets += 1) {
      body.append(CHUNK.subarray(0, 1));
      const hasRoom = body.room().then(() => true);
      isFull = !(await Promise.race([hasRoom, setImmediate(false)]));
    }
    assert(isFull, "the origin is never held back");
    assert(budget.used < 300 * KIB, `${budget.used} bytes`);
    reader.close();
  });

  test("lets go of a window chunk by chunk, as its slowest reader passes", () => {
    const budget = new MemoryBudget(64 * MIB);
    const body = new Body(budget, "retained");
    const slow = body.read();
    const fast = body.read();
    for (let i = 0; i < 32; i += 1) body.append(CHUNK);
    body.stopRetaining();
    for (let i = 0; i < 32; i += 1) fast.read();
    assert(budget.used >= 2 * MIB, "released while a reader needs it");
    for (let i = 0; i < 16; i += 1) slow.read();
    assert(budget.used >= MIB);
    assert(budget.used < 1.1 * MIB);
    slow.close();
    fast.close();
    assert.equal(budget.used, 0);
  });

  test("never has a reader take other octets for those of a beginning that is gone", () => {
    const body = new Body(new MemoryBudget(64 * MIB), "windowed");
    const first = body.read();
    for (let octet = 0; octet < 3; octet += 1) body.append(Buffer.alloc(KIB, octet));
    for (let i = 0; i < 2; i += 1) first.read();
    const late = body.read(10);
    assert.equal(late.read(), "truncated");
    assert.deepEqual(body.read(2 * KIB).read(), Buffer.alloc(KIB, 2));
  });

  test("is not cleared of what is stored for a charge that would not fit even so", () => {
    const budget = new MemoryBudget(4 * MIB);
    const store = new MemoryStore(budget);
    fillStore(store, budget, 100);
    assert.equal(budget.tryCharge(5 * MIB, "readers"), false);
    assert.equal(store.size, 100);
    assert.equal(budget.tryCharge(4 * MIB, "readers"), true);
    assert.equal(store.size, 0);
  });

  test("stores small objects even while large fills take all of their share", () => {
    const budget = new MemoryBudget(16 * MIB);
    const large = new Body(budget, "retained");
    const reader = large.read();
    while (large.retained) large.append(CHUNK);
    const small = new Body(budget, "retained");
    small.hold();
    small.append(CHUNK);
    small.end("whole");
    assert(small.retained);
    reader.close();
  });
});

describe("what a body is charged", () => {
  test("covers what it keeps, whoever reads and stores it, and is all given back", () => {
    const step = fc.record({
      kind: fc.constantFrom("append", "append", "open", "read", "close", "window", "end"),
      which: fc.nat(4),
      bytes: fc.integer({ min: 1, max: 400_000 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const budget = new MemoryBudget(4 * MIB);
        const store = new MemoryStore(budget);
        fillStore(store, budget, 20);
        const body = new Body(budget, "retained");
        body.hold();
        const readers: BodyReader[] = [];
        const act = {
          append: (_which: number, bytes: number) => {
            if (body.state === "growing") body.append(Buffer.alloc(bytes));
          },
          open: () => void (body.hasBeginning && readers.push(body.read())),
          read: (which: number) => void readers[which]?.read(),
          close: (which: number) => readers.splice(which, 1)[0]?.close(),
          window: () => body.stopRetaining(),
          end: () => {
            if (body.state !== "growing") return;
            body.end("whole");
            const head = { status: 200, fields: [], requestTime: 0, responseTime: 0 };
            const as = {
              key: "k",
              body,
              contentLength: undefined,
              purgesCheckedAt: 0,
              ...UNSELECTED,
            };
            if (body.retained) store.put(storedResponse(head, as));
          },
        };
        for (const { kind, which, bytes } of steps) {
          act[kind](which, bytes);
          assert(budget.used >= heldBytes(body));
        }
        for (const reader of readers) reader.close();
        body.release();
        store.delete("k");
        for (let i = 0; i < 20; i += 1) store.delete(`/${i}`);
        for (const purpose of ["flight", "store", "readers"] as const) {
          assert.equal(budget.heldFor(purpose), 0, purpose);
        }
      }),
      { numRuns: 500 },
    );
  });
});
