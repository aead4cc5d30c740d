import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { startAtoll } from "../support/atoll.ts";
import { startUpstream } from "../support/upstream.ts";
import {
  assertProblem,
  createAccount,
  createEndpoint,
  createSpace,
  freshName,
  hostOf,
  originOf,
  putObject,
} from "../support/world.ts";

const atoll = await startAtoll({ env: { ATOLL_SPACES: "strict" } });
after(() => atoll[Symbol.asyncDispose]());

describe("with ATOLL_SPACES=strict", () => {
  test("an origin whose Space does not exist is 422, and is taken once it does", async () => {
    const body = { origin: originOf("strict") };
    const refused = await atoll.api("POST", "/v2/cdn/endpoints", { body });
    assertProblem(refused, 422, "unprocessable_entity", "invalid origin");
    await createSpace(atoll, "strict");
    assert.equal((await atoll.api("POST", "/v2/cdn/endpoints", { body })).status, 201);
  });

  test("another account's Space is 422 as one that does not exist is", async () => {
    await createAccount(atoll, "theirs@example.test");
    await createSpace(atoll, "theirs", {}, "theirs@example.test");
    const body = { origin: originOf("theirs") };
    const reply = await atoll.api("POST", "/v2/cdn/endpoints", { body });
    assertProblem(reply, 422, "unprocessable_entity", "invalid origin");
  });
});

describe("a Space", () => {
  test("has a name of its own in its region, and is listed", async () => {
    await createSpace(atoll, "named");
    const again = await atoll.operator("POST", "/atoll/v1/spaces", {
      body: { name: "named", region: "nyc3" },
    });
    assertProblem(again, 409, "conflict");
    const { json } = await atoll.operator("GET", "/atoll/v1/spaces?per_page=200");
    assert(json.spaces.some(({ name, region }) => name === "named" && region === "nyc3"));
  });

  for (const body of [
    { name: "With.Dots", region: "nyc3" },
    { name: "fine", region: "newyork" },
  ]) {
    test(`is not ${body.name} in ${body.region}`, async () => {
      const reply = await atoll.operator("POST", "/atoll/v1/spaces", { body });
      assertProblem(reply, 422, "unprocessable_entity");
    });
  }
});

describe("an embedded object", () => {
  const space = "objects";
  const target = (key: string) =>
    `/atoll/v1/spaces/nyc3/${space}/object?key=${encodeURIComponent(key)}`;

  test("keeps its bytes, type and Cache-Control, is replaced whole, and is removed", async () => {
    await createSpace(atoll, space);
    await createEndpoint(atoll, originOf(space));
    const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
    const object = { type: "image/png", cacheControl: "no-store" };
    await putObject(atoll, space, "a.png", bytes, object);
    const stored = await atoll.edge(hostOf(space), "/a.png");
    assert.deepEqual(new Uint8Array(stored.body), bytes);
    assert.equal(stored.headers["content-type"], "image/png");
    assert.equal(stored.headers["cache-control"], "no-store");
    await putObject(atoll, space, "a.png", "text now", { ...object, type: "text/plain" });
    const replaced = await atoll.edge(hostOf(space), "/a.png");
    assert.equal(replaced.text, "text now");
    assert.equal(replaced.headers["content-type"], "text/plain");
    assert.equal((await atoll.operator("DELETE", target("a.png"))).status, 204);
    assert.equal((await atoll.edge(hostOf(space), "/a.png")).status, 404);
  });

  const keys = ["/rooted.txt", "a//b.txt", "a..b/.c", "été ☕.txt", "con.", "a%2Fb"];
  for (const key of keys) {
    test(`may be called ${key}`, async () => {
      const object = { cacheControl: "no-store" };
      await putObject(atoll, space, key, `bytes of ${key}`, object);
      const objects = `/atoll/v1/spaces/nyc3/${space}/objects`;
      const { json } = await atoll.operator("GET", objects);
      assert(json.objects.some((one) => one.key === key));
      assert.equal((await atoll.operator("DELETE", target(key))).status, 204);
    });
  }

  test("has a key without segments that clients resolve away", async () => {
    for (const key of ["../../escape.txt", ".", "..", "a/../b"]) {
      const reply = await atoll.operator("PUT", target(key), { raw: "x" });
      assertProblem(reply, 422, "unprocessable_entity", "key");
    }
  });

  test("has a key of 1 to 1,024 bytes", async () => {
    for (const key of ["", "k".repeat(1_025)]) {
      const reply = await atoll.operator("PUT", target(key), { raw: "x" });
      assertProblem(reply, 422, "unprocessable_entity", "key");
    }
  });

  test("of a Space that does not exist is 404", async () => {
    const reply = await atoll.operator("PUT", "/atoll/v1/spaces/nyc3/nothing/object?key=a", {
      raw: "x",
    });
    assertProblem(reply, 404, "not_found");
  });
});

