import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { Body } from "#edge/cache/body.ts";
import type { ContentReader } from "#edge/cache/content-reader.ts";
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
  test("evicts first what was not used since it was stored", () => {
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

  test("keeps what is used through a crawl over what is not", () => {
    const budget = new MemoryBudget(1_000_000);
    const store = new MemoryStore(budget);
    const hot = ["/a", "/b", "/c", "/d"];
    for (const key of hot) put(store, budget, key);
    for (const key of hot) store.get(key);
    for (let i = 0; i < 1_000; i += 1) put(store, budget, `/crawled/${i}`);
    assert.deepEqual(
      hot.filter((key) => store.get(key) === undefined),
      [],
    );
  });

  test("does not take for new what replaces its like, as when the origin has confirmed it", () => {
    const budget = new MemoryBudget(1_000_000);
    const store = new MemoryStore(budget);
    put(store, budget, "/confirmed");
    store.get("/confirmed");
    const crawl = (from: number): void => {
      for (let i = 0; i < 500; i += 1) put(store, budget, `/crawled/${from + i}`);
    };
    crawl(0);
    put(store, budget, "/confirmed");
    crawl(500);
    assert(store.get("/confirmed") !== undefined);
  });

  test("lists what it has, the oldest first, whatever comes and goes meanwhile", () => {
    const budget = new MemoryBudget(1_000_000);
    const store = new MemoryStore(budget);
    for (const key of ["a", "b", "c", "d"]) put(store, budget, key, 10);
    put(store, budget, "b", 20);
    const listed: string[] = [];
    for (const { key } of store.entries()) {
      listed.push(key);
      if (key === "a") store.delete("c");
      if (key === "d") put(store, budget, "e", 10);
    }
    assert.deepEqual(listed, ["a", "d", "b", "e"]);
  });

  test("tells how much it has, and how much it had to let go", () => {
    const budget = new MemoryBudget(100_000);
    const store = new MemoryStore(budget);
    for (let i = 0; i < 20; i += 1) put(store, budget, `/${i}`, 9_000);
    const { objects, bytes, evictions, ghosts } = store.stats();
    assert.equal(objects, store.size);
    assert.equal(evictions, 20 - objects);
    assert(bytes > objects * 9_000);
    assert(bytes <= budget.used);
    assert(ghosts > 0);
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

  test("has no more responses than it may, however small they are", () => {
    const budget = new MemoryBudget(1_000_000);
    const store = new MemoryStore(budget, 10);
    for (let i = 0; i < 100; i += 1) put(store, budget, `/${i}`, 1);
    assert.equal(store.size, 10);
    assert.equal(store.stats().evictions, 90);
  });

  test("gives of each response the octets that it was put with, small or not, read how it may be", () => {
    const step = fc.record({
      kind: fc.constantFrom("put", "put", "put", "single", "open", "read", "close", "delete"),
      key: fc.constantFrom(...Array.from({ length: 40 }, (_, i) => `/${i}`)),
      bytes: fc.oneof(fc.nat(2_000), fc.nat(16_384), fc.nat(40_000)),
      which: fc.nat(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 600, size: "max" }), (steps) => {
        const budget = new MemoryBudget(1_500_000);
        const store = new MemoryStore(budget);
        const written = new Map<string, Buffer>();
        const taken: { readonly bytes: Buffer; readonly expected: Buffer }[] = [];
        const readers: { readonly reader: ContentReader; readonly expected: Buffer }[] = [];
        for (const [i, { kind, key, bytes, which }] of steps.entries()) {
          const found = store.get(key)?.body;
          const expected = written.get(key) ?? Buffer.alloc(0);
          const single = found?.single();
          if (kind === "put") {
            written.set(key, Buffer.alloc(bytes, `${key} in step ${i}, `));
            const half = Math.floor(bytes / 2);
            const octets = written.get(key) ?? Buffer.alloc(0);
            const response = stored(budget, key, octets.subarray(0, half), octets.subarray(half));
            store.put(response);
            response.body.release();
          } else if (kind === "single" && single !== undefined) {
            taken.push({ bytes: single, expected });
          } else if (kind === "open" && found !== undefined) {
            readers.push({ reader: found.read(), expected });
          } else if (kind === "read" && readers.length > 0) {
            const { reader, expected: whole } = readers[which % readers.length] ?? assert.fail();
            const from = reader.position;
            const part = reader.read();
            if (Buffer.isBuffer(part))
              taken.push({ bytes: part, expected: whole.subarray(from, from + part.length) });
          } else if (kind === "close") {
            readers.splice(which % (readers.length + 1), 1)[0]?.reader.close();
          } else if (kind === "delete") {
            store.delete(key);
          }
          assert(single === undefined || single.equals(expected));
        }
        for (const { bytes, expected } of taken) assert(bytes.equals(expected));
        for (const { reader } of readers) reader.close();
        for (const key of written.keys()) store.delete(key);
        assert.equal(budget.used, 0);
      }),
      { numRuns: 40 },
    );
  });

  test("stores an object of 50 MiB in its default size", () => {
    assert(new MemoryStore(new MemoryBudget(256 * 1024 * 1024)).bodyBytesMax >= 50 * 1024 * 1024);
  });
});

describe("a small body", () => {
  test("that was evicted can still be read by whoever refers to it", () => {
    const budget = new MemoryBudget(1_000_000);
    const store = new MemoryStore(budget);
    put(store, budget, "/evicted");
    const evicted = store.get("/evicted") ?? assert.fail();
    store.delete("/evicted");
    for (let i = 0; i < 500; i += 1) put(store, budget, `/later/${i}`);
    assert(evicted.body.single()?.equals(Buffer.alloc(10_000)));
    assert(evicted.body.read().read() instanceof Buffer);
  });

  test("has memory of its own while somebody reads it piece by piece, and is charged for it", () => {
    const budget = new MemoryBudget(1_000_000);
    const store = new MemoryStore(budget);
    put(store, budget, "/a", 1_000);
    const settledBytes = budget.used;
    const reader = store.get("/a")?.body.read() ?? assert.fail();
    const part = reader.read();
    assert(Buffer.isBuffer(part));
    assert.equal(part.buffer.byteLength, 1_000);
    assert(budget.used > settledBytes);
    assert.equal(budget.heldFor("readers"), budget.used - budget.heldFor("store"));
    reader.close();
    assert.equal(budget.used, settledBytes);
    assert.equal(store.get("/a")?.body.single()?.length, 1_000);
  });

  test("of a fetch that nobody waited for is on nobody's account", () => {
    const budget = new MemoryBudget(1_000_000);
    const body = new Body(budget, "windowed");
    body.append(Buffer.alloc(1_000));
    body.end("whole");
    assert.equal(budget.used, 0);
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
