import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { startAtoll } from "../support/atoll.ts";
import type { Reply } from "../support/exchange.ts";
import {
  assertProblem,
  createEndpoint,
  freshName,
  hostOf,
  originOf,
  putObject,
} from "../support/world.ts";

const atoll = await startAtoll();
after(() => atoll[Symbol.asyncDispose]());

/** An endpoint whose objects have been served once, so that each is a HIT until it is purged. */
async function servedEndpoint(keys: readonly string[], targets = keys.map((key) => `/${key}`)) {
  const space = freshName();
  const { id } = await createEndpoint(atoll, originOf(space));
  for (const key of keys) await putObject(atoll, space, key, `bytes of ${key}`);
  const host = hostOf(space);
  for (const target of targets) {
    assert.equal((await atoll.edge(host, target)).headers["x-cache"], "MISS", target);
  }
  return {
    host,
    purge: async (files: unknown) =>
      atoll.api("DELETE", `/v2/cdn/endpoints/${id}/cache`, { body: { files } }),
    /** Those of the targets that are not served from the cache any more. */
    purged: async () => {
      const states: Reply[] = [];
      for (const target of targets) states.push(await atoll.edge(host, target));
      return targets.filter((_, index) => states[index]?.headers["x-cache"] === "MISS");
    },
  };
}

describe("a purge", () => {
  test("of a path makes that path a MISS and leaves the others", async () => {
    const served = await servedEndpoint(["a.txt", "b.txt"]);
    const reply = await served.purge(["a.txt"]);
    assert.equal(reply.status, 204);
    assert.equal(reply.text, "");
    assert.deepEqual(await served.purged(), ["/a.txt"]);
  });

  test("takes a path with a leading slash as well", async () => {
    const served = await servedEndpoint(["a.txt", "b.txt"]);
    await served.purge(["/a.txt"]);
    assert.deepEqual(await served.purged(), ["/a.txt"]);
  });

  test("of * drops everything of its endpoint, and nothing of another", async () => {
    const [one, other] = [
      await servedEndpoint(["a.txt", "b/c.txt"]),
      await servedEndpoint(["a.txt"]),
    ];
    await one.purge(["*"]);
    assert.deepEqual(await one.purged(), ["/a.txt", "/b/c.txt"]);
    assert.deepEqual(await other.purged(), []);
  });

  test("of a folder's wildcard reaches all below it", async () => {
    const served = await servedEndpoint(["css/a.css", "css/deep/b.css", "cssx/c.css", "d.css"]);
    await served.purge(["css/*"]);
    assert.deepEqual(await served.purged(), ["/css/a.css", "/css/deep/b.css"]);
  });

  test("takes a wildcard anywhere in a path", async () => {
    const served = await servedEndpoint(["img/a.png", "img/a.jpg", "img/x/b.png"]);
    await served.purge(["img/*.png"]);
    assert.deepEqual(await served.purged(), ["/img/a.png", "/img/x/b.png"]);
  });

  test("of a path drops it under every query string", async () => {
    const served = await servedEndpoint(["a.txt"], ["/a.txt", "/a.txt?v=1", "/a.txt?v=2"]);
    await served.purge(["a.txt"]);
    assert.deepEqual(await served.purged(), ["/a.txt", "/a.txt?v=1", "/a.txt?v=2"]);
  });

  test("of a path with a query string drops only that one", async () => {
    const served = await servedEndpoint(["a.txt"], ["/a.txt", "/a.txt?v=1", "/a.txt?v=2"]);
    await served.purge(["a.txt?v=1"]);
    assert.deepEqual(await served.purged(), ["/a.txt?v=1"]);
  });

  test("compares paths however they are escaped", async () => {
    const keys = ["été/a b.txt", "plain~name.txt"];
    const targets = ["/%C3%A9t%C3%A9/a%20b.txt", "/plain%7Ename.txt"];
    const served = await servedEndpoint(keys, targets);
    await served.purge(["été/a b.txt", "plain~name.txt"]);
    assert.deepEqual(await served.purged(), targets);
  });

  test("takes a full URL on one of the endpoint's own hosts, and no other", async () => {
    const served = await servedEndpoint(["a.txt"]);
    const elsewhere = await served.purge(["https://www.example.com/a.txt"]);
    assertProblem(elsewhere, 422, "unprocessable_entity", "files");
    assert.equal((await served.purge([`https://${served.host}/a.txt`])).status, 204);
    assert.deepEqual(await served.purged(), ["/a.txt"]);
  });

  test("of what was never served is no error", async () => {
    const served = await servedEndpoint([]);
    assert.equal((await served.purge(["nothing/here.txt"])).status, 204);
  });

  const malformed = [
    { what: "absent", files: undefined },
    { what: "null", files: null },
    { what: "empty", files: [] },
    { what: "a string", files: "*" },
    { what: "a list with a number in it", files: ["a.txt", 7] },
    { what: "a list with an empty path in it", files: ["a.txt", ""] },
  ];
  for (const { what, files } of malformed) {
    test(`whose files are ${what} is 422 and drops nothing`, async () => {
      const served = await servedEndpoint(["a.txt"]);
      assertProblem(await served.purge(files), 422, "unprocessable_entity", "files");
      assert.deepEqual(await served.purged(), []);
    });
  }

  test("takes 50 files in one request and refuses 51, naming the limit", async () => {
    const served = await servedEndpoint([]);
    const files = Array.from({ length: 51 }, (_, index) => `file-${index}.txt`);
    assert.equal((await served.purge(files.slice(1))).status, 204);
    assertProblem(await served.purge(files), 422, "unprocessable_entity", "50");
  });
});
