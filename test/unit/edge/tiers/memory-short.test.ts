import assert from "node:assert/strict";
import type { RequestListener } from "node:http";
import { describe, test } from "node:test";
import { fetchOnce, startEdge } from "../support.ts";
import { restarts, said } from "./support.ts";

const BODY = Buffer.alloc(200_000, "0123456789");

/** Takes all memory for what cannot be evicted. */
function fill({ budget }: Awaited<ReturnType<typeof startEdge>>): void {
  budget.charge(budget.bytesMax - budget.used, "readers");
}

describe("what is on disk, where memory has no room for it", () => {
  const answer: RequestListener = ({ headers }, response) => {
    const isKnown = headers["if-none-match"] !== undefined;
    response.writeHead(isKnown ? 304 : 200, { etag: '"a"', "cache-control": "max-age=60" });
    response.end(isKnown ? undefined : BODY);
  };

  test("is a hit, whole and in parts", async () => {
    await using under = await restarts(answer);
    await under.run(async (edge) => void (await fetchOnce(edge, "/a")));
    await under.run(async (edge) => {
      fill(edge);
      const whole = await fetchOnce(edge, "/a");
      assert.equal(whole.fields.get("x-cache"), "HIT");
      assert(whole.body.equals(BODY));
      assert.equal((await fetchOnce(edge, "/a", "range: bytes=5-9")).body.toString(), "56789");
      const parts = await fetchOnce(edge, "/a", "range: bytes=0-1,1000-1001");
      assert.equal(parts.status, 206);
      assert.match(parts.body.toString(), /\r\n\r\n01\r\n[^]*\r\n\r\n01\r\n/);
      assert.equal(edge.store.size, 0);
    });
  });

  test("is confirmed where it is", async () => {
    await using under = await restarts(answer);
    await under.run(async (edge) => void (await fetchOnce(edge, "/a")));
    under.clock.advance(60_000);
    await under.run(async (edge) => {
      fill(edge);
      for (const xCache of ["REVALIDATED", "HIT"]) {
        const { fields, body } = await fetchOnce(edge, "/a");
        assert.equal(fields.get("x-cache"), xCache);
        assert(body.equals(BODY));
      }
      assert.deepEqual(edge.errors, []);
    });
  });

  test("is served through a failure of the origin, which is not asked for each request", async () => {
    let fetches = 0;
    const failing: RequestListener = (_incoming, response) => {
      fetches += 1;
      const fields = { etag: '"a"', "cache-control": "max-age=60" };
      response.writeHead(fetches === 1 ? 200 : 503, fields).end(BODY);
    };
    await using under = await restarts(failing);
    await under.run(async (edge) => void (await fetchOnce(edge, "/a")));
    under.clock.advance(61_000);
    await under.run(async (edge) => {
      fill(edge);
      for (let i = 0; i < 5; i += 1) {
        const { fields, body } = await fetchOnce(edge, "/a");
        assert.equal(fields.get("x-cache"), "STALE");
        assert(body.equals(BODY));
      }
      assert.equal(fetches, 2);
      under.clock.advance(1_000);
      await fetchOnce(edge, "/a");
      assert.equal(fetches, 3);
    });
  });

  test("comes back to memory when there is room again", async () => {
    await using under = await restarts(answer);
    await under.run(async (edge) => void (await fetchOnce(edge, "/a")));
    await under.run(async (edge) => {
      const { used } = edge.budget;
      fill(edge);
      await fetchOnce(edge, "/a");
      edge.budget.release(edge.budget.bytesMax - used, "readers");
      await fetchOnce(edge, "/a");
      assert.equal(edge.store.size, 1);
    });
  });
});

describe("without a disk tier", () => {
  test("all is in memory, and gone with it", async () => {
    let fetches = 0;
    const counting: RequestListener = (_incoming, response) => {
      fetches += 1;
      response.end("body");
    };
    for (let i = 1; i <= 2; i += 1) {
      await using edge = await startEdge(counting);
      for (const xCache of ["MISS", "HIT"]) {
        assert.deepEqual(await said(edge, "/a"), [xCache, "body"]);
      }
      assert.equal(fetches, i);
    }
  });
});
