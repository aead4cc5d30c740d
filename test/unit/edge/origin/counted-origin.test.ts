import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { manualClock } from "#clock.ts";
import { CountedOrigin } from "#edge/origin/counted-origin.ts";
import type { Origin, OriginFailure, OriginRequest, OriginResponse } from "#edge/origin/origin.ts";
import { CacheCounters } from "#usage/cache-counters.ts";
import { FETCH_RESULTS } from "#usage/cache-family.ts";
import { endpoint } from "../support.ts";

const request: OriginRequest = {
  endpoint,
  method: "GET",
  target: "/a",
  requestId: "r",
  fields: [],
  informed: () => undefined,
};
const failure: OriginFailure = {
  kind: "failed",
  status: 502,
  detail: "origin-unreachable",
  reason: "It could not be reached.",
};

/** A counted origin that takes 20 ms to answer so. */
function counted(answer: OriginResponse | OriginFailure) {
  const clock = manualClock(0);
  const counters = new CacheCounters();
  const asked: OriginRequest[] = [];
  const origin: Origin = {
    loopToken: "token",
    fetch: async (one) => {
      asked.push(one);
      clock.advance(20);
      return answer;
    },
    outlook: () => "due",
    close: async () => undefined,
  };
  const results = (): string[] => {
    const { fetches } = counters.snapshot(undefined);
    return FETCH_RESULTS.filter((_, place) => fetches[place] === 1);
  };
  const took = (): number[] => {
    const { fetchDurations } = counters.snapshot(undefined);
    return [...fetchDurations].filter((_, place) => place % 21 === 20);
  };
  return { origin: new CountedOrigin(origin, counters, clock), asked, results, took };
}

describe("a counted origin", () => {
  test("counts an answer by its status, with the time to its head", async () => {
    const response: OriginResponse = {
      kind: "response",
      status: 404,
      fields: [],
      length: 0,
      body: { read: () => undefined, resume: () => undefined },
      discard: () => undefined,
      requestTime: 0,
      responseTime: 0,
    };
    const { origin, results, took } = counted(response);
    assert.equal(await origin.fetch(request, AbortSignal.timeout(1_000)), response);
    assert.deepEqual(results(), ["4xx"]);
    assert.deepEqual(took(), [0.02, 0]);
    assert.equal(origin.loopToken, "token");
    assert.equal(origin.outlook(request.endpoint), "due");
  });

  test("counts a failure by what it was", async () => {
    const { origin, results, took } = counted(failure);
    assert.equal(await origin.fetch(request, AbortSignal.timeout(1_000)), failure);
    assert.deepEqual(results(), ["origin-unreachable"]);
    assert.deepEqual(took(), [0, 0.02]);
  });

  test("counts a body that breaks off, and tells who wanted to know", async () => {
    const told: OriginFailure[] = [];
    const { origin, asked, results } = counted(failure);
    const brokeOff = (one: OriginFailure): void => void told.push(one);
    await origin.fetch({ ...request, brokeOff }, AbortSignal.timeout(1_000));
    asked[0]?.brokeOff?.(failure);
    assert.deepEqual(results(), ["origin-broke-off", "origin-unreachable"]);
    assert.deepEqual(told, [failure]);
  });
});
