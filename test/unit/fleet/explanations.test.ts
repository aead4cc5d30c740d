import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { manualClock } from "#clock.ts";
import type { ExplainAnswer, ExplainedStep } from "#feed/explained.ts";
import type { ToWorker } from "#feed/message.ts";
import { Explanations } from "#fleet/explanations.ts";

const request = { isTls: false, host: "a.example", target: "/", method: "GET", fields: [] };
const decided: readonly ExplainedStep[] = [{ step: "key", lines: ["e1 /"] }];

function answerOf(...lines: string[]): ExplainAnswer {
  return { endpointId: "e1", decided, found: [{ step: "answer", lines }] };
}

/** A worker in this slot that answers at once; or, with nothing given, not at all. */
function join(explanations: Explanations, slot: number, answer?: ExplainAnswer) {
  const asked: ToWorker[] = [];
  const member = explanations.join(slot, (message) => {
    asked.push(message);
    assert(message.kind === "explain");
    if (answer !== undefined) queueMicrotask(() => member.heard(message.id, answer));
  });
  return { asked, member };
}

describe("what all workers would do with a request", () => {
  test("is asked of each at one time, by one clock", async () => {
    const explanations = new Explanations(manualClock(1_000));
    const workers = [
      join(explanations, 0, answerOf("HIT")),
      join(explanations, 1, answerOf("HIT")),
    ];
    await explanations.explain(request);
    for (const { asked } of workers) {
      const [{ id: _, ...question } = assert.fail()] = asked as { id?: number }[];
      assert.deepEqual(question, { kind: "explain", request, now: 1_000 });
    }
  });

  test("is said once of those that would do the same", async () => {
    const explanations = new Explanations(manualClock(0));
    join(explanations, 2, answerOf("HIT"));
    join(explanations, 1, answerOf("MISS"));
    join(explanations, 0, answerOf("HIT"));
    assert.deepEqual(await explanations.explain(request), {
      endpointId: "e1",
      decided,
      workers: [
        { slots: [0, 2], found: answerOf("HIT").found },
        { slots: [1], found: answerOf("MISS").found },
      ],
      missing: 0,
    });
  });

  test("waits for no worker that is late, or has left", async () => {
    const explanations = new Explanations(manualClock(0), 10);
    join(explanations, 0, answerOf("HIT"));
    join(explanations, 1);
    const { member } = join(explanations, 2);
    const explained = explanations.explain(request);
    member.leave();
    const { workers, missing } = await explained;
    assert.deepEqual([workers.map(({ slots }) => slots), missing], [[[0]], 1]);
  });

  test("is asked for by four at a time", async () => {
    const explanations = new Explanations(manualClock(0));
    const { member } = join(explanations, 0);
    const four = Array.from({ length: 4 }, () => explanations.explain(request));
    await assert.rejects(explanations.explain(request), { id: "too_many_requests" });
    member.leave();
    assert.deepEqual((await Promise.all(four))[0], { decided: [], workers: [], missing: 0 });
  });
});
