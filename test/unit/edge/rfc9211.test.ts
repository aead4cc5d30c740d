import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseList, Token } from "structured-headers";
import { cacheStatus, failureStatus, type Outcome, xCache } from "#edge/cache-status.ts";
import { serverTiming } from "#edge/server-timing.ts";

type Parameters = Readonly<Record<string, unknown>>;

/** What a Structured Fields parser reads of the one member that the edge adds. */
function parsed(value: string): Parameters {
  const members = parseList(value);
  assert.equal(members.length, 1);
  const [cache, parameters] = members[0] ?? [];
  assert(cache instanceof Token);
  assert.equal(cache.toString(), "Atoll");
  const entries = [...(parameters ?? [])].map(([name, parameter]) => {
    return [name, parameter instanceof Token ? parameter.toString() : parameter] as const;
  });
  return Object.fromEntries(entries);
}

const STORE = { kind: "store" } as const;
const ALONE = { collapsed: false, storage: STORE };
const NO_STORE = { kind: "pass", reason: "no-store" } as const;

const cases: readonly (readonly [string, Outcome, Parameters, string])[] = [
  ["§2.1 hit, §2.4 ttl", { kind: "hit", ttlSeconds: 376 }, { hit: true, ttl: 376 }, "HIT"],
  [
    "§2.1 hit: what is stale, while it is fetched behind it",
    { kind: "stale", reason: "while-revalidate", ttlSeconds: -412 },
    { hit: true, ttl: -412, detail: "stale-while-revalidate" },
    "STALE",
  ],
  [
    "§2.1 hit: what is stale, because nobody answered",
    { kind: "stale", reason: "if-error", ttlSeconds: -412 },
    { hit: true, ttl: -412, detail: "stale-if-error" },
    "STALE",
  ],
  [
    "§2.2 fwd, §2.3 fwd-status: what is stale, instead of a 503",
    { kind: "stale", reason: "if-error", ttlSeconds: -1, forwardStatus: 503 },
    { fwd: "stale", "fwd-status": 503, ttl: -1, detail: "stale-if-error" },
    "STALE",
  ],
  [
    "§2.2 fwd=uri-miss, §2.5 stored",
    { kind: "miss", forward: "uri-miss", ...ALONE },
    { fwd: "uri-miss", stored: true },
    "MISS",
  ],
  [
    "§2.2 fwd=vary-miss, §2.4 ttl",
    { kind: "miss", forward: "vary-miss", ...ALONE, ttlSeconds: 60 },
    { fwd: "vary-miss", ttl: 60, stored: true },
    "MISS",
  ],
  [
    "§2.2 fwd=stale, §2.8 detail: why it is not stored",
    { kind: "miss", forward: "stale", collapsed: false, storage: NO_STORE },
    { fwd: "stale", detail: "no-store" },
    "MISS",
  ],
  [
    "§2.2 fwd=partial, §2.3 fwd-status: a part that was not there yet",
    { kind: "miss", forward: "partial", ...ALONE, forwardStatus: 206 },
    { fwd: "partial", "fwd-status": 206, stored: true },
    "MISS",
  ],
  [
    "§2.3 fwd-status: a range of a 200",
    { kind: "miss", forward: "uri-miss", ...ALONE, forwardStatus: 200 },
    { fwd: "uri-miss", "fwd-status": 200, stored: true },
    "MISS",
  ],
  [
    "§2.3 fwd-status: a validation",
    { kind: "revalidated", ...ALONE },
    { fwd: "stale", "fwd-status": 304, stored: true },
    "REVALIDATED",
  ],
  [
    "§2.6 collapsed: it was answered with another's",
    { kind: "miss", forward: "uri-miss", collapsed: true, storage: STORE },
    { fwd: "uri-miss", stored: true, collapsed: true },
    "MISS",
  ],
  [
    "§2.6 collapsed: it waited for nothing",
    { kind: "miss", forward: "uri-miss", collapsed: true, refetched: true, storage: NO_STORE },
    { fwd: "uri-miss", detail: "no-store", collapsed: false },
    "MISS",
  ],
  ["§2.2 fwd=method", { kind: "bypass", reason: "method" }, { fwd: "method" }, "BYPASS"],
  [
    "§2.2 fwd=bypass",
    { kind: "bypass", reason: "presigned" },
    { fwd: "bypass", detail: "presigned" },
    "BYPASS",
  ],
];

describe("RFC 9211: Cache-Status", () => {
  for (const [what, outcome, parameters, result] of cases) {
    test(what, () => {
      assert.deepEqual(parsed(cacheStatus(outcome)), parameters);
      assert.equal(xCache(outcome), result);
    });
  }

  test("§2.1: has hit or fwd, and never both", () => {
    for (const [, outcome] of cases) {
      const { hit, fwd } = parsed(cacheStatus(outcome));
      assert.notEqual(hit === undefined, fwd === undefined);
    }
  });

  test("§2.7, §4: tells nobody the key", () => {
    for (const [, outcome] of cases) assert(!("key" in parsed(cacheStatus(outcome))));
  });

  test("§2.8: says why there is no answer", () => {
    const failed = failureStatus("stale", "origin-timeout", true);
    const parameters = { fwd: "stale", detail: "origin-timeout", collapsed: true };
    assert.deepEqual(parsed(failed), parameters);
  });
});

describe("Server-Timing", () => {
  test("says how the cache answered, and how long the origin took", () => {
    assert.equal(serverTiming("STALE", undefined), "cache;desc=STALE");
    assert.equal(serverTiming("MISS", { originMs: 12 }), "cache;desc=MISS, origin;dur=12");
    assert.equal(serverTiming("MISS", { originMs: -1 }), "cache;desc=MISS, origin;dur=0");
  });
});
