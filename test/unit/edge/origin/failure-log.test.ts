import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { manualClock } from "#clock.ts";
import { FailureLog } from "#edge/failure-log.ts";
import { FAILURE_LOG_INTERVAL_MS } from "#edge/limits.ts";
import type { FailureDetail } from "#edge/origin/origin.ts";

/** A log of failures, and of each line the members that differ. */
function startLog(): {
  readonly lines: unknown[];
  readonly clock: ReturnType<typeof manualClock>;
  readonly note: (endpointId: string, requestId: string, detail: FailureDetail) => void;
  /** Answers of the endpoint's origin, and what has been said of them. */
  readonly answered: (endpointId: string) => void;
  readonly returns: unknown[];
} {
  const lines: unknown[] = [];
  const clock = manualClock(1_000_000);
  const write = ({ request_id: requestId, detail, failures_unlogged: unlogged }: Members): void => {
    lines.push([requestId, detail, unlogged]);
  };
  const returns: unknown[] = [];
  const log = {
    info: (...line: unknown[]) => void returns.push(line),
    warn: write,
    error: () => undefined,
  };
  const failures = new FailureLog(log, clock);
  return {
    lines,
    clock,
    returns,
    answered: (endpointId) => failures.answered(endpointId),
    note: (endpointId, requestId, detail) => {
      failures.note(endpointId, requestId, { kind: "failed", status: 502, detail, reason: "" });
    },
  };
}

type Members = Readonly<Record<string, unknown>>;

describe("failures of an origin", () => {
  test("are one line in a while, and the next one tells how many there were", () => {
    const { lines, clock, note } = startLog();
    for (const requestId of ["1", "2", "3"]) note("a", requestId, "origin-unreachable");
    clock.advance(FAILURE_LOG_INTERVAL_MS);
    note("a", "4", "origin-unreachable");
    assert.deepEqual(lines, [
      ["1", "origin-unreachable", 0],
      ["4", "origin-unreachable", 2],
    ]);
  });

  test("of another kind, or of another endpoint, are told at once", () => {
    const { lines, note } = startLog();
    note("a", "1", "origin-timeout");
    note("a", "2", "origin-down");
    note("b", "3", "origin-timeout");
    assert.deepEqual(lines, [
      ["1", "origin-timeout", 0],
      ["2", "origin-down", 0],
      ["3", "origin-timeout", 0],
    ]);
  });
});

describe("an origin that was down", () => {
  test("is back when it answers, and had been away since it last did not", () => {
    const { clock, note, answered, returns } = startLog();
    note("a", "1", "origin-unreachable");
    clock.advance(1_000);
    note("a", "2", "origin-down");
    note("b", "3", "origin-unreachable");
    clock.advance(300_000);
    answered("b");
    answered("a");
    answered("a");
    assert.deepEqual(returns, [[{ endpoint_id: "a", away_ms: 301_000 }, "origin is back"]]);
  });

  test("was not, where single fetches had failed", () => {
    const { note, answered, returns } = startLog();
    for (const detail of ["origin-timeout", "origin-unreachable", "origin-broke-off"] as const) {
      note("a", "1", detail);
    }
    answered("a");
    note("a", "2", "origin-down");
    answered("a");
    assert.equal(returns.length, 1);
  });
});
