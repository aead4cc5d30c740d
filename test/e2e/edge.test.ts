import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { startAtoll } from "../support/atoll.ts";
import { until } from "../support/until.ts";
import { startUpstream } from "../support/upstream.ts";
import {
  createEndpoint,
  createSpace,
  freshName,
  hostOf,
  originOf,
  putObject,
} from "../support/world.ts";

const atoll = await startAtoll();
after(() => atoll[Symbol.asyncDispose]());

const LIST = "/v2/cdn/endpoints";

/** An endpoint over an embedded Space with one object in it. */
async function served(key: string, bytes: string, object: Parameters<typeof putObject>[4] = {}) {
  const space = freshName();
  const { id } = await createEndpoint(atoll, originOf(space));
  await putObject(atoll, space, key, bytes, object);
  return { id, space, host: hostOf(space) };
}

async function purge(id: string, files: readonly string[] = ["*"]): Promise<void> {
  const reply = await atoll.api("DELETE", `${LIST}/${id}/cache`, { body: { files } });
  assert.equal(reply.status, 204, reply.text);
}

describe("the edge", () => {
  test("serves a file of a Space: MISS, then HIT, and after a purge MISS again", async () => {
    const { id, host } = await served("hello.txt", "hello");
    const replies = [await atoll.edge(host, "/hello.txt"), await atoll.edge(host, "/hello.txt")];
    await purge(id);
    replies.push(await atoll.edge(host, "/hello.txt"));
    assert.deepEqual(
      replies.map(({ headers }) => headers["x-cache"]),
      ["MISS", "HIT", "MISS"],
    );
    for (const { status, text, headers } of replies) {
      assert.equal(status, 200);
      assert.equal(text, "hello");
      assert.equal(headers["content-type"], "text/plain");
      assert.equal(headers["content-length"], "5");
      assert.match(String(headers["x-request-id"]), /^[0-9a-f-]{36}$/);
      assert.match(String(headers["cache-status"]), /hit|fwd=/);
    }
  });

  test("serves an overwritten file from its store until a purge", async () => {
    const { id, space, host } = await served("page.html", "old");
    await atoll.edge(host, "/page.html");
    await putObject(atoll, space, "page.html", "new");
    assert.equal((await atoll.edge(host, "/page.html")).text, "old");
    await purge(id, ["page.html"]);
    assert.equal((await atoll.edge(host, "/page.html")).text, "new");
  });

  test("answers under .cdn.spaces.localhost too, so that a browser reaches it", async () => {
    const { space } = await served("hello.txt", "hello");
    const reply = await atoll.edge(`${space}.nyc3.cdn.spaces.localhost`, "/hello.txt");
    assert.equal(reply.text, "hello");
  });

  test("takes a Host in any case, with a port", async () => {
    const { host } = await served("hello.txt", "hello");
    assert.equal((await atoll.edge(`${host.toUpperCase()}:8081`, "/hello.txt")).text, "hello");
  });

  test("has an entry for each query string", async () => {
    const { host } = await served("a.txt", "a");
    const seen: unknown[] = [];
    for (const target of ["/a.txt", "/a.txt?v=1", "/a.txt?v=1", "/a.txt"]) {
      seen.push((await atoll.edge(host, target)).headers["x-cache"]);
    }
    assert.deepEqual(seen, ["MISS", "MISS", "HIT", "HIT"]);
  });

  test("answers 404 to a Host without an endpoint, in one line with a request id", async () => {
    const reply = await atoll.edge("nobody.nyc3.cdn.digitaloceanspaces.com", "/hello.txt");
    assert.equal(reply.status, 404);
    assert.match(String(reply.headers["x-request-id"]), /^[0-9a-f-]{36}$/);
    assert.equal(reply.text.trim().split("\n").length, 1);
  });

  test("answers 404 to a key that is not there, and lists no folder", async () => {
    const { host } = await served("folder/a.txt", "a");
    for (const target of ["/nothing.txt", "/", "/folder", "/folder/"]) {
      assert.equal((await atoll.edge(host, target)).status, 404, target);
    }
  });

  test("does not lead out of a Space", async () => {
    const { host } = await served("a.txt", "a");
    for (const target of [
      "/../a.txt",
      "/..%2f..%2fatoll.db",
      "/%2e%2e/operator.token",
      "//a.txt",
    ]) {
      assert.notEqual((await atoll.edge(host, target)).status, 200, target);
    }
  });
});

