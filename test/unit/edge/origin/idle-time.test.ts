import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { idleTimeMs } from "#edge/origin/idle-time.ts";
import { ORIGIN_IDLE_MARGIN_MS, ORIGIN_IDLE_TIMEOUT_MAX_MS } from "#edge/origin/limits.ts";

const HEAD = { status: 200, length: 10, persists: true, keepAlive: undefined } as const;
const USUAL_MS = 3_000;

describe("a connection waits for its next request", () => {
  const cases: readonly (readonly [string, Partial<Parameters<typeof idleTimeMs>[0]>, number])[] = [
    ["as usual where the origin says nothing", {}, USUAL_MS],
    ["as usual for what it says without a time", { keepAlive: "max=100" }, USUAL_MS],
    ["a little less than it says", { keepAlive: "timeout=30" }, 30_000 - ORIGIN_IDLE_MARGIN_MS],
    ["so too beside other words", { keepAlive: "max=9, Timeout=5" }, 5_000 - ORIGIN_IDLE_MARGIN_MS],
    ["not for ever", { keepAlive: "timeout=999999" }, ORIGIN_IDLE_TIMEOUT_MAX_MS],
    ["not at all if that is but a moment", { keepAlive: "timeout=1" }, 0],
    ["not at all if it is to be closed", { persists: false }, 0],
    ["not at all after a 204 with a length", { status: 204, length: 5 }, 0],
    ["not at all after a 204 in chunks", { status: 204, length: "chunked" }, 0],
    ["after a 204 that is one", { status: 204, length: "close-delimited" }, USUAL_MS],
    ["after a 204 of length 0", { status: 204, length: 0 }, USUAL_MS],
    ["after a 304 with a length", { status: 304, length: 5 }, USUAL_MS],
  ];
  for (const [what, head, ms] of cases) {
    test(what, () => assert.equal(idleTimeMs({ ...HEAD, ...head }, USUAL_MS), ms));
  }
});
