import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { EvictionPolicy, keyHash } from "#edge/cache/eviction-policy.ts";

interface Entry {
  readonly handle: number;
  readonly hash: number;
  bytes: number;
  uses: number;
}

function sum(entries: readonly Entry[]): number {
  return entries.reduce((bytes, entry) => bytes + entry.bytes, 0);
}

/** S3-FIFO as one would write it down, with the oldest in front. */
class Model {
  readonly probation: Entry[] = [];
  readonly main: Entry[] = [];
  readonly ghosts: number[] = [];

  get entries(): readonly Entry[] {
    return [...this.probation, ...this.main];
  }

  add(handle: number, hash: number, bytes: number): void {
    const at = this.ghosts.indexOf(hash);
    if (at >= 0) this.ghosts.splice(at, 1);
    const queue = at >= 0 && !(bytes > 4 * this.#mean) ? this.main : this.probation;
    queue.push({ handle, hash, bytes, uses: 0 });
  }

  remove(entry: Entry): void {
    for (const queue of [this.probation, this.main]) {
      const at = queue.indexOf(entry);
      if (at >= 0) queue.splice(at, 1);
    }
  }

  evict(): number | undefined {
    for (;;) {
      const isOver = sum(this.probation) > sum(this.entries) / 10 || this.main.length === 0;
      const entry = isOver ? this.probation[0] : this.main[0];
      if (entry === undefined) return undefined;
      if (entry.uses === 0) {
        this.remove(entry);
        if (isOver) this.#remember(entry.hash);
        return entry.handle;
      }
      const price = Math.ceil(entry.bytes / this.#mean);
      this.remove(entry);
      entry.uses = isOver ? 0 : Math.max(0, entry.uses - price);
      this.main.push(entry);
    }
  }

  get #mean(): number {
    return sum(this.entries) / this.entries.length;
  }

  #remember(hash: number): void {
    const at = this.ghosts.indexOf(hash);
    if (at >= 0) this.ghosts.splice(at, 1);
    this.ghosts.push(hash);
    while (this.ghosts.length > this.entries.length) this.ghosts.shift();
  }
}

/** Uses a key as a store does: found, or put after room was made. Answers whether it was found. */
function request(policy: EvictionPolicy, keys: Map<string, number>, key: string, bytes = 1_000) {
  const handle = keys.get(key);
  if (handle !== undefined) {
    policy.touch(handle);
    return true;
  }
  while (policy.bytes + bytes > 100_000) {
    const evicted = policy.evict();
    for (const [name, held] of keys) if (held === evicted) keys.delete(name);
  }
  keys.set(key, policy.add(keyHash(key), bytes));
  return false;
}

describe("the eviction policy", () => {
  test("does what its model does", () => {
    const step = fc.record({
      kind: fc.constantFrom("add", "add", "add", "touch", "touch", "resize", "remove", "evict"),
      hash: fc.nat(12),
      bytes: fc.integer({ min: 1, max: 5_000 }),
      which: fc.nat(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200, size: "max" }), (steps) => {
        const policy = new EvictionPolicy();
        const model = new Model();
        for (const { kind, hash, bytes, which } of steps) {
          const entry = model.entries[which % model.entries.length];
          if (kind === "add" && policy.size < 15) {
            model.add(policy.add(hash, bytes), hash, bytes);
          } else if (kind === "evict") {
            assert.equal(policy.evict(), model.evict());
          } else if (entry !== undefined && kind === "touch") {
            policy.touch(entry.handle);
            entry.uses = Math.min(3, entry.uses + 1);
          } else if (entry !== undefined && kind === "resize") {
            policy.resize(entry.handle, bytes);
            entry.bytes = bytes;
          } else if (entry !== undefined && kind === "remove") {
            policy.remove(entry.handle);
            model.remove(entry);
          }
          const { size, bytes: held, ghosts } = policy;
          const expected = [model.entries.length, sum(model.entries), model.ghosts.length];
          assert.deepEqual([size, held, ghosts], expected);
        }
      }),
      { numRuns: 300 },
    );
  });

  test("keeps what is asked for often through a crawl of any length over what is not", () => {
    const policy = new EvictionPolicy();
    const keys = new Map<string, number>();
    const hot = Array.from({ length: 50 }, (_, i) => `/hot/${i}`);
    for (let round = 0; round < 3; round += 1) for (const key of hot) request(policy, keys, key);
    for (let i = 0; i < 5_000; i += 1) request(policy, keys, `/cold/${i}`);
    assert.deepEqual(
      hot.filter((key) => !keys.has(key)),
      [],
    );
  });

  test("lets go in the end of what was asked for often and is not any more", () => {
    const policy = new EvictionPolicy();
    const keys = new Map<string, number>();
    const [old, young] = ["/old/", "/young/"].map((path) =>
      Array.from({ length: 80 }, (_, i) => `${path}${i}`),
    );
    for (const set of [old, young]) {
      for (let round = 0; round < 20; round += 1) {
        for (const key of set ?? []) request(policy, keys, key);
      }
    }
    assert.deepEqual(
      young?.filter((key) => !keys.has(key)),
      [],
    );
  });

  test("takes in for good what comes back soon after it was evicted", () => {
    const policy = new EvictionPolicy();
    const keys = new Map<string, number>();
    request(policy, keys, "/back");
    for (let i = 0; keys.has("/back"); i += 1) request(policy, keys, `/once/${i}`);
    request(policy, keys, "/back");
    for (let i = 0; i < 1_000; i += 1) request(policy, keys, `/again/${i}`);
    assert(keys.has("/back"));
  });

  test("asks more of what takes the place of many", () => {
    const policy = new EvictionPolicy();
    const keys = new Map<string, number>();
    request(policy, keys, "/large", 20_000);
    for (let i = 0; keys.has("/large"); i += 1) request(policy, keys, `/once/${i}`);
    request(policy, keys, "/large", 20_000);
    for (let i = 0; i < 1_000; i += 1) request(policy, keys, `/again/${i}`);
    assert(!keys.has("/large"));
  });

  test("looks at a bounded number of entries, however often all were used", () => {
    const policy = new EvictionPolicy();
    const handles = Array.from({ length: 1_000 }, (_, i) => policy.add(i, 1));
    for (const handle of handles) for (let use = 0; use < 3; use += 1) policy.touch(handle);
    assert.equal(policy.evict(), handles[63]);
  });

  test("remembers no more of what it evicted than it has", () => {
    const policy = new EvictionPolicy();
    for (let i = 0; i < 1_000; i += 1) policy.add(i, 1);
    for (let i = 0; i < 900; i += 1) policy.evict();
    assert.equal(policy.ghosts, 100);
  });
});

test("keys have hashes of 32 bits that differ in all of them", () => {
  const hashes = Array.from({ length: 10_000 }, (_, i) => keyHash(`/objects/number/${i}`));
  assert.equal(new Set(hashes).size, hashes.length);
  for (const hash of hashes) assert(Number.isInteger(hash) && hash >= 0 && hash < 2 ** 32);
  for (let bit = 0; bit < 32; bit += 1) {
    const ones = hashes.filter((hash) => (hash >>> bit) & 1).length;
    assert(ones > 4_000 && ones < 6_000, `bit ${bit}: ${ones}`);
  }
});
