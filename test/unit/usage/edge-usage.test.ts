import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { EdgeCounters, OTHER_ENDPOINTS } from "#usage/edge-counters.ts";
import { EdgeUsage, type UsageMember } from "#usage/edge-usage.ts";
import { COUNTED_ENDPOINTS_MAX } from "#usage/limits.ts";

const use = { cpuSeconds: 2, residentBytes: 100 };

/** A worker that answers at once. */
function worker(usage: EdgeUsage) {
  const counters = new EdgeCounters();
  const member: UsageMember = usage.join(() => member.heard(counters.snapshot(use)));
  const hit = (id = "e1", times = 1): void => {
    for (let i = 0; i < times; i += 1) {
      counters.ended(
        {
          client: {},
          request: { version: "HTTP/1.1" },
          reply: { status: 200, cache: "HIT" },
          sentBytes: 1,
          whole: true,
          tookMs: 0.1,
        },
        counters.endpoint(id),
      );
    }
  };
  return { counters, member, hit };
}

const hitsOf = (merged: ReturnType<EdgeUsage["merged"]>, id = "e1"): number | undefined =>
  merged.endpoints.get(id)?.requests[1];

describe("the usage of all workers", () => {
  test("is the sum of what each has counted", async () => {
    const usage = new EdgeUsage();
    const [first, second] = [worker(usage), worker(usage)];
    first.hit("e1", 2);
    second.hit("e1", 3);
    second.hit("e2", 4);
    const merged = await usage.current();
    assert.equal(merged.workers, 2);
    assert.deepEqual([hitsOf(merged), hitsOf(merged, "e2")], [5, 4]);
    assert.equal(merged.edge.residentBytes[0], 200);
  });

  test("keeps the counters of a worker that died, and not its gauges", async () => {
    const usage = new EdgeUsage();
    const [first, second] = [worker(usage), worker(usage)];
    first.hit("e1", 2);
    first.counters.opened("HTTP/1.1", false);
    second.hit("e1", 3);
    await usage.current();
    first.member.leave();
    const merged = await usage.current();
    assert.equal(merged.workers, 1);
    assert.equal(hitsOf(merged), 5);
    assert.equal(merged.edge.cpuSeconds[0], 4);
    assert.equal(merged.edge.residentBytes[0], 100);
    assert.equal(merged.edge.connections[2], 0);
  });

  test("counts a worker once that is said to have left twice", async () => {
    const usage = new EdgeUsage();
    const { member, hit } = worker(usage);
    hit();
    await usage.current();
    member.leave();
    member.leave();
    assert.equal(hitsOf(usage.merged()), 1);
  });

  test("never goes back, whichever workers come, count, are asked and die", async () => {
    const step = fc.record({
      what: fc.constantFrom("join", "hit", "ask", "leave"),
      which: fc.nat(4),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const usage = new EdgeUsage();
        const workers: ReturnType<typeof worker>[] = [];
        let shown = 0;
        for (const { what, which } of steps) {
          if (what === "join") workers.push(worker(usage));
          else if (what === "hit") workers[which]?.hit();
          else if (what === "leave") workers.splice(which, 1)[0]?.member.leave();
          const merged = what === "ask" ? await usage.current() : usage.merged();
          const hits = hitsOf(merged) ?? 0;
          assert(hits >= shown);
          shown = hits;
        }
      }),
    );
  });

  test("takes what a stuck worker told last", async () => {
    const usage = new EdgeUsage();
    const stuck = usage.join(() => undefined);
    const { counters, hit } = worker(new EdgeUsage());
    hit("e1", 7);
    stuck.heard(counters.snapshot(use));
    assert.equal(hitsOf(await usage.current(10)), 7);
  });

  test("does not wait for a worker that dies when it is asked", async () => {
    const usage = new EdgeUsage();
    const member: UsageMember = usage.join(() => setImmediate(() => member.leave()));
    assert.equal((await usage.current(60_000)).workers, 0);
  });

  test("has the endpoints past the bound together, and no series ever changes its name", async () => {
    const usage = new EdgeUsage();
    const [first, second] = [worker(usage), worker(usage)];
    for (let i = 0; i < COUNTED_ENDPOINTS_MAX; i += 1) first.hit(`e${i}`);
    await usage.current();
    second.hit("late", 2);
    second.hit("e1");
    const merged = await usage.current();
    assert.equal(hitsOf(merged), 2);
    assert.equal(hitsOf(merged, OTHER_ENDPOINTS), 2);
    assert.equal(hitsOf(merged, "late"), undefined);
    second.member.leave();
    assert.equal(hitsOf(usage.merged(), OTHER_ENDPOINTS), 2);
  });

  test("forgets an endpoint that was deleted, of the living and of the dead", async () => {
    const usage = new EdgeUsage();
    const [first, second] = [worker(usage), worker(usage)];
    first.hit();
    second.hit();
    second.hit("e2");
    await usage.current();
    first.member.leave();
    usage.forget("e1");
    const merged = usage.merged();
    assert.equal(hitsOf(merged), undefined);
    assert.equal(hitsOf(merged, "e2"), 1);
  });
});
