import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import CachePolicy from "http-cache-semantics";
import { cachingPolicy } from "#edge/cache/cache-control.ts";
import { currentAgeMs, decideReuse, type Freshness, freshnessOf } from "#edge/cache/freshness.ts";
import type { EndpointRole } from "#feed/entry.ts";
import { formatHttpDate } from "#http/http-date.ts";

const NOW = Date.UTC(2026, 10, 22, 12);
const DATE = formatHttpDate(NOW);

function lifetime(...fields: string[]): number | undefined {
  return cachingPolicy(fields, NOW).lifetimeSeconds;
}

/** What is kept of a 200 with these fields, which took so long to come. */
function kept(fields: string[], delay = 0, role: EndpointRole = "space"): Freshness {
  return freshnessOf({ status: 200, fields, requestTime: NOW - delay, responseTime: NOW }, role);
}

describe("a freshness lifetime", () => {
  const lifetimes: readonly (readonly [
    what: string,
    fields: string[],
    seconds: number | undefined,
  ])[] = [
    ["of nothing given is the endpoint's", [], undefined],
    ["of public alone is the endpoint's", ["cache-control", "public"], undefined],
    ["is max-age", ["cache-control", "max-age=60"], 60],
    ["is s-maxage before max-age", ["cache-control", "max-age=60, s-maxage=10"], 10],
    ["is max-age before Expires", ["cache-control", "max-age=60", "expires", DATE], 60],
    ["is Expires minus Date", ["date", DATE, "expires", formatHttpDate(NOW + 90_000)], 90],
    [
      "of an Expires in the past is none",
      ["date", DATE, "expires", formatHttpDate(NOW - 9_000)],
      0,
    ],
    ["RFC 9111 §5.3: of Expires 0 is none", ["expires", "0"], 0],
    ["of a date in an odd form is none", ["expires", "2026-11-23T00:00:00Z"], 0],
    [
      "of a date in RFC 850's form is understood",
      ["date", DATE, "expires", "Sunday, 22-Nov-26 12:01:00 GMT"],
      60,
    ],
    [
      "of a date in asctime's form is understood",
      ["date", DATE, "expires", "Sun Nov 22 12:01:00 2026"],
      60,
    ],
    ["RFC 9111 §4.2.1: of a malformed max-age is none", ["cache-control", "max-age=1.5"], 0],
    ["of a negative max-age is none", ["cache-control", "max-age=-1"], 0],
    ["of max-age without a value is none", ["cache-control", "max-age"], 0],
    ["RFC 9111 §5.2: of a quoted max-age is understood", ["cache-control", 'max-age="60"'], 60],
    [
      "is not read out of another directive's text",
      ["cache-control", 'x="max-age=5", max-age=60'],
      60,
    ],
    ["of two max-ages is the first", ["cache-control", "max-age=60, max-age=5"], 60],
    ["RFC 9111 §1.2.2: is capped", ["cache-control", "max-age=99999999999999"], 2 ** 31],
    ["spread over lines is joined", ["cache-control", "public", "cache-control", "max-age=7"], 7],
    [
      "RFC 9213 §2.2: is CDN-Cache-Control's before all",
      ["cdn-cache-control", "max-age=5", "cache-control", "s-maxage=60"],
      5,
    ],
    [
      "RFC 9213 §2.2: of a CDN-Cache-Control without one ignores Cache-Control",
      ["cdn-cache-control", "public", "cache-control", "max-age=60"],
      undefined,
    ],
    [
      "RFC 9213 §2.1: of an invalid CDN-Cache-Control is Cache-Control's",
      ["cdn-cache-control", "max-age=5,,", "cache-control", "max-age=60"],
      60,
    ],
    [
      "RFC 9213 §2.1: of an empty CDN-Cache-Control is Cache-Control's",
      ["cdn-cache-control", "", "cache-control", "max-age=60"],
      60,
    ],
    [
      "RFC 9213: of a decimal in CDN-Cache-Control is none",
      ["cdn-cache-control", "max-age=5.5"],
      0,
    ],
  ];
  for (const [what, fields, seconds] of lifetimes) {
    test(what, () => assert.equal(lifetime(...fields), seconds));
  }

  test("is the one that an independent implementation finds", () => {
    const seconds = fc.integer({ min: 1, max: 31_536_000 });
    const directive = fc.oneof(
      seconds.map((n) => `max-age=${n}`),
      seconds.map((n) => `s-maxage=${n}`),
      fc.constantFrom("public", "must-revalidate", "x=y", 'z="a"'),
    );
    const directives = fc.uniqueArray(directive, { selector: (text) => text.split("=")[0] });
    const expires = fc.option(fc.integer({ min: -100_000, max: 100_000 }));
    fc.assert(
      fc.property(directives, expires, (list, expiresIn) => {
        const headers: Record<string, string> = { date: DATE };
        if (list.length > 0) headers["cache-control"] = list.join(", ");
        if (expiresIn !== null) headers["expires"] = formatHttpDate(NOW + expiresIn * 1_000);
        const request = { method: "GET", url: "/", headers: {} };
        const policy = new CachePolicy(request, { status: 200, headers }, { cacheHeuristic: 0 });
        const ours = lifetime(...Object.entries(headers).flat());
        assert.equal(ours ?? 0, policy.maxAge());
      }),
    );
  });
});

