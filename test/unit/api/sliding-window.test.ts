import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { SlidingWindow } from "#api/sliding-window.ts";

describe("a sliding window", () => {
  test("counts each unit for one window from its own time", () => {
    const window = new SlidingWindow(2, 1_000);
    window.take(0, 1);
    window.take(600, 1);
    assert.equal(window.waitMs(600, 1), 400);
    assert.equal(window.waitMs(999, 1), 1);
    assert.equal(window.waitMs(1_000, 1), 0);
    window.take(1_000, 1);
    assert.equal(window.waitMs(1_000, 1), 600);
  });

  test("resets when its oldest unit leaves, and a window away when it is empty", () => {
    const window = new SlidingWindow(5, 1_000);
    assert.equal(window.resetAt(50), 1_050);
    window.take(100, 1);
    window.take(900, 1);
    assert.equal(window.resetAt(950), 1_100);
    assert.equal(window.resetAt(1_100), 1_900);
  });

  test("says how long several units have to wait", () => {
    const window = new SlidingWindow(10, 1_000);
    window.take(0, 6);
    window.take(500, 4);
    assert.equal(window.waitMs(500, 6), 500);
    assert.equal(window.waitMs(500, 7), 1_000);
    assert.equal(window.waitMs(500, 11), 1_000, "which never fit");
  });

  test("stays exact when the clock is set back", () => {
    const window = new SlidingWindow(2, 1_000);
    window.take(500, 1);
    window.take(400, 1);
    assert.equal(window.remaining(500), 0);
    assert.equal(window.remaining(1_500), 2);
  });

  test("agrees with a list of times, whatever is taken when", () => {
    const step = fc.record({ waitMs: fc.nat(700), units: fc.integer({ min: 1, max: 4 }) });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9 }),
        fc.array(step, { maxLength: 60 }),
        (limit, steps) => {
          const window = new SlidingWindow(limit, 1_000);
          let times: number[] = [];
          let now = 0;
          for (const { waitMs, units } of steps) {
            now += waitMs;
            times = times.filter((time) => time + 1_000 > now);
            assert.equal(window.remaining(now), limit - times.length);
            const fits = times.length + units <= limit;
            assert.equal(window.waitMs(now, units) === 0, fits);
            if (!fits) continue;
            window.take(now, units);
            times.push(...Array.from({ length: units }, () => now));
          }
        },
      ),
    );
  });
});
