import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { currentAgeMs, type Freshness, freshnessOf } from "#edge/cache/freshness.ts";
import { dateIn, NOW } from "./received.ts";

/** What is kept of a 200 with these fields, which took so many seconds to come. */
function kept(fields: readonly string[], delay = 0): Freshness {
  const requestTime = NOW - delay * 1_000;
  return freshnessOf({ status: 200, fields, requestTime, responseTime: NOW }, "space");
}

function check(cases: readonly (readonly [string, readonly string[], number, number?])[]): void {
  for (const [when, fields, seconds, delay] of cases) {
    test(`${when}: ${seconds} s`, () => {
      assert.equal(currentAgeMs(kept(fields, delay), NOW), seconds * 1_000);
    });
  }
}

describe("RFC 9111 §4.2.3: a corrected initial age", () => {
  check([
    ["of what says nothing", [], 0],
    ["is Age", ["age", "30"], 30],
    ["is Age and the time since the request", ["age", "30"], 32, 2],
    ["is the time since the request", [], 2, 2],
    ["is the time since Date", ["date", dateIn(-50)], 50],
    ["is the larger of both: Age", ["age", "90", "date", dateIn(-50)], 90],
    ["is the larger of both: Date", ["age", "10", "date", dateIn(-50)], 50],
    ["is not negative where Date lies ahead", ["date", dateIn(50)], 0],
    ["takes no Date that cannot be read", ["date", "now"], 0],
    ["takes none of two Dates", ["date", dateIn(-50), "date", dateIn(-50)], 0],
    ["§4.2: takes a Date in any case", ["date", dateIn(-50).toLowerCase()], 50],
  ]);
});

describe("RFC 9111 §5.1: Age", () => {
  check([
    ["of several lines counts by the first", ["age", "10", "age", "20"], 10],
    ["in a list counts by the first", ["age", "10, 20"], 10],
    ["in a list that is old first", ["age", "7200,0"], 7_200],
    ["in a list of which the first is invalid is ignored", ["age", "a, 20"], 0],
    ["with a fraction is ignored", ["age", "7200.0"], 0],
    ["that is negative is ignored", ["age", "-7200"], 0],
    ["that is no number is ignored", ["age", "abc"], 0],
    ["with something behind it is ignored", ["age", "7200;x"], 0],
    ["that is empty is ignored", ["age", ""], 0],
    ["with zeros before it is a number", ["age", "0030"], 30],
    ["§1.2.2: that overflows is as old as can be", ["age", "99999999999999"], 2 ** 31],
  ]);
});

describe("RFC 9111 §4.2.3: a current age", () => {
  test("grows with the time it is stored, and never shrinks when the clock is set back", () => {
    const freshness = kept(["age", "5"]);
    assert.equal(currentAgeMs(freshness, NOW + 7_000), 12_000);
    assert.equal(currentAgeMs(freshness, NOW - 7_000), 5_000);
  });

  test("is never less than any of what it is made of", () => {
    const seconds = fc.integer({ min: 0, max: 10_000 });
    fc.assert(
      fc.property(seconds, seconds, seconds, seconds, (age, apparent, delay, resident) => {
        const freshness = kept(["age", String(age), "date", dateIn(-apparent)], delay);
        const current = currentAgeMs(freshness, NOW + resident * 1_000) / 1_000;
        assert.equal(current, Math.max(age + delay, apparent) + resident);
      }),
    );
  });
});
