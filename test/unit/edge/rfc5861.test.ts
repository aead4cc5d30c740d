import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { ifError, reused } from "./rfc9111/received.ts";

const PROXY = { role: "proxy" } as const;

function fields(directives: string): readonly string[] {
  return ["cache-control", directives];
}

describe("RFC 5861 §3: stale-while-revalidate", () => {
  const stale = { kind: "stale-while-revalidate", reason: "stale", refresh: true } as const;
  const swr30 = fields("max-age=60, stale-while-revalidate=30");

  test("is served for so long after it became stale, and fetched behind it", () => {
    assert.equal(reused(swr30, 59).kind, "fresh");
    assert.deepEqual(reused(swr30, 60), { ...stale, ttlSeconds: 0 });
    assert.deepEqual(reused(swr30, 89), { ...stale, ttlSeconds: -29 });
    assert.equal(reused(swr30, 90).kind, "revalidate");
  });

  test("counts for a proxy, and without a validator", () => {
    assert.equal(reused(swr30, 60, { ...PROXY, hasValidator: false }).kind, stale.kind);
  });

  test("counts after a TTL", () => {
    const reuse = reused(fields("stale-while-revalidate=30"), 61, { ttl: 60 });
    assert.deepEqual(reuse, { ...stale, ttlSeconds: -1 });
  });

  test("does not ask again at once when the fetch has failed", () => {
    const reuse = reused(swr30, 70, { failedSecondsAgo: 0.25 });
    assert.deepEqual(reuse, { ...stale, ttlSeconds: -10, refresh: false });
  });

  test("deviates from RFC 9111 §5.2.2.10: counts beside s-maxage", () => {
    const reuse = reused(fields("s-maxage=60, stale-while-revalidate=30"), 61);
    assert.equal(reuse.kind, "stale-while-revalidate");
    assert.equal(reused(fields("s-maxage=60, stale-while-revalidate=30"), 90).kind, "revalidate");
  });

  const forbidden = ["must-revalidate", "proxy-revalidate", "no-cache"];
  for (const directive of forbidden) {
    test(`RFC 9111 §4.2.4: does not count beside ${directive}`, () => {
      const reuse = reused(fields(`max-age=60, stale-while-revalidate=30, ${directive}`), 61);
      assert.equal(reuse.kind, "revalidate");
    });
  }

  for (const argument of ["", "=", "=a", "=-1", "=1.5", "=0"]) {
    test(`permits nothing as stale-while-revalidate${argument}`, () => {
      const reuse = reused(fields(`max-age=60, stale-while-revalidate${argument}`), 60);
      assert.equal(reuse.kind, "revalidate");
    });
  }

  test("never makes fresh what is stale", () => {
    fc.assert(
      fc.property(fc.nat(100), fc.nat(100), fc.nat(300), (maxAge, window, after) => {
        const reuse = reused(fields(`max-age=${maxAge}, stale-while-revalidate=${window}`), after);
        assert.equal(reuse.kind === "fresh", after < maxAge);
        const served = after >= maxAge && after < maxAge + window;
        assert.equal(reuse.kind === "stale-while-revalidate", served);
      }),
    );
  });
});

describe("RFC 5861 §4: stale-if-error", () => {
  const cases = [
    { directives: "max-age=60, stale-if-error=30", seconds: 89, is: "error" },
    { directives: "max-age=60, stale-if-error=30", seconds: 90, is: "never" },
    { directives: "max-age=60, stale-if-error=0", seconds: 61, is: "never" },
    { directives: "max-age=60, stale-if-error=a", seconds: 61, is: "never" },
    { directives: "max-age=60, stale-if-error=9999999", seconds: 86_400 * 90, is: "error" },
    { directives: "max-age=60, stale-if-error=30, must-revalidate", seconds: 61, is: "never" },
  ];
  for (const { directives, seconds, is } of cases) {
    test(`${directives}, after ${seconds} s: ${is}`, () => {
      assert.equal(ifError(fields(directives), seconds), is);
      assert.equal(ifError(fields(directives), seconds, PROXY), is);
    });
  }
});
