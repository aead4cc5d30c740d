import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { freshnessLifetimeSeconds, toldMaxAgeSeconds } from "#edge/cache/freshness.ts";
import { DATE, dateIn, kept, type Received } from "./received.ts";

const MOVED = { status: 302 };

type Case = readonly [what: string, fields: readonly string[], seconds: number | undefined];

/** The lifetime that the origin gives; `undefined` if it gives none. */
function check(cases: readonly Case[]): void {
  for (const [what, fields, seconds] of cases) {
    test(`${what}: ${seconds ?? "none given"}`, () => {
      assert.equal(kept(fields).lifetimeSeconds, seconds);
    });
  }
}

describe("RFC 9111 §4.2.1: a freshness lifetime is the first of", () => {
  check([
    ["s-maxage", ["cache-control", "max-age=60, s-maxage=10"], 10],
    ["max-age", ["cache-control", "max-age=60", "expires", dateIn(90)], 60],
    ["Expires minus Date", ["date", dateIn(-30), "expires", dateIn(60)], 90],
    ["nothing", [], undefined],
    ["nothing, whatever else is said", ["cache-control", "public, immutable"], undefined],
  ]);
});

describe("RFC 9111 §4.2.1: of several", () => {
  check([
    ["the first max-age counts", ["cache-control", "max-age=60, max-age=5"], 60],
    ["on two lines too", ["cache-control", "max-age=5", "cache-control", "max-age=60"], 5],
    ["the first s-maxage counts", ["cache-control", "s-maxage=0, s-maxage=60"], 0],
    ["two Expires are in the past", ["expires", dateIn(60), "expires", dateIn(60)], 0],
  ]);
});

describe("RFC 9111 §4.2.1: invalid freshness information makes stale", () => {
  const invalid = ["1.5", "-1", "1e3", "0x10", "'60'", "60a", "a60", "", '"60"x', "60 s", "\u00b2"];
  check(invalid.map((text) => [`max-age=${text}`, ["cache-control", `max-age=${text}`], 0]));
  check([
    ["max-age without a value", ["cache-control", "max-age"], 0],
    ["space before the equals sign", ["cache-control", "max-age =60"], 0],
    ["space behind it", ["cache-control", "max-age= 60"], 0],
    ["an s-maxage beside a max-age", ["cache-control", "s-maxage=a, max-age=60"], 0],
    ["a max-age beside an Expires", ["cache-control", "max-age=a", "expires", dateIn(60)], 0],
  ]);
});

describe("RFC 9111 §5.2: a directive is read", () => {
  check([
    ["as a token", ["cache-control", "max-age=60"], 60],
    ["as a quoted string", ["cache-control", 'max-age="60"'], 60],
    ["with an escape in it", ["cache-control", 'max-age="\\60"'], 60],
    ["in any case", ["cache-control", "MAX-AGE=60"], 60],
    ["with zeros before it", ["cache-control", "max-age=0060"], 60],
    ["behind empty members", ["cache-control", ", ,max-age=60,"], 60],
    ["on its line among several", ["cache-control", "public", "cache-control", "max-age=7"], 7],
    ["and not in another's quotes", ["cache-control", 'x="max-age=5", max-age=60'], 60],
    ["and not behind another's quotes", ["cache-control", 'x="a\\", max-age=5", max-age=60'], 60],
  ]);
});

describe("RFC 9111 §1.2.2: delta-seconds that overflow are capped", () => {
  check([
    ["2³¹", ["cache-control", "max-age=2147483648"], 2 ** 31],
    ["more", ["cache-control", "max-age=99999999999999"], 2 ** 31],
    ["more than a number holds", ["cache-control", `max-age=${"9".repeat(400)}`], 2 ** 31],
  ]);
});