describe("what the edge has stored", () => {
  test("grows older, and says how old it is", async () => {
    const { host } = await served("a.txt", "a");
    await atoll.edge(host, "/a.txt");
    const age = await until("a second passes", async () => {
      const { headers } = await atoll.edge(host, "/a.txt");
      return Number(headers.age) >= 1 && headers.age;
    });
    assert.match(age, /^\d+$/);
  });

  test("answers 304 to a client that has it, by entity-tag and by date", async () => {
    const { host } = await served("a.txt", "a");
    const { headers } = await atoll.edge(host, "/a.txt");
    const conditions = [
      { "if-none-match": String(headers.etag) },
      { "if-modified-since": String(headers["last-modified"]) },
    ];
    for (const condition of conditions) {
      const reply = await atoll.edge(host, "/a.txt", { headers: condition });
      assert.equal(reply.status, 304, JSON.stringify(condition));
      assert.equal(reply.text, "");
      assert.equal(reply.headers.etag, headers.etag);
    }
    const changed = await atoll.edge(host, "/a.txt", { headers: { "if-none-match": '"other"' } });
    assert.equal(changed.status, 200);
  });

  test("answers HEAD with the fields of GET and no body", async () => {
    const { host } = await served("a.txt", "twelve bytes");
    for (const state of ["cold", "stored"]) {
      const reply = await atoll.edge(host, "/a.txt", { method: "HEAD" });
      assert.equal(reply.status, 200, state);
      assert.equal(reply.headers["content-length"], "12", state);
      assert.equal(reply.text, "", state);
      await atoll.edge(host, "/a.txt");
    }
  });

  const ranges = [
    { range: "bytes=0-3", text: "0123", content: "bytes 0-3/10" },
    { range: "bytes=7-", text: "789", content: "bytes 7-9/10" },
    { range: "bytes=-2", text: "89", content: "bytes 8-9/10" },
    { range: "bytes=8-99", text: "89", content: "bytes 8-9/10" },
  ];
  for (const { range, text, content } of ranges) {
    test(`answers ${range} with that part`, async () => {
      const { host } = await served("digits.txt", "0123456789");
      await atoll.edge(host, "/digits.txt");
      const reply = await atoll.edge(host, "/digits.txt", { headers: { range } });
      assert.equal(reply.status, 206);
      assert.equal(reply.text, text);
      assert.equal(reply.headers["content-range"], content);
    });
  }

  test("answers 416 to a range past its end", async () => {
    const { host } = await served("digits.txt", "0123456789");
    await atoll.edge(host, "/digits.txt");
    const reply = await atoll.edge(host, "/digits.txt", { headers: { range: "bytes=10-" } });
    assert.equal(reply.status, 416);
    assert.equal(reply.headers["content-range"], "bytes */10");
  });
});

describe("an endpoint", () => {
  test("is served by the time that its 201 is sent", async () => {
    const space = freshName("ready");
    await createSpace(atoll, space);
    await putObject(atoll, space, "a.txt", "a");
    await createEndpoint(atoll, originOf(space));
    assert.equal((await atoll.edge(hostOf(space), "/a.txt")).status, 200);
  });

  test("is gone with the 204 of its deletion, and comes back with nothing stored", async () => {
    const { id, space, host } = await served("a.txt", "old");
    await atoll.edge(host, "/a.txt");
    await atoll.api("DELETE", `${LIST}/${id}`);
    assert.equal((await atoll.edge(host, "/a.txt")).status, 404);
    await putObject(atoll, space, "a.txt", "new");
    await createEndpoint(atoll, originOf(space));
    const reply = await atoll.edge(host, "/a.txt");
    assert.equal(reply.text, "new");
    assert.equal(reply.headers["x-cache"], "MISS");
  });

  test("answers on its custom domain from the 200 that sets it to the 200 that clears it", async () => {
    const { id, host } = await served("a.txt", "a");
    const set = (custom_domain: string) =>
      atoll.api("PUT", `${LIST}/${id}`, { body: { custom_domain, certificate_id: "" } });
    await set("www.shop.example");
    assert.equal((await atoll.edge("www.shop.example", "/a.txt")).text, "a");
    await set("");
    assert.equal((await atoll.edge("www.shop.example", "/a.txt")).status, 404);
    assert.equal((await atoll.edge(host, "/a.txt")).text, "a");
  });

  test("gives its lifetime to what has none, and what an object says of itself wins", async () => {
    const { id, space, host } = await served("plain.txt", "a");
    await putObject(atoll, space, "own.txt", "b", { cacheControl: "max-age=31536000" });
    const cacheControl = async (target: string) =>
      (await atoll.edge(host, target)).headers["cache-control"];
    assert.equal(await cacheControl("/plain.txt"), "max-age=3600");
    assert.equal(await cacheControl("/own.txt"), "max-age=31536000");
    await atoll.api("PUT", `${LIST}/${id}`, { body: { ttl: 600 } });
    assert.equal(await cacheControl("/plain.txt"), "max-age=600");
    assert.equal(await cacheControl("/own.txt"), "max-age=31536000");
  });
});

describe("what is never stored", () => {
  const cases = [
    { what: "an object that says no-store", cacheControl: "no-store", target: "/a.txt" },
    { what: "an object that says private", cacheControl: "private, max-age=60", target: "/a.txt" },
    { what: "a presigned request", target: "/a.txt?X-Amz-Signature=abc&X-Amz-Expires=60" },
  ];
  for (const { what, target, ...object } of cases) {
    test(`is ${what}`, async () => {
      const { host } = await served("a.txt", "a", object);
      for (const turn of [1, 2]) {
        const { headers } = await atoll.edge(host, target);
        assert.notEqual(headers["x-cache"], "HIT", `turn ${turn}`);
      }
    });
  }

  test("is a response with Set-Cookie", async () => {
    await using upstream = await startUpstream((_, response) => {
      response.setHeader("set-cookie", "session=1");
      response.end("yours");
    });
    const space = freshName("upstream");
    await createSpace(atoll, space, { upstream: upstream.url });
    await createEndpoint(atoll, originOf(space));
    await atoll.edge(hostOf(space), "/a.txt");
    await atoll.edge(hostOf(space), "/a.txt");
    assert.equal(upstream.fetches("/a.txt"), 2);
  });
});
