import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { manualClock } from "#clock.ts";
import { AccessLog } from "#usage/access-log.ts";
import { EdgeCounters, NO_ENDPOINT } from "#usage/edge-counters.ts";
import { type CountedEndpoint, EdgeObserver, type ObservedEnding } from "#usage/edge-observer.ts";
import { lineFormat } from "#usage/log-line.ts";
import { HeldSink, keptLog } from "./support.ts";

const use = { cpuSeconds: 0, residentBytes: 0 };

function ending(live: CountedEndpoint | undefined): ObservedEnding {
  return {
    client: { address: "203.0.113.7", tls: { version: "TLSv1.2" } },
    request: { version: "HTTP/2.0", method: "GET", target: "/a", host: "h", fields: [] },
    reply: { status: 206, cache: "STALE", requestId: "r1", live },
    sentBytes: 12,
    whole: false,
    tookMs: 1.5,
  };
}

describe("an exchange that ended", () => {
  test("is counted for its endpoint, and logged", async () => {
    const sink = new HeldSink();
    const clock = manualClock(Date.UTC(2026, 10, 22));
    const format = lineFormat("json");
    const log = new AccessLog({
      sink,
      format,
      clock,
      log: keptLog(),
      dropped: () => assert.fail(),
    });
    const counters = new EdgeCounters();
    const live: CountedEndpoint = { endpoint: { id: "e1" }, counters: undefined };
    new EdgeObserver(counters, log, clock).ended(ending(live));
    await log.close();
    assert.equal(live.counters, counters.endpoint("e1"));
    assert.equal(counters.snapshot(use).endpoints.get("e1")?.responseBytes[0], 12);
    assert.deepEqual(JSON.parse(sink.text), {
      time: "2026-11-22T00:00:00.000Z",
      request_id: "r1",
      client: "203.0.113.7",
      method: "GET",
      host: "h",
      target: "/a",
      protocol: "HTTP/2.0",
      tls: "TLSv1.2",
      status: 206,
      cache: "STALE",
      endpoint_id: "e1",
      bytes: 12,
      duration_ms: 1.5,
      aborted: true,
    });
  });

  test("is counted also when no endpoint had it and nothing is logged", () => {
    const counters = new EdgeCounters();
    new EdgeObserver(counters, undefined, manualClock(0)).ended(ending(undefined));
    assert.equal(counters.snapshot(use).endpoints.get(NO_ENDPOINT)?.responseBytes[0], 12);
  });
});