describe("a current age", () => {
  const ages = [
    { when: "nothing is said", fields: [], delay: 0, age: 0 },
    { when: "RFC 9111 §4.2.3: Age was sent", fields: ["age", "30"], delay: 0, age: 30 },
    { when: "the response took its time", fields: ["age", "30"], delay: 2_000, age: 32 },
    { when: "Date lies back", fields: ["date", formatHttpDate(NOW - 50_000)], delay: 0, age: 50 },
    {
      when: "both are there: the larger",
      fields: ["age", "90", "date", formatHttpDate(NOW - 50_000)],
      delay: 0,
      age: 90,
    },
    {
      when: "RFC 9111 §5.1: Age is a list: its first",
      fields: ["age", "10, 20"],
      delay: 0,
      age: 10,
    },
    { when: "Age is malformed: ignored", fields: ["age", "1.5"], delay: 0, age: 0 },
    {
      when: "Date lies ahead: no age",
      fields: ["date", formatHttpDate(NOW + 50_000)],
      delay: 0,
      age: 0,
    },
  ];
  for (const { when, fields, delay, age } of ages) {
    test(`${age} s when ${when}`, () => {
      assert.equal(currentAgeMs(kept(fields, delay), NOW), age * 1_000);
    });
  }

  test("grows with the time it is stored, and never shrinks when the clock is set back", () => {
    const freshness = kept(["age", "5"]);
    assert.equal(currentAgeMs(freshness, NOW + 7_000), 12_000);
    assert.equal(currentAgeMs(freshness, NOW - 7_000), 5_000);
  });
});

describe("a stored response", () => {
  const reuse = (fields: string[], after: number, validator: boolean, ttlSeconds = 3_600) =>
    decideReuse(
      { freshness: kept(fields), hasValidator: validator, ttlSeconds },
      NOW + after * 1_000,
    );
  const maxAge60 = ["cache-control", "max-age=60"];

  test("is fresh until its lifetime is over, strictly", () => {
    assert.deepEqual(reuse(maxAge60, 59, false), { kind: "fresh", ageSeconds: 59, ttlSeconds: 1 });
    assert.deepEqual(reuse(maxAge60, 60, false), { kind: "refetch", reason: "stale" });
    assert.deepEqual(reuse(maxAge60, 60, true), { kind: "revalidate", reason: "stale" });
  });

  test("lives as long as its endpoint's TTL says at reuse, if the origin gave no lifetime", () => {
    assert.equal(reuse([], 100, false, 3_600).kind, "fresh");
    assert.equal(reuse([], 100, false, 60).kind, "refetch");
    assert.equal(reuse(maxAge60, 100, false, 3_600).kind, "refetch");
  });

  test("RFC 9111 §5.2.2.4: is never reused unvalidated under no-cache", () => {
    const fields = ["cache-control", "no-cache, max-age=60"];
    assert.deepEqual(reuse(fields, 0, true), { kind: "revalidate", reason: "no-cache" });
  });

  test("never becomes fresh again as time passes", () => {
    fc.assert(
      fc.property(fc.nat(200), fc.nat(200), (early, later) => {
        const before = reuse(maxAge60, early, false);
        const after = reuse(maxAge60, early + later, false);
        assert(before.kind === "fresh" || after.kind !== "fresh");
      }),
    );
  });

  test("is fresh exactly when an independent implementation says so", () => {
    fc.assert(
      fc.property(fc.nat(100), fc.nat(100), fc.nat(200), (maxAge, age, after) => {
        const headers = { "cache-control": `max-age=${maxAge}`, age: String(age), date: DATE };
        const request = { method: "GET", url: "/", headers: {} };
        const policy = new CachePolicy(request, { status: 200, headers });
        Object.assign(policy, { _responseTime: NOW, now: () => NOW + after * 1_000 });
        const ours = reuse(Object.entries(headers).flat(), after, false);
        assert.equal(ours.kind !== "fresh", policy.stale());
      }),
    );
  });
});
