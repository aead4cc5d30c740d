import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { Arena } from "#edge/cache/arena.ts";

const SEGMENT_BYTES = 64 * 1024;

/** Octets that tell which block they are of. */
function octets(seed: number, length: number): Buffer {
  return Buffer.alloc(length, `block ${seed}, `);
}

/** An arena and what should be in it. */
class Checked {
  readonly arena = new Arena(SEGMENT_BYTES);
  readonly #blocks = new Map<number, Buffer>();
  #seed = 0;

  get handles(): readonly number[] {
    return [...this.#blocks.keys()];
  }

  put(length: number): number {
    this.#seed += 1;
    const bytes = octets(this.#seed, length);
    const handle = this.arena.put(bytes);
    assert(!this.#blocks.has(handle), "a handle that is in use was given away");
    this.#blocks.set(handle, bytes);
    return handle;
  }

  free(which: number): void {
    const handle = this.handles[which % this.#blocks.size];
    if (handle === undefined) return;
    this.arena.free(handle);
    this.#blocks.delete(handle);
  }

  check(): void {
    let chargedBytes = 0;
    for (const [handle, bytes] of this.#blocks) {
      assert(this.arena.view(handle).equals(bytes));
      chargedBytes += Arena.chargedBytes(bytes.length);
    }
    assert(this.arena.usedBytes <= chargedBytes + 2 * SEGMENT_BYTES);
  }
}

describe("an arena", () => {
  test("has what was put until it is freed, in about the memory that is charged for it", () => {
    const step = fc.record({
      kind: fc.constantFrom("put", "put", "free"),
      length: fc.oneof(fc.nat(100), fc.nat(4_000)),
      which: fc.nat(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400, size: "max" }), (steps) => {
        const checked = new Checked();
        for (const { kind, length, which } of steps) {
          if (kind === "put") checked.put(length);
          else checked.free(which);
        }
        checked.check();
      }),
      { numRuns: 50 },
    );
  });

  test("gives back what is freed in any order, though blocks that stay are in between", () => {
    const checked = new Checked();
    for (let i = 0; i < 4_000; i += 1) checked.put(1_000);
    assert(checked.arena.usedBytes > 4_000_000);
    for (let i = 0; i < 3_900; i += 1) checked.free(i * 7);
    checked.check();
    assert(checked.arena.usedBytes < 300_000);
  });

  test("does not grow while blocks come and go", () => {
    const checked = new Checked();
    for (let i = 0; i < 1_000; i += 1) checked.put(1_000);
    for (let i = 0; i < 10_000; i += 1) {
      checked.free(i * 31);
      checked.put(900 + (i % 200));
    }
    checked.check();
    assert.equal(checked.handles.length, 1_000);
  });

  test("never writes over what somebody has read, even if it is freed and all is moved", () => {
    const { arena } = new Checked();
    const handle = arena.put(octets(1, 1_000));
    const read = arena.view(handle);
    const others: number[] = [];
    arena.free(handle);
    for (let i = 0; i < 1_000; i += 1) others.push(arena.put(Buffer.alloc(1_000)));
    for (const other of others) arena.free(other);
    assert(read.equals(octets(1, 1_000)));
  });

  test("has room for nothing", () => {
    const arena = new Arena(SEGMENT_BYTES);
    const handle = arena.put(Buffer.alloc(0));
    assert.equal(arena.view(handle).length, 0);
    arena.free(handle);
  });
});
