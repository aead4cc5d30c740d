import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { decideEviction, decideHold, decideRoom, type Usage } from "#edge/disk/decide-eviction.ts";

const GIB = 1024 ** 3;

/** 10 GiB of 100 may be stored, on a disk of 1 TiB that is half empty. */
const usage: Usage = {
  storedBytes: 10 * GIB,
  bytesMax: 100 * GIB,
  freeBytes: 512 * GIB,
  sizeBytes: 1_024 * GIB,
};

describe("room on a disk", () => {
  const rows: readonly {
    readonly when: string;
    readonly is: Partial<Usage>;
    readonly evicting?: boolean;
    readonly excessGib?: number;
    readonly reason?: "size" | "free space";
  }[] = [
    { when: "less is stored than may be", is: {} },
    { when: "just as much is stored as may be", is: { storedBytes: 100 * GIB } },
    {
      when: "more is stored than may be: down to 95 %",
      is: { storedBytes: 101 * GIB },
      excessGib: 6,
      reason: "size",
    },
    {
      when: "it is evicting and not yet at 95 %",
      is: { storedBytes: 96 * GIB },
      evicting: true,
      excessGib: 1,
      reason: "size",
    },
    { when: "it was evicting and is at 95 %", is: { storedBytes: 95 * GIB }, evicting: true },
    { when: "1 GiB is free on a large disk", is: { freeBytes: GIB } },
    {
      when: "less than 1 GiB is free on a large disk",
      is: { freeBytes: 0.95 * GIB - GIB / 19 },
      excessGib: 1 / 0.95 - 0.95 + 1 / 19,
      reason: "free space",
    },
    {
      when: "5 % are free on a small disk",
      is: { sizeBytes: 10 * GIB, freeBytes: 0.5 * GIB },
    },
    {
      when: "less than 5 % is free on a small disk",
      is: { sizeBytes: 9.5 * GIB, freeBytes: 0 },
      excessGib: 0.5,
      reason: "free space",
    },
    {
      when: "others have filled the disk: all that is stored, and no more",
      is: { storedBytes: 0.25 * GIB, freeBytes: 0 },
      excessGib: 0.25,
      reason: "free space",
    },
    {
      when: "others have filled the disk and nothing is stored",
      is: { storedBytes: 0, freeBytes: 0 },
    },
  ];
  for (const { when, is, evicting = false, excessGib, reason } of rows) {
    test(`is ${excessGib === undefined ? "enough" : "missing"} when ${when}`, () => {
      const room = decideRoom({ ...usage, ...is }, evicting);
      if (excessGib === undefined || reason === undefined) {
        assert.deepEqual(room, { kind: "enough" });
      } else {
        const excessBytes = Math.round(excessGib * GIB);
        assert.deepEqual(room, { kind: "evict", reason, excessBytes });
      }
    });
  }
});

describe("writes", () => {
  const rows: readonly [when: string, is: Partial<Usage>, held: boolean, then: boolean][] = [
    ["there is room", {}, false, false],
    ["evictions have begun", { storedBytes: 104 * GIB }, false, false],
    ["evictions do not keep up", { storedBytes: 106 * GIB }, false, true],
    ["evictions have not yet caught up", { storedBytes: 101 * GIB }, true, true],
    ["evictions have caught up", { storedBytes: 100 * GIB }, true, false],
    ["half the free space that is left to others is gone", { freeBytes: 0.4 * GIB }, false, true],
    ["it is not yet back", { freeBytes: 0.9 * GIB }, true, true],
    ["it is back", { freeBytes: GIB }, true, false],
  ];
  for (const [when, is, held, then] of rows) {
    test(`are ${then ? "held" : "let through"} when ${when}`, () => {
      assert.equal(decideHold({ ...usage, ...is }, held), then);
    });
  }
});

describe("what is evicted of a sample", () => {
  const files = (...ages: number[]) => ages.map((age) => ({ bytes: 100, mtimeMs: -age }));
  const agesOf = (victims: readonly { readonly mtimeMs: number }[]) =>
    victims.map(({ mtimeMs }) => -mtimeMs);

  test("is the least recently used", () => {
    const sample = files(3, 1, 4, 2, 8, 5, 7, 6);
    const victims = decideEviction(sample, { excessBytes: 150, storedBytes: 8_000 });
    assert.deepEqual(agesOf(victims), [8, 7]);
  });

  test("is a quarter at most: the others may be older", () => {
    const sample = files(3, 1, 4, 2, 8, 5, 7, 6);
    const victims = decideEviction(sample, { excessBytes: 1_000, storedBytes: 8_000 });
    assert.deepEqual(agesOf(victims), [8, 7]);
  });

  test("is more than that where more of all is too much, as after a change of the limit", () => {
    const sample = files(3, 1, 4, 2);
    const victims = decideEviction(sample, { excessBytes: 4_000, storedBytes: 8_000 });
    assert.deepEqual(agesOf(victims), [4, 3]);
  });

  test("is something, whatever the sizes, and never more than one file too much", () => {
    const file = fc.record({ bytes: fc.integer({ min: 1, max: 1e6 }), mtimeMs: fc.nat() });
    const sample = fc.array(file, { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(sample, fc.integer({ min: 1, max: 1e9 }), (some, excessBytes) => {
        const victims = decideEviction(some, { excessBytes, storedBytes: 1e9 });
        const freed = victims.reduce((sum, { bytes }) => sum + bytes, 0);
        assert(victims.length > 0);
        assert(freed - (victims.at(-1)?.bytes ?? 0) < excessBytes);
      }),
    );
  });
});
