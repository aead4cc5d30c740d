import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { Body } from "#edge/cache/body.ts";
import { MemoryBudget } from "#edge/cache/memory-budget.ts";
import { pump } from "#edge/cache/pump.ts";
import type { BodySink, OriginResponse } from "#edge/origin/origin.ts";

/** A fetch whose body is told at once that it was given up. */
function startFetch() {
  const abort = new AbortController();
  const { promise, resolve } = Promise.withResolvers<BodySink>();
  const response: OriginResponse = {
    kind: "response",
    status: 200,
    fields: [],
    length: "chunked",
    body: {
      read: (sink) => {
        abort.signal.addEventListener("abort", () => sink.fail());
        resolve(sink);
      },
      resume: () => undefined,
    },
    discard: () => undefined,
    requestTime: 0,
    responseTime: 0,
  };
  return { response, abort, sink: promise };
}

describe("a body that nobody reads", () => {
  const limits = [
    ["outgrows what is stored", 1_000_000, 10],
    ["finds no memory", 1_000, Infinity],
  ] as const;
  for (const [what, bytesMax, storedBytesMax] of limits) {
    test(`ends with its fetch as it ${what}`, async () => {
      const budget = new MemoryBudget(bytesMax);
      const body = new Body(budget, "retained");
      body.hold();
      const { response, abort, sink } = startFetch();
      const pumped = pump(response, body, abort, storedBytesMax);
      const origin = await sink;
      await setImmediate();
      for (const octets of [8, 1_000, 8]) origin.chunk(Buffer.alloc(octets));
      await pumped;
      assert.deepEqual([abort.signal.aborted, body.state], [true, "truncated"]);
      body.release();
      assert.equal(budget.used, 0);
    });
  }
});
