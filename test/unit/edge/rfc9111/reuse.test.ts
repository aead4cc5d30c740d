import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { mayServeStale } from "#edge/cache/reuse-decision.ts";
import { dateIn, ifError, reused, type Stored } from "./received.ts";

const MAX_AGE = ["cache-control", "max-age=60"];
const PROXY = { role: "proxy" } as const;
const HOUR = 3_600;

/** With this in Cache-Control, 60 seconds long fresh. */
function with60(directive: string): readonly string[] {
  return ["cache-control", `max-age=60, ${directive}`];
}

describe("RFC 9111 §4.2: a stored response", () => {
  test("is fresh until its lifetime is over, strictly", () => {
    assert.deepEqual(reused(MAX_AGE, 59), { kind: "fresh", ageSeconds: 59, ttlSeconds: 1 });
    assert.deepEqual(reused(MAX_AGE, 59.999), { kind: "fresh", ageSeconds: 59, ttlSeconds: 1 });
    assert.equal(reused(MAX_AGE, 60).kind, "revalidate");
  });

  test("that is not fresh is validated, or fetched if it has no validator", () => {
    const revalidate = { kind: "revalidate", reason: "stale", ttlSeconds: -3, ifError: "error" };
    assert.deepEqual(reused(MAX_AGE, 63), revalidate);
    assert.equal(reused(MAX_AGE, 63, { hasValidator: false }).kind, "refetch");
  });

  test("lives as long as its endpoint's TTL says at reuse, if the origin gave no lifetime", () => {
    assert.equal(reused([], 100, { ttl: 3_600 }).kind, "fresh");
    assert.equal(reused([], 100, { ttl: 60 }).kind, "revalidate");
    assert.equal(reused(MAX_AGE, 100, { ttl: 3_600 }).kind, "revalidate");
  });

  test("is older than it seems by its Age", () => {
    assert.equal(reused(["age", "30", ...MAX_AGE], 29).kind, "fresh");
    assert.equal(reused(["age", "30", ...MAX_AGE], 30).kind, "revalidate");
  });

  test("RFC 8246: is no longer fresh for being immutable", () => {
    assert.equal(reused(with60("immutable"), 60).kind, "revalidate");
    assert.equal(reused(with60("immutable"), 59).kind, "fresh");
  });

  test("never becomes fresh again as time passes", () => {
    fc.assert(
      fc.property(fc.nat(200), fc.nat(200), (early, later) => {
        const before = reused(MAX_AGE, early);
        const after = reused(MAX_AGE, early + later);
        assert(before.kind === "fresh" || after.kind !== "fresh");
      }),
    );
  });
});

describe("RFC 9111 §5.2.2.4: no-cache", () => {
  test("is never reused without validation, however fresh, nor when validation fails", () => {
    const reuse = { reason: "no-cache", ttlSeconds: 0, ifError: "never" };
    assert.deepEqual(reused(with60("no-cache"), 0), { kind: "revalidate", ...reuse });
    const bare = { hasValidator: false };
    assert.deepEqual(reused(with60("no-cache"), 0, bare), { kind: "refetch", ...reuse });
  });

  test("with names of fields is as fresh as without", () => {
    assert.equal(reused(with60('no-cache="x-a"'), 0).kind, "fresh");
  });

  test("§4.2.1: is the most restrictive of those that are there", () => {
    assert.equal(reused(with60('no-cache="x-a", no-cache'), 0).kind, "revalidate");
  });
});

describe("RFC 9111 §4.2.4: what is stale is not served when the origin fails, under", () => {
  const forbidding = [
    "must-revalidate",
    "proxy-revalidate",
    "s-maxage=60",
    "no-cache",
    "must-revalidate, stale-if-error=600",
  ];
  for (const directive of forbidding) {
    test(directive, () => {
      assert.equal(ifError(with60(directive), 61), "never");
      assert.equal(ifError(with60(directive), 61, PROXY), "never");
    });
  }
});

