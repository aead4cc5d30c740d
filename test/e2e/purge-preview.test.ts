import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { startAtoll } from "../support/atoll.ts";
import { atollCommand } from "../support/cli.ts";
import {
  assertProblem,
  createEndpoint,
  createToken,
  freshName,
  hostOf,
  originOf,
  putObject,
} from "../support/world.ts";

const atoll = await startAtoll({ env: { ATOLL_EDGE_WORKERS: "2" } });
after(() => atoll[Symbol.asyncDispose]());

interface Preview {
  readonly matches: readonly { readonly path: string; readonly bytes: number }[];
  readonly total: number;
  readonly truncated: boolean;
}

/** An endpoint whose objects have been served so often that every worker may have them. */
async function servedEndpoint(keys: readonly string[]) {
  const space = freshName();
  const { id } = await createEndpoint(atoll, originOf(space));
  for (const key of keys) await putObject(atoll, space, key, `bytes of ${key}`);
  const host = hostOf(space);
  for (const key of keys) {
    for (let time = 0; time < 4; time += 1) await atoll.edge(host, `/${key}`);
  }
  const target = `/v2/cdn/endpoints/${id}/cache`;
  return {
    id,
    host,
    target,
    purge: (body: object) => atoll.api("DELETE", target, { body }),
    preview: async (...files: string[]): Promise<Preview> => {
      const reply = await atoll.api("POST", `${target}/preview`, { body: { files } });
      assert.equal(reply.status, 200, reply.text);
      return JSON.parse(reply.text) as Preview;
    },
  };
}

describe("the preview of a purge", () => {
  test("has each stored path that matches once, over all workers, with its size", async () => {
    const { preview } = await servedEndpoint(["a.txt", "css/b.css", "css/c.css"]);
    const { matches, total, truncated } = await preview("css/*", "/a.txt");
    assert.deepEqual(
      matches.map(({ path, bytes }) => [path, bytes]),
      [
        ["/a.txt", "bytes of a.txt".length],
        ["/css/b.css", "bytes of css/b.css".length],
        ["/css/c.css", "bytes of css/c.css".length],
      ],
    );
    assert.deepEqual([total, truncated], [3, false]);
    assert.deepEqual((await preview("tag:nothing")).matches, []);
  });

  test("has nothing of another endpoint", async () => {
    const [one] = [await servedEndpoint(["mine.txt"]), await servedEndpoint(["theirs.txt"])];
    assert.deepEqual(
      (await one.preview("*")).matches.map(({ path }) => path),
      ["/mine.txt"],
    );
  });

  test("drops nothing", async () => {
    const { preview } = await servedEndpoint(["a.txt", "b.txt"]);
    const before = await preview("*");
    assert.deepEqual(await preview("*"), before);
    assert.equal(before.total, 2);
  });

  test("is refused as a purge of the same files is", async () => {
    const { target } = await servedEndpoint([]);
    for (const files of [undefined, [], ["https://www.example.com/a"], ["tag:one,two"]]) {
      const reply = await atoll.api("POST", `${target}/preview`, { body: { files } });
      assertProblem(reply, 422, "unprocessable_entity", "files");
    }
  });

  test("needs cdn:read", async () => {
    const { target } = await servedEndpoint([]);
    const as = async (scope: string) => {
      const { secret } = await createToken(atoll, { scopes: [scope] });
      const request = { body: { files: ["*"] }, token: secret };
      return (await atoll.api("POST", `${target}/preview`, request)).status;
    };
    assert.deepEqual([await as("cdn:read"), await as("cdn:delete")], [200, 403]);
  });

  test("is what the command shows", async () => {
    const { host } = await servedEndpoint(["a.txt"]);
    const { stdout } = await atollCommand(atoll.dataDir, ["cdn", "purge", host, "*", "--dry-run"]);
    assert.match(stdout, /^PATH +BYTES +TIER\n\/a\.txt +14 +\w+\n1 match: 14 bytes\n$/);
  });
});

describe("a purge by the API", () => {
  test("takes tags, and is soft when it says so", async () => {
    const { purge } = await servedEndpoint([]);
    assert.equal((await purge({ files: ["tag:Product-42", "/a"] })).status, 204);
    assert.equal((await purge({ files: ["*"], soft: true })).status, 204);
    assert.equal((await purge({ files: ["*"], soft: null })).status, 204);
    const odd = await purge({ files: ["*"], soft: "yes" });
    assertProblem(odd, 422, "unprocessable_entity", "soft: expected true or false");
    const tag = await purge({ files: ["tag:two words"] });
    assertProblem(tag, 422, "unprocessable_entity", "files[0]: is no tag");
  });
});
