import assert from "node:assert/strict";
import { test } from "node:test";
import { alignedRange } from "#edge/slices/aligned-range.ts";

test("slices are asked for whole, up to the end", () => {
  assert.deepEqual(alignedRange({ from: 1, to: 2 }, 10, 100), { first: 10, last: 29 });
  assert.deepEqual(alignedRange({ from: 1, to: 2 }, 10, 25), { first: 10, last: 24 });
  assert.deepEqual(alignedRange({ from: 1, to: 2 }, 10), { first: 10, last: 29 });
  assert.throws(() => alignedRange({ from: 3, to: 3 }, 10, 30), "there is no such slice");
});
