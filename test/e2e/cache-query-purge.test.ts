import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { startAtoll } from "../support/atoll.ts";
import { createEndpoint, freshName, hostOf, originOf, putObject } from "../support/world.ts";

const atoll = await startAtoll();
after(() => atoll[Symbol.asyncDispose]());

/** An endpoint of which these targets are stored, with what of the query counts. */
async function storedUnder(query: object, targets: readonly string[]) {
  const space = freshName();
  const { id } = await createEndpoint(atoll, originOf(space));
  await putObject(atoll, space, "a.txt", "bytes");
  const endpoint = `/v2/cdn/endpoints/${id}`;
  await atoll.api("PATCH", `${endpoint}/settings`, { body: { query } });
  const ask = async (target: string) =>
    String((await atoll.edge(hostOf(space), target)).headers["x-cache"]);
  for (const target of targets) assert.equal(await ask(target), "MISS", target);
  return {
    ask,
    preview: async (file: string) => {
      const { text } = await atoll.api("POST", `${endpoint}/cache/preview`, {
        body: { files: [file] },
      });
      return (JSON.parse(text) as { matches: { path: string }[] }).matches.map(({ path }) => path);
    },
    purge: async (file: string) => {
      const { status } = await atoll.api("DELETE", `${endpoint}/cache`, {
        body: { files: [file] },
      });
      assert.equal(status, 204);
    },
  };
}

describe("a purge of a path with a query", () => {
  test("reaches what is stored without, where no query counts", async () => {
    const { ask, preview, purge } = await storedUnder({ mode: "none" }, ["/a.txt?x=1"]);
    assert.equal(await ask("/a.txt?x=2"), "HIT");
    assert.deepEqual(await preview("a.txt?x=3"), ["/a.txt"]);
    await purge("a.txt?x=3");
    assert.equal(await ask("/a.txt?x=2"), "MISS");
  });

  test("reaches by what counts of it, where some parameters do, and nothing else", async () => {
    const targets = ["/a.txt", "/a.txt?v=1", "/a.txt?v=2"];
    const { ask, preview, purge } = await storedUnder({ mode: "only", names: ["v"] }, targets);
    assert.deepEqual(await preview("a.txt?utm=x&v=1"), ["/a.txt?v=1"]);
    await purge("a.txt?utm=x&v=1");
    await purge("a.txt?utm=x");
    const states = [await ask("/a.txt?v=2"), await ask("/a.txt?v=1&utm=y"), await ask("/a.txt")];
    assert.deepEqual(states, ["HIT", "MISS", "MISS"]);
  });

  test("still reaches what was stored under it before fewer parameters counted", async () => {
    const space = freshName();
    const { id } = await createEndpoint(atoll, originOf(space));
    await putObject(atoll, space, "a.txt", "bytes");
    const settings = `/v2/cdn/endpoints/${id}/settings`;
    const ask = async () =>
      String((await atoll.edge(hostOf(space), "/a.txt?x=1")).headers["x-cache"]);
    assert.equal(await ask(), "MISS");
    await atoll.api("PATCH", settings, { body: { query: { mode: "none" } } });
    await atoll.api("DELETE", `/v2/cdn/endpoints/${id}/cache`, { body: { files: ["a.txt?x=1"] } });
    await atoll.api("PATCH", settings, { body: { query: null } });
    assert.equal(await ask(), "MISS");
  });
});