describe("a Space kept elsewhere", () => {
  test("is fetched from its upstream, by its key, without what could confuse it", async () => {
    const asked: { readonly url: string | undefined; readonly names: readonly string[] }[] = [];
    await using upstream = await startUpstream(({ url, headers }, response) => {
      asked.push({ url, names: Object.keys(headers) });
      response.end("from upstream");
    });
    const space = freshName("upstream");
    await createSpace(atoll, space, { upstream: `${upstream.url}/{region}/{space}` });
    await createEndpoint(atoll, originOf(space));
    const headers = { "x-forwarded-host": "evil.example", "x-original-url": "/admin" };
    const reply = await atoll.edge(hostOf(space), "/dir/a%20b.txt", { headers });
    assert.equal(reply.text, "from upstream");
    assert.equal(asked[0]?.url, `/nyc3/${space}/dir/a%20b.txt`);
    for (const name of Object.keys(headers)) assert(!asked[0].names.includes(name), name);
  });

  test("has a shorter lifetime at once when its endpoint has", async () => {
    await using upstream = await startUpstream((_, response) => {
      // 100 s old on arrival: fresh for an hour's lifetime, stale for a minute's.
      response.setHeader("age", "100");
      response.end("aged");
    });
    const space = freshName("upstream");
    await createSpace(atoll, space, { upstream: upstream.url });
    const { id } = await createEndpoint(atoll, originOf(space), { ttl: 3_600 });
    await atoll.edge(hostOf(space), "/a.txt");
    assert.equal((await atoll.edge(hostOf(space), "/a.txt")).headers["x-cache"], "HIT");
    await atoll.api("PUT", `/v2/cdn/endpoints/${id}`, { body: { ttl: 60 } });
    await atoll.edge(hostOf(space), "/a.txt");
    assert.equal(upstream.fetches("/a.txt"), 2);
  });

  test("answers 502 or 504 in one line when its upstream does not", async () => {
    const space = freshName("upstream");
    await createSpace(atoll, space, { upstream: "http://127.0.0.1:9" });
    await createEndpoint(atoll, originOf(space));
    const reply = await atoll.edge(hostOf(space), "/a.txt");
    assert([502, 504].includes(reply.status), String(reply.status));
    assert.equal(reply.text.trim().split("\n").length, 1);
  });
});

describe("with ATOLL_SPACES_UPSTREAM", () => {
  test("every Space that has no objects of its own is served from there", async () => {
    await using upstream = await startUpstream(({ url }, response) => {
      response.end(`upstream ${url}`);
    });
    await atoll.restart({
      ATOLL_SPACES: "",
      ATOLL_SPACES_UPSTREAM: `${upstream.url}/{space}.{region}`,
    });
    await createEndpoint(atoll, originOf("far-away"));
    const reply = await atoll.edge(hostOf("far-away"), "/a.txt");
    assert.equal(reply.text, "upstream /far-away.nyc3/a.txt");
  });
});