describe("RFC 9111 §5.3: Expires", () => {
  check([
    ["in the past", ["date", DATE, "expires", dateIn(-9)], 0],
    ["at the same time as Date", ["date", DATE, "expires", DATE], 0],
    ["0", ["expires", "0"], 0],
    ["empty", ["expires", ""], 0],
    ["in another notation", ["expires", "2026-11-23T00:00:00Z"], 0],
    ["with a number for a month", ["expires", "Sun, 22 11 2026 12:01:00 GMT"], 0],
    ["without its comma", ["expires", "Sun 22 Nov 2026 12:01:00 GMT"], 0],
    ["with an hour of one digit", ["expires", "Mon, 23 Nov 2026 2:01:00 GMT"], 0],
    ["§4.2: in another zone", ["expires", "Sun, 22 Nov 2026 12:01:00 UTC"], 0],
    ["§4.2: with an offset", ["expires", "Sun, 22 Nov 2026 12:01:00 +0100"], 0],
    ["§4.2: in another case", ["date", DATE, "expires", "SUN, 22 nov 2026 12:01:00 gMT"], 60],
    ["in RFC 850's form", ["date", DATE, "expires", "Sunday, 22-Nov-26 12:01:00 GMT"], 60],
    ["in asctime's form", ["date", DATE, "expires", "Sun Nov 22 12:01:00 2026"], 60],
    ["without a Date counts from its arrival", ["expires", dateIn(60)], 60],
    ["with an odd Date too", ["date", "yesterday", "expires", dateIn(60)], 60],
  ]);
});

describe("RFC 9111 §4.2.2: without a lifetime, a proxy's guess", () => {
  const since = (seconds: number) => ["date", DATE, "last-modified", dateIn(-seconds)];
  const cases: readonly (readonly [string, readonly string[], number, Received?])[] = [
    ["is a tenth of the time since Last-Modified", since(1_000), 100],
    ["is counted in whole seconds", since(1_009), 100],
    ["is a day at most", since(20 * 86_400), 86_400],
    ["is none without Last-Modified", ["date", DATE], 0],
    ["is none for one in the future", since(-1_000), 0],
    ["is none for one that cannot be read", ["last-modified", "yesterday"], 0],
    ["is none for a 302", since(1_000), 0, { status: 302 }],
    ["is made for a 302 that is public", ["cache-control", "public", ...since(1_000)], 100, MOVED],
    ["is not made beside a max-age", ["cache-control", "max-age=5", ...since(1_000)], 5],
    ["is not made beside an Expires", ["expires", "0", ...since(1_000)], 0],
    ["is not made beside a default TTL", since(1_000), 60, { ttl: 60 }],
  ];
  for (const [what, fields, seconds, received] of cases) {
    test(what, () => {
      const freshness = kept(fields, { role: "proxy", ...received });
      assert.equal(freshnessLifetimeSeconds(freshness, received?.ttl), seconds);
    });
  }

  test("is never made for a Space, whose endpoint has a TTL", () => {
    assert.equal(kept(since(1_000)).heuristicSeconds, 0);
    assert.equal(freshnessLifetimeSeconds(kept(since(1_000)), 60), 60);
  });
});

describe("a Space's failure", () => {
  const cases = [
    { when: "it says nothing", fields: [], ttl: 3_600, seconds: 10 },
    { when: "it asks for more", fields: ["cache-control", "max-age=60"], ttl: 60, seconds: 10 },
    { when: "it asks for less", fields: ["cache-control", "max-age=3"], ttl: 60, seconds: 3 },
    { when: "the TTL is shorter", fields: [], ttl: 5, seconds: 5 },
  ];
  for (const { when, fields, ttl, seconds } of cases) {
    test(`is kept for ${seconds} s when ${when}`, () => {
      for (const status of [403, 404, 410, 500, 503]) {
        assert.equal(freshnessLifetimeSeconds(kept(fields, { status }), ttl), seconds);
      }
    });
  }

  test("is a proxy's for as long as its origin says", () => {
    const freshness = kept(["cache-control", "max-age=60"], { role: "proxy", status: 404 });
    assert.equal(freshnessLifetimeSeconds(freshness, undefined), 60);
  });
});

describe("caches downstream are told the endpoint's TTL", () => {
  const cases: readonly (readonly [string, readonly string[], number | undefined, Received?])[] = [
    ["where the origin says nothing", [], 60],
    ["where it gives no lifetime", ["cache-control", "public"], 60],
    ["but not where it does", ["cache-control", "max-age=5"], undefined],
    ["nor where it forbids", ["cache-control", "no-cache"], undefined],
    ["not beyond what a failure is kept for", [], 10, { status: 404 }],
    ["if the origin spoke to CDNs only", ["cdn-cache-control", "max-age=5"], 60],
    [
      "but not if it spoke to them as well",
      ["cdn-cache-control", "must-revalidate", "cache-control", "no-store"],
      undefined,
    ],
  ];
  for (const [what, fields, seconds, received] of cases) {
    test(what, () => assert.equal(toldMaxAgeSeconds(kept(fields, received), 60), seconds));
  }
});