const SAID_BESIDE = ["cache-control", "s-maxage=60, stale-if-error=600"];

describe("RFC 9111 §4.2.4: what is stale may be served when the origin fails", () => {
  const cases: readonly (readonly [string, readonly string[], number, string, Stored?])[] = [
    ["for a day, if it is of a Space", MAX_AGE, 60 + 24 * HOUR - 1, "error"],
    ["no longer", MAX_AGE, 60 + 24 * HOUR, "never"],
    ["but not if it was a failure itself", MAX_AGE, 61, "never", { status: 404 }],
    ["for an hour through a proxy, if there is no answer", MAX_AGE, HOUR, "disconnected", PROXY],
    ["no longer, of a proxy", MAX_AGE, 60 + HOUR, "never", PROXY],
    ["after a guess at its lifetime", modified(100), 61, "disconnected", PROXY],
    ["beside s-maxage, for as long as it says", SAID_BESIDE, 60 + 599, "error"],
    ["and no longer", SAID_BESIDE, 60 + 600, "never"],
    ["after a purge that was soft", MAX_AGE, 61, "error", { softPurged: true }],
  ];
  for (const [what, fields, seconds, expected, about] of cases) {
    test(what, () => assert.equal(ifError(fields, seconds, about), expected));
  }

  const failures = [
    { ifError: "never", by: [] },
    { ifError: "disconnected", by: ["no-answer", 502, 504] },
    { ifError: "error", by: ["no-answer", 500, 501, 502, 503, 504, 599] },
  ] as const;
  for (const { ifError: permitted, by } of failures) {
    test(`"${permitted}" is by ${by.join(", ") || "nothing"}`, () => {
      const all = ["no-answer", 200, 404, 429, 500, 501, 502, 503, 504, 599] as const;
      assert.deepEqual(
        all.filter((failure) => mayServeStale(permitted, failure)),
        by,
      );
    });
  }
});

function modified(secondsAgo: number): readonly string[] {
  return ["last-modified", dateIn(-secondsAgo)];
}

describe("an origin that has just failed", () => {
  test("is not asked again for half a second, where what is stale may be served", () => {
    const failed = { failedSecondsAgo: 0.499 };
    assert.deepEqual(reused(MAX_AGE, 100, failed), { kind: "stale-if-error", ttlSeconds: -40 });
    assert.equal(reused(MAX_AGE, 100, { failedSecondsAgo: 0.5 }).kind, "revalidate");
  });

  test("is asked at once where it may not", () => {
    const failed = { failedSecondsAgo: 0 };
    assert.equal(reused(with60("must-revalidate"), 100, failed).kind, "revalidate");
    assert.equal(reused(MAX_AGE, 59, failed).kind, "fresh");
  });

  test("is asked again when the clock was set back", () => {
    assert.equal(reused(MAX_AGE, 100, { failedSecondsAgo: -1 }).kind, "revalidate");
  });
});

describe("a soft purge", () => {
  const softPurged = true;

  test("has what would be fresh served once more, and fetched behind it", () => {
    const kind = "stale-while-revalidate";
    const stale = { kind, reason: "purged", ttlSeconds: 0, refresh: true };
    assert.deepEqual(reused(MAX_AGE, 10, { softPurged }), stale);
  });

  test("has what is stale as well validated", () => {
    const reuse = reused(MAX_AGE, 70, { softPurged });
    assert.deepEqual(reuse, {
      kind: "revalidate",
      reason: "purged",
      ttlSeconds: -10,
      ifError: "error",
    });
  });

  test("RFC 9111 §5.2.2.2: has what must not be served stale validated", () => {
    const reuse = reused(with60("must-revalidate"), 10, { softPurged });
    assert.deepEqual(reuse, {
      kind: "revalidate",
      reason: "purged",
      ttlSeconds: 0,
      ifError: "never",
    });
  });
});
