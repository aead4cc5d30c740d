import assert from "node:assert/strict";
import type { RequestListener } from "node:http";
import { describe, test } from "node:test";
import { Client } from "../client.ts";
import { countingOrigin, type EdgeUnderTest, request, waitingOrigin } from "../support.ts";
import { type Restarts, restarts, said } from "./support.ts";

const TAGGED = { etag: '"a"', "cache-tag": "news" };

/** Stores one response, and starts again. */
async function stored(answer: RequestListener): Promise<Restarts> {
  const under = await restarts(answer);
  await under.run(async (edge) => void (await said(edge, "/a")));
  return under;
}

/** Purges what it likes, as the snapshot of a worker that starts has it. */
type Purge = (edge: EdgeUnderTest) => void;

describe("what is on disk", () => {
  const purges: readonly (readonly [what: string, purge: Purge, then: string])[] = [
    ["its path", (edge) => edge.purge("/a"), "MISS"],
    ["everything", (edge) => edge.purge("/*"), "MISS"],
    ["a pattern", (edge) => edge.purge("/*a"), "MISS"],
    ["a tag of its own", (edge) => edge.purge("tag:news"), "MISS"],
    ["another path", (edge) => edge.purge("/b"), "HIT"],
    ["another tag", (edge) => edge.purge("tag:sport"), "HIT"],
    ["its path, softly", (edge) => edge.softPurge("/a"), "STALE"],
    ["a tag of its own, softly", (edge) => edge.softPurge("tag:news"), "STALE"],
  ];
  for (const [what, purge, then] of purges) {
    test(`is a ${then} after a purge of ${what} that came while nobody ran`, async () => {
      await using under = await stored(countingOrigin(TAGGED).answer);
      await under.run(async (edge) => {
        purge(edge);
        assert.equal((await said(edge, "/a"))[0], then);
      });
    });
  }

  test("is not touched by a purge that it was fetched after", async () => {
    const origin = countingOrigin(TAGGED);
    await using under = await restarts(origin.answer);
    await under.run(async (edge) => {
      edge.purge("/a");
      await said(edge, "/a");
    });
    await under.run(async (edge) => {
      edge.purge("/a");
      assert.equal((await said(edge, "/a"))[0], "HIT");
    });
  });

  test("stays soft-purged where it was so before it was written", async () => {
    const origin = waitingOrigin();
    await using under = await restarts(origin.answer);
    await under.run(async (edge) => {
      const asked = said(edge, "/a");
      const { response } = await origin.next();
      edge.softPurge("/a");
      response.writeHead(200, { etag: '"a"' }).end("old");
      await asked;
    });
    await under.run(async (edge) => {
      // It has been compared with this one.
      edge.softPurge("/a");
      assert.deepEqual(await said(edge, "/a"), ["STALE", "old"]);
    });
  });
});

describe("RFC 9111 §4.4: variants on disk", () => {
  test("are dropped by an unsafe method in an edge that has not looked at them", async () => {
    const answer: RequestListener = ({ method, headers }, response) => {
      response.writeHead(200, { vary: "accept", "cache-control": "max-age=60" });
      response.end(method === "GET" ? headers.accept : undefined);
    };
    await using under = await restarts(answer, { proxy: {} });
    await under.run(async (edge) => {
      for (const type of ["a", "b"]) await said(edge, "/a", `accept: ${type}`);
    });
    await under.run(async (edge) => {
      using client = new Client(edge.port);
      client.send(request("PUT", "/a"));
      assert.equal((await client.receive()).status, 200);
      for (const type of ["a", "b"]) {
        assert.deepEqual(await said(edge, "/a", `accept: ${type}`), ["MISS", type]);
      }
    });
    await under.run(async (edge) => {
      for (const type of ["a", "b"]) {
        assert.deepEqual(await said(edge, "/a", `accept: ${type}`), ["HIT", type]);
      }
    });
  });
});
