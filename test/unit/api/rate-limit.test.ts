import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { RateLimiter, type RateLimits, rateLimitFields } from "#api/rate-limit.ts";
import { manualClock } from "#clock.ts";
import { Problem } from "#problem.ts";

const limits: RateLimits = { enforced: true, hour: 10, minute: 4, cdn: 2, purgeFiles: 3 };
const ALL = ["hour", "minute"] as const;

function limiterAt(start: number, own: Partial<RateLimits> = {}) {
  const clock = manualClock(start);
  return { clock, limiter: new RateLimiter({ ...limits, ...own }, clock) };
}

function refusalOf(act: () => unknown): Problem {
  try {
    act();
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  throw new Error("It was not refused");
}

describe("the rate limiter", () => {
  test("shows the hourly window on what it lets pass", () => {
    const { limiter } = limiterAt(1_000);
    assert.deepEqual(rateLimitFields(limiter.take("a", ALL)), {
      "ratelimit-limit": "10",
      "ratelimit-remaining": "9",
      "ratelimit-reset": "3601",
    });
  });

  test("shows the limiter that refused, and the seconds to wait rounded up", () => {
    const { limiter, clock } = limiterAt(0);
    limiter.take("a", [...ALL, "cdn"]);
    clock.advance(4_500);
    limiter.take("a", [...ALL, "cdn"]);
    const { status, fields, message } = refusalOf(() => limiter.take("a", [...ALL, "cdn"]));
    assert.equal(status, 429);
    assert.deepEqual(fields, {
      "ratelimit-limit": "2",
      "ratelimit-remaining": "0",
      "ratelimit-reset": "10",
      "retry-after": "6",
    });
    assert.match(message, /^API rate limit exceeded\..*6 s.*ATOLL_RATE_LIMIT_CDN/);
  });

  test("counts a refused request in no window", () => {
    const { limiter } = limiterAt(0);
    limiter.take("a", [...ALL, "cdn"]);
    limiter.take("a", [...ALL, "cdn"]);
    refusalOf(() => limiter.take("a", [...ALL, "cdn"]));
    assert.equal(limiter.take("a", ALL).remaining, 7);
  });

  test("counts each caller for itself", () => {
    const { limiter } = limiterAt(0);
    for (let count = 0; count < 4; count += 1) limiter.take("a", ALL);
    refusalOf(() => limiter.take("a", ALL));
    assert.equal(limiter.take("b", ALL).remaining, 9);
  });

  test("lets everything pass when it is off, and shows a full window", () => {
    const { limiter } = limiterAt(0, { enforced: false });
    for (let count = 0; count < 50; count += 1) {
      assert.equal(limiter.take("a", [...ALL, "cdn"]).remaining, 10);
    }
  });

  test("forgets the idlest caller when it knows too many", () => {
    const { limiter } = limiterAt(0);
    limiter.take("first", ALL);
    for (let count = 0; count < 10_000; count += 1) limiter.take(`caller ${count}`, ALL);
    assert.equal(limiter.take("first", ALL).remaining, 9);
  });
});
