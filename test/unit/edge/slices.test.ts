import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import {
  alignedRange,
  missingRuns,
  partOfSlice,
  sliceCount,
  sliceRange,
} from "#edge/cache/slices.ts";

const GIB = 1024 ** 3;
const MIB = 1024 ** 2;

describe("the slices of a range", () => {
  const cases = [
    { first: 0, last: 0, is: { from: 0, to: 0 } },
    { first: 0, last: MIB - 1, is: { from: 0, to: 0 } },
    { first: MIB - 1, last: MIB, is: { from: 0, to: 1 } },
    { first: 10 * GIB - MIB, last: 10 * GIB - 1, is: { from: 10_239, to: 10_239 } },
  ];
  for (const { first, last, is } of cases) {
    test(`${first}-${last} are ${is.from} to ${is.to}`, () => {
      assert.deepEqual(sliceRange(first, last, MIB), is);
    });
  }

  test("of a whole body are all that it has", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000 }),
        fc.integer({ min: 1, max: 50 }),
        (n, size) => {
          assert.equal(sliceRange(0, n - 1, size).to + 1, sliceCount(n, size));
        },
      ),
    );
    assert.equal(sliceCount(0, MIB), 0);
  });

  test("are asked for whole, up to the end", () => {
    assert.deepEqual(alignedRange({ from: 1, to: 2 }, 10, 100), { first: 10, last: 29 });
    assert.deepEqual(alignedRange({ from: 1, to: 2 }, 10, 25), { first: 10, last: 24 });
    assert.deepEqual(alignedRange({ from: 1, to: 2 }, 10), { first: 10, last: 29 });
    assert.throws(() => alignedRange({ from: 3, to: 3 }, 10, 30), "there is no such slice");
  });

  test("have, part by part, just what was asked for", () => {
    const size = fc.integer({ min: 1, max: 20 });
    fc.assert(
      fc.property(fc.nat(200), fc.nat(200), size, (first, more, sliceBytes) => {
        const range = { first, last: first + more };
        const { from, to } = sliceRange(range.first, range.last, sliceBytes);
        let next = first;
        for (let n = from; n <= to; n += 1) {
          const { start, end } = partOfSlice(n, range, sliceBytes);
          assert.equal(n * sliceBytes + start, next);
          next = n * sliceBytes + end;
        }
        assert.equal(next, range.last + 1);
      }),
    );
  });
});

describe("the slices that are missing", () => {
  const cases = [
    { of: "......", runMax: 4, are: "0-3 4-5" },
    { of: "##..#.", runMax: 4, are: "2-3 5-5" },
    { of: "#....#", runMax: 4, are: "1-4" },
    { of: "######", runMax: 4, are: "" },
    { of: "......", runMax: 1, are: "0-0 1-1 2-2 3-3 4-4 5-5" },
  ];
  for (const { of, runMax, are } of cases) {
    test(`of ${of} are fetched as ${are || "nothing"}, by ${runMax} at most`, () => {
      const runs = [...missingRuns({ from: 0, to: 5 }, (n) => of[n] === "#", runMax)];
      assert.equal(runs.map(({ from, to }) => `${from}-${to}`).join(" "), are);
    });
  }

  test("are each in one run, and no other is", () => {
    fc.assert(
      fc.property(
        fc.array(fc.boolean(), { minLength: 1 }),
        fc.integer({ min: 1, max: 5 }),
        (has, max) => {
          const missing: number[] = [];
          for (const { from, to } of missingRuns(
            { from: 0, to: has.length - 1 },
            (n) => has[n] === true,
            max,
          )) {
            assert(to - from < max);
            for (let n = from; n <= to; n += 1) missing.push(n);
          }
          assert.deepEqual(
            missing,
            has.flatMap((present, n) => (present ? [] : [n])),
          );
        },
      ),
    );
  });

  test("are looked for when it is their turn: what came meanwhile is not fetched", () => {
    const present = new Set<number>();
    const runs = missingRuns({ from: 0, to: 3 }, (n) => present.has(n), 2);
    assert.deepEqual(runs.next().value, { from: 0, to: 1 });
    present.add(2);
    assert.deepEqual(runs.next().value, { from: 3, to: 3 });
  });
});
