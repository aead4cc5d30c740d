import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { FAILED_RETRY_MS } from "#edge/cache/limits.ts";
import {
  ORIGIN_DOWN_AFTER_FAILURES,
  ORIGIN_FAILURES_WINDOW_MS,
  ORIGIN_PROBE_DELAY_MAX_MS,
  ORIGIN_PROBE_DELAY_MIN_MS,
  ORIGINS_MAX,
} from "#edge/limits.ts";
import {
  afterAnswer,
  afterFailure,
  type Health,
  OriginHealth,
  outlookOf,
  permitFetch,
} from "#edge/origin/origin-health.ts";

const NOW = 1_000_000;
const noChance = 0;

/** Failures of fetches that were begun just before, `apartMs` after one another. */
function failing(times: number, apartMs = 0, from?: Health): Health {
  let health = from;
  for (let i = 0; i < times; i += 1) {
    const now = NOW + i * apartMs;
    health = afterFailure(health, { begunAt: now, now, status: 502 }, noChance);
  }
  assert(health !== undefined);
  return health;
}

describe("an origin", () => {
  test("is down after so many failures in a row, and not before", () => {
    assert.equal(failing(ORIGIN_DOWN_AFTER_FAILURES - 1).kind, "up");
    assert.equal(failing(ORIGIN_DOWN_AFTER_FAILURES).kind, "down");
  });

  test("is not down for failures that are far apart", () => {
    const health = failing(ORIGIN_DOWN_AFTER_FAILURES * 2, ORIGIN_FAILURES_WINDOW_MS);
    assert.equal(health.kind, "up");
  });

  test("is up again after any answer", () => {
    assert.deepEqual(permitFetch(afterAnswer(NOW), NOW, noChance), { kind: "go" });
    const almost = failing(ORIGIN_DOWN_AFTER_FAILURES - 1);
    assert.equal(almost.kind, "up");
    assert.equal(failing(1, 0, afterAnswer(NOW)).kind, "up");
  });

  test("is not down for what had begun before it last answered", () => {
    const answered = afterAnswer(NOW);
    const late = { begunAt: NOW - 1, now: NOW + 30_000, status: 504 } as const;
    assert.equal(afterFailure(answered, late, noChance), answered);
  });

  test("says, while it is down, what it failed with and how long to wait", () => {
    const health = failing(ORIGIN_DOWN_AFTER_FAILURES);
    const waitMs = ORIGIN_PROBE_DELAY_MIN_MS;
    assert.deepEqual(permitFetch(health, NOW, noChance), { kind: "wait", status: 502, waitMs });
    const silent = afterFailure(health, { begunAt: NOW, now: NOW, status: 504 }, noChance);
    assert.deepEqual(permitFetch(silent, NOW, noChance), { kind: "wait", status: 504, waitMs });
  });

  test("is asked by one fetch when it is time, and by no other until it is again", () => {
    const health = failing(ORIGIN_DOWN_AFTER_FAILURES);
    const later = NOW + ORIGIN_PROBE_DELAY_MIN_MS;
    const probe = permitFetch(health, later, noChance);
    assert(probe.kind === "probe");
    const waitMs = 2 * ORIGIN_PROBE_DELAY_MIN_MS;
    const expected = { kind: "wait", status: 502, waitMs };
    assert.deepEqual(permitFetch(probe.health, later, noChance), expected);
    assert.equal(permitFetch(probe.health, later + waitMs, noChance).kind, "probe");
  });

  test("is not waited for any longer when the clock was set back", () => {
    const health = failing(ORIGIN_DOWN_AFTER_FAILURES);
    assert.equal(permitFetch(health, NOW - 3_600_000, noChance).kind, "probe");
  });

  test("is due to be asked for whom no answer is needed when a fetch may go and see", () => {
    const health = failing(ORIGIN_DOWN_AFTER_FAILURES);
    assert.equal(outlookOf(failing(1), NOW), "up");
    assert.equal(outlookOf(health, NOW), "down");
    assert.equal(outlookOf(health, NOW + ORIGIN_PROBE_DELAY_MIN_MS), "due");
  });
});

/** When fetches that come so often go to an origin that is down, in milliseconds from the start. */
function probesOf(outageMs: number, everyMs: number, random: () => number): number[] {
  const probes: number[] = [];
  let health = failing(ORIGIN_DOWN_AFTER_FAILURES);
  for (let at = 0; at < outageMs; at += everyMs) {
    const permission = permitFetch(health, NOW + at, random());
    assert.notEqual(permission.kind, "go");
    if (permission.kind !== "probe") continue;
    probes.push(at);
    health = afterFailure(
      permission.health,
      { begunAt: NOW + at, now: NOW + at, status: 502 },
      random(),
    );
  }
  return probes;
}

describe("an outage of five minutes", () => {
  const outageMs = 5 * 60_000;

  test("costs the origin a bounded number of fetches, however many are asked of it", () => {
    const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.infiniteStream(chance), (every, chances) => {
        const probes = probesOf(outageMs, every, () => chances.next().value ?? 0);
        const shortest = ORIGIN_PROBE_DELAY_MAX_MS * 0.75;
        assert(probes.length <= outageMs / shortest + 5, `${probes.length} probes`);
      }),
      { numRuns: 20 },
    );
  });

  test("is over within a second of the origin's return, whoever asks then", () => {
    for (const random of [0, 0.5, 0.999]) {
      const probes = probesOf(outageMs, 10, () => random);
      const gaps = probes.slice(1).map((at, i) => at - (probes[i] ?? 0));
      assert(Math.max(...gaps) <= ORIGIN_PROBE_DELAY_MAX_MS + 10);
      // What has failed just before the look that finds it back is asked for again only after this.
      assert(ORIGIN_PROBE_DELAY_MAX_MS + FAILED_RETRY_MS + 10 < 1_000);
    }
  });
});

describe("the health of all origins", () => {
  test("of one is not that of another", () => {
    const health = new OriginHealth(() => noChance);
    for (let i = 0; i < ORIGIN_DOWN_AFTER_FAILURES; i += 1) {
      health.failed("http://a", { begunAt: NOW, now: NOW, status: 502 });
    }
    assert.equal(health.outlook("http://a", NOW), "down");
    assert.equal(health.permit("http://a", NOW).kind, "wait");
    assert.equal(health.outlook("http://b", NOW), "up");
    assert.equal(health.permit("http://b", NOW).kind, "go");
    health.answered("http://a", NOW);
    assert.equal(health.permit("http://a", NOW).kind, "go");
  });

  test("is forgotten in the order in which it was learned when there are too many", () => {
    const health = new OriginHealth(() => noChance);
    for (let i = 0; i < ORIGIN_DOWN_AFTER_FAILURES; i += 1) {
      health.failed("http://a", { begunAt: NOW, now: NOW, status: 502 });
    }
    for (let i = 1; i < ORIGINS_MAX; i += 1) health.answered(`http://${i}`, NOW);
    assert.equal(health.permit("http://a", NOW).kind, "wait");
    health.answered("http://b", NOW);
    assert.equal(health.permit("http://a", NOW).kind, "go");
  });
});
