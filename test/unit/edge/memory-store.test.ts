import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { Body } from "#edge/cache/body.ts";
import { MemoryBudget } from "#edge/cache/memory-budget.ts";
import { MemoryStore } from "#edge/cache/memory-store.ts";
import { type StoredResponse, storedResponse } from "#edge/cache/stored-response.ts";

/** What a Space has: one representation for all. */
const UNSELECTED = { selecting: [], role: "space" } as const;

function stored(budget: MemoryBudget, key: string, ...chunks: Buffer[]): StoredResponse {
  const body = new Body(budget, "retained");
  body.hold();
  for (const chunk of chunks) body.append(chunk);
  body.end("whole");
  const head = { status: 200, fields: [], requestTime: 0, responseTime: 0 };
  return storedResponse(head, {
    key,
    body,
    contentLength: undefined,
    purgesCheckedAt: 0,
    ...UNSELECTED,
  });
}

function put(store: MemoryStore, budget: MemoryBudget, key: string, bytes = 10_000): void {
  const response = stored(budget, key, Buffer.alloc(bytes));
  store.put(response);
  response.body.release();
}

describe("the memory store", () => {
  test("evicts the least recently used first", () => {
    const budget = new MemoryBudget(38_000);
    const store = new MemoryStore(budget);
    for (const key of ["a", "b", "c"]) put(store, budget, key);
    store.get("a");
    put(store, budget, "d");
    assert.deepEqual(
      ["a", "b", "c", "d"].map((key) => store.get(key) !== undefined),
      [true, false, true, true],
    );
  });

  test("stays within its bytes and forgets none of them, whatever is put and deleted", () => {
    const step = fc.record({
      kind: fc.constantFrom("put", "get", "delete"),
      key: fc.constantFrom("a", "b", "c", "d", "e"),
      bytes: fc.nat(20_000),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const budget = new MemoryBudget(40_000);
        const store = new MemoryStore(budget);
        for (const { kind, key, bytes } of steps) {
          if (kind === "put") put(store, budget, key, bytes);
          else if (kind === "get") store.get(key);
          else store.delete(key);
          assert(budget.used <= budget.bytesMax);
        }
        for (const key of "abcde") store.delete(key);
        assert.equal(budget.used, 0);
        assert.equal(store.size, 0);
      }),
    );
  });

  test("leaves to its reader what it evicts, and counts it until it is read", () => {
    const budget = new MemoryBudget(100_000);
    const store = new MemoryStore(budget);
    put(store, budget, "a", 40_000);
    const reader = store.get("a")?.body.read();
    assert(reader !== undefined);
    store.delete("a");
    assert(budget.used >= 40_000);
    const part = reader.read();
    assert(Buffer.isBuffer(part));
    assert.equal(part.length, 40_000);
    assert.equal(reader.read(), "end");
    reader.close();
    reader.close();
    assert.equal(budget.used, 0);
  });

  test("stores an object of 50 MiB in its default size", () => {
    assert(new MemoryStore(new MemoryBudget(256 * 1024 * 1024)).bodyBytesMax >= 50 * 1024 * 1024);
  });
});

describe("a body", () => {
  test("gives each reader the octets that it asked for, however they were written", () => {
    const chunks = fc.array(fc.uint8Array({ minLength: 1, maxLength: 5_000 }), { maxLength: 12 });
    fc.assert(
      fc.property(chunks, fc.nat(20_000), fc.nat(20_000), fc.nat(12), (written, a, b, early) => {
        const whole = Buffer.concat(written);
        const [first, end] = [Math.min(a, b), Math.max(a, b)];
        const body = new Body(new MemoryBudget(1_000_000), "retained");
        const reader = body.read(first, end);
        const read: Buffer[] = [];
        const drain = (): string => {
          for (;;) {
            const part = reader.read();
            if (!Buffer.isBuffer(part)) return part;
            read.push(part);
          }
        };
        for (const [i, chunk] of written.entries()) {
          body.append(Buffer.from(chunk));
          if (i >= early) drain();
        }
        body.end("whole");
        assert.equal(drain(), "end");
        assert(Buffer.concat(read).equals(whole.subarray(first, end)));
      }),
    );
  });

  test("keeps of a window what its slowest reader has not seen, and no more", async () => {
    const body = new Body(new MemoryBudget(1_000_000), "windowed");
    const fast = body.read();
    const slow = body.read();
    body.append(Buffer.alloc(200_000, 1));
    body.append(Buffer.alloc(200_000, 2));
    fast.read();
    fast.read();
    const room = body.room();
    assert.equal(await Promise.race([room, Promise.resolve("held back")]), "held back");
    slow.read();
    await room;
    assert.equal(body.firstKept.offset, 200_000);
    assert.deepEqual(slow.read(), Buffer.alloc(200_000, 2));
  });

  test("that breaks off is never at its end", () => {
    const body = new Body(new MemoryBudget(1_000), "retained");
    const reader = body.read();
    body.end("truncated");
    assert.equal(reader.read(), "truncated");
  });
});
