import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import {
  type CountedExchange,
  EdgeCounters,
  NO_ENDPOINT,
  OTHER_ENDPOINTS,
} from "#usage/edge-counters.ts";
import {
  CACHE_RESULTS,
  type CacheResult,
  DURATION_BOUNDS,
  EDGE_FAMILIES,
  numbersPerSeries,
  PROTOCOLS,
  STATUS_CLASSES,
} from "#usage/family.ts";
import { COUNTED_ENDPOINTS_MAX } from "#usage/limits.ts";

const use = { cpuSeconds: 0, residentBytes: 0 };

function exchange(
  reply: Partial<CountedExchange["reply"]> = {},
  changes: Partial<CountedExchange> = {},
): CountedExchange {
  return {
    client: {},
    request: { version: "HTTP/1.1" },
    reply: { status: 200, cache: "HIT", ...reply },
    sentBytes: 10,
    whole: true,
    tookMs: 0.2,
    ...changes,
  };
}

/** The buckets of one cache result, and their sum. */
function durations(counters: EdgeCounters, cache: CacheResult): Float64Array {
  const step = numbersPerSeries(EDGE_FAMILIES.durations);
  const first = CACHE_RESULTS.indexOf(cache) * step;
  return counters.snapshot(use).edge.durations.subarray(first, first + step);
}

describe("the counters of an endpoint", () => {
  for (const cache of CACHE_RESULTS) {
    test(`have each class of status of ${cache} in a place of its own`, () => {
      const counters = new EdgeCounters();
      const endpoint = counters.endpoint("e1");
      for (const [n, first] of [100, 200, 300, 400, 500].entries()) {
        for (let i = 0; i <= n; i += 1) {
          counters.ended(exchange({ cache, status: first + i * 20 }), endpoint);
        }
      }
      const place = CACHE_RESULTS.indexOf(cache) * STATUS_CLASSES.length;
      const { requests } = endpoint.values;
      assert.deepEqual([...requests.subarray(place, place + 5)], [1, 2, 3, 4, 5]);
      assert.equal(
        requests.reduce((sum, n) => sum + n),
        15,
      );
    });
  }

  test("take a status that no class has for a 5xx", () => {
    const counters = new EdgeCounters();
    const endpoint = counters.endpoint("e1");
    for (const status of [0, 99, 600, 999]) counters.ended(exchange({ status }), endpoint);
    assert.equal(endpoint.values.requests[4], 4);
  });

  test("add up what was sent", () => {
    const counters = new EdgeCounters();
    const endpoint = counters.endpoint("e1");
    counters.ended(exchange({}, { sentBytes: 2 ** 40 }), endpoint);
    counters.ended(exchange({}, { sentBytes: 1 }), endpoint);
    assert.equal(endpoint.values.responseBytes[0], 2 ** 40 + 1);
  });

  test("are the same whenever they are asked for, until the endpoint is forgotten", () => {
    const counters = new EdgeCounters();
    const first = counters.endpoint("e1");
    assert.equal(counters.endpoint("e1"), first);
    counters.forget("e1");
    counters.ended(exchange(), first);
    assert(!counters.snapshot(use).endpoints.has("e1"));
    assert.notEqual(counters.endpoint("e1"), first);
  });

  test("are shared by all endpoints past the bound", () => {
    const counters = new EdgeCounters();
    for (let i = 0; i < COUNTED_ENDPOINTS_MAX; i += 1) counters.endpoint(`e${i}`);
    counters.ended(exchange(), counters.endpoint("late"));
    counters.ended(exchange(), counters.endpoint("later"));
    const { endpoints } = counters.snapshot(use);
    assert.equal(endpoints.size, COUNTED_ENDPOINTS_MAX + 2);
    assert.equal(endpoints.get(OTHER_ENDPOINTS)?.requests[1], 2);
  });
});

describe("the histogram of durations", () => {
  const cases = [
    { ms: 0, bucket: 0 },
    { ms: 0.05, bucket: 0 },
    { ms: 0.0501, bucket: 1 },
    { ms: 0.1, bucket: 1 },
    { ms: 1, bucket: 4 },
    { ms: 1_000, bucket: 13 },
    { ms: 60_000, bucket: 18 },
    { ms: 60_001, bucket: 19 },
    { ms: 86_400_000, bucket: 19 },
  ];
  for (const { ms, bucket } of cases) {
    test(`has ${ms} ms in bucket ${bucket}`, () => {
      const counters = new EdgeCounters();
      counters.ended(exchange({}, { tookMs: ms }), counters.none);
      assert.equal(durations(counters, "HIT").indexOf(1), bucket);
    });
  }

  test("has each duration once, below its bound and above the one before", () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e6, noNaN: true }), (ms) => {
        const counters = new EdgeCounters();
        counters.ended(exchange({ cache: "MISS" }, { tookMs: ms }), counters.none);
        const numbers = [...durations(counters, "MISS")];
        const sum = numbers.pop();
        const bucket = numbers.indexOf(1);
        assert.equal(sum, ms / 1_000);
        assert.equal(numbers.filter((n) => n !== 0).length, 1);
        assert(ms / 1_000 <= (DURATION_BOUNDS[bucket] ?? Number.POSITIVE_INFINITY));
        assert(bucket === 0 || ms / 1_000 > (DURATION_BOUNDS[bucket - 1] ?? 0));
      }),
    );
  });
});

describe("the counters of a worker", () => {
  test("tell versions of HTTP apart, in the clear and over TLS", () => {
    const counters = new EdgeCounters();
    for (const [n, version] of PROTOCOLS.entries()) {
      const request = { version };
      for (let i = 0; i <= n; i += 1) counters.ended(exchange({}, { request }), counters.none);
      counters.ended(exchange({}, { request, client: { tls: {} } }), counters.none);
    }
    assert.deepEqual([...counters.snapshot(use).edge.protocols], [1, 1, 2, 1, 3, 1]);
  });

  test("follow connections from their acceptance to their end", () => {
    const counters = new EdgeCounters();
    for (const tls of [false, true, true]) counters.accepted(tls);
    counters.handshake("full");
    counters.opened("HTTP/1.1", false);
    counters.opened("HTTP/2.0", true);
    counters.handshake("failed");
    counters.refused(3);
    counters.closed("HTTP/1.1", false);
    const { edge } = counters.snapshot(use);
    assert.deepEqual([...edge.accepted], [1, 2]);
    assert.deepEqual([...edge.connections], [0, 0, 0, 0, 0, 1]);
    assert.deepEqual([...edge.handshakes], [1, 0, 1]);
    assert.deepEqual([...edge.refused], [3]);
  });

  test("have replies that were not sent whole, and lost lines", () => {
    const counters = new EdgeCounters();
    counters.ended(exchange({}, { whole: false }), counters.none);
    counters.ended(exchange(), counters.none);
    counters.logLinesDropped(5);
    const { edge } = counters.snapshot(use);
    assert.deepEqual([edge.aborted[0], edge.logLinesDropped[0]], [1, 5]);
  });

  test("are copied by a snapshot that survives the way to the parent", () => {
    const counters = new EdgeCounters();
    counters.ended(exchange(), counters.none);
    const snapshot = counters.snapshot({ cpuSeconds: 1.5, residentBytes: 1_000 });
    const received = structuredClone(snapshot);
    counters.ended(exchange(), counters.none);
    assert.deepEqual(received, snapshot);
    assert.equal(received.endpoints.get(NO_ENDPOINT)?.requests[1], 1);
    assert.deepEqual([received.edge.cpuSeconds[0], received.edge.residentBytes[0]], [1.5, 1_000]);
  });
});
