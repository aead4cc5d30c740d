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
} {
  const lines: unknown[] = [];
  const clock = manualClock(1_000_000);
  const write = ({ request_id: requestId, detail, failures_unlogged: unlogged }: Members): void => {
    lines.push([requestId, detail, unlogged]);
  };
  const log = { info: () => undefined, warn: write, error: () => undefined };
  const failures = new FailureLog(log, clock);
  return {
    lines,
    clock,
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
