import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { startAtoll } from "../support/atoll.ts";
import type { Reply } from "../support/exchange.ts";
import { startUpstream } from "../support/upstream.ts";
import { createEndpoint, createSpace, freshName, hostOf, originOf } from "../support/world.ts";

const ONE = "https://one.example";
const OTHER = "https://other.example";
const RULES = [
  {
    AllowedOrigins: [ONE],
    AllowedMethods: ["GET", "PUT"],
    AllowedHeaders: ["x-*"],
    ExposeHeaders: ["etag"],
    MaxAgeSeconds: 600,
  },
  { AllowedOrigins: ["https://*.example"], AllowedMethods: ["GET", "HEAD"] },
];

const stack = new AsyncDisposableStack();
after(() => stack.disposeAsync());
/** A store that answers everyone as if they came from one page: what must not be stored for others. */
const upstream = stack.use(
  await startUpstream(({ url }, response) => {
    response.setHeader("access-control-allow-origin", "https://poison.example");
    response.setHeader("access-control-expose-headers", "x-poison");
    response.setHeader("vary", "Origin, X-Poison");
    response.setHeader("cache-control", "max-age=3600");
    response.setHeader("etag", '"a"');
    response.end(`bytes of ${url}`);
  }),
);
const atoll = stack.use(await startAtoll({ env: { ATOLL_EDGE_WORKERS: "2" } }));

/** A Space of that store with an endpoint, and with rules. */
async function ruledSpace(rules: unknown = RULES) {
  const space = freshName("cors");
  await createSpace(atoll, space, { upstream: `${upstream.url}/${space}` });
  await createEndpoint(atoll, originOf(space));
  await setRules(space, rules);
  return { space, host: hostOf(space) };
}

async function setRules(space: string, rules: unknown): Promise<void> {
  const target = `/atoll/v1/spaces/nyc3/${space}/cors`;
  const reply = await atoll.api("PUT", target, { body: { CORSRules: rules } });
  assert.equal(reply.status, 200, reply.text);
}

function allowed({ headers }: Reply): string | undefined {
  return headers["access-control-allow-origin"];
}

/** Connections enough to reach both workers: one is missed once in 2^20 runs. */
async function askOften(host: string, headers: Record<string, string>): Promise<Reply[]> {
  const replies: Reply[] = [];
  for (let i = 0; i < 20; i += 1) replies.push(await atoll.edge(host, "/a.txt", { headers }));
  for (const { status, text } of replies) {
    assert.equal(status, 200);
    assert.match(text, /^bytes of \/cors-\d+\/a\.txt$/);
  }
  return replies;
}

describe("what is cached of a Space with CORS rules", () => {
  test("answers each origin as the rules have it, whoever it was fetched for", async () => {
    const { space, host } = await ruledSpace();
    const ways = [
      { origin: undefined, allows: undefined, exposes: undefined },
      { origin: ONE, allows: ONE, exposes: "etag" },
      { origin: OTHER, allows: OTHER, exposes: undefined },
      { origin: "https://stranger.test", allows: undefined, exposes: undefined },
      { origin: "null", allows: undefined, exposes: undefined },
    ];
    for (const { origin, allows, exposes } of [...ways, ...ways.toReversed()]) {
      for (const reply of await askOften(host, origin === undefined ? {} : { origin })) {
        assert.equal(allowed(reply), allows, String(origin));
        assert.equal(reply.headers["access-control-expose-headers"], exposes, String(origin));
        assert.match(String(reply.headers["vary"]), /\borigin\b/i);
        assert(!JSON.stringify(reply.headers).includes("poison"));
      }
    }
    // Nothing that anybody asked made a variant of it: a fetch for each worker at most.
    const fetches = upstream.fetches(`/${space}/a.txt`);
    assert(fetches <= 2, `${fetches} fetches`);
    const [hit] = await askOften(host, { origin: ONE });
    assert.equal(hit?.headers["x-cache"], "HIT");
  });

  test("answers 206, 304 and HEAD with them too", async () => {
    const { host } = await ruledSpace();
    const part = await atoll.edge(host, "/a.txt", { headers: { origin: ONE, range: "bytes=0-4" } });
    assert.deepEqual([part.status, part.text, allowed(part)], [206, "bytes", ONE]);
    const etag = String(part.headers.etag);
    const known = await atoll.edge(host, "/a.txt", {
      headers: { origin: OTHER, "if-none-match": etag },
    });
    assert.deepEqual([known.status, allowed(known)], [304, OTHER]);
    // HEAD is a method of its own: the second rule is the one that has it for both.
    for (const [origin, allows] of [
      [ONE, ONE],
      [OTHER, OTHER],
    ] as const) {
      const head = await atoll.edge(host, "/a.txt", { method: "HEAD", headers: { origin } });
      assert.deepEqual([head.status, allowed(head)], [200, allows]);
    }
  });

  test("answers by the rules as they are now", async () => {
    const { space, host } = await ruledSpace();
    const before = await askOften(host, { origin: ONE });
    assert(before.every((reply) => allowed(reply) === ONE));
    await setRules(space, [{ AllowedOrigins: ["*"], AllowedMethods: ["GET"] }]);
    for (const origin of [ONE, "https://stranger.test"]) {
      const later = await askOften(host, { origin });
      assert(later.every((reply) => allowed(reply) === "*"));
      assert(later.every(({ headers }) => headers["x-cache"] === "HIT"));
    }
    await setRules(space, [{ AllowedOrigins: [OTHER], AllowedMethods: ["GET"] }]);
    const last = await askOften(host, { origin: ONE });
    assert(last.every((reply) => allowed(reply) === undefined));
  });
});

describe("a preflight", () => {
  const preflight = (host: string, origin: string, method: string, names?: string) =>
    atoll.edge(host, "/a.txt", {
      method: "OPTIONS",
      headers: {
        origin,
        "access-control-request-method": method,
        ...(names === undefined ? {} : { "access-control-request-headers": names }),
      },
    });

  test("is answered by the first rule that allows it all, and fetches nothing", async () => {
    const { space, host } = await ruledSpace();
    const one = await preflight(host, ONE, "PUT", "X-Mine, x-other");
    assert.deepEqual([one.status, one.text, allowed(one)], [200, "", ONE]);
    assert.equal(one.headers["access-control-allow-methods"], "GET, PUT");
    assert.equal(one.headers["access-control-allow-headers"], "x-mine, x-other");
    assert.equal(one.headers["access-control-max-age"], "600");
    const other = await preflight(host, OTHER, "GET");
    assert.deepEqual([other.status, allowed(other)], [200, OTHER]);
    assert.equal(other.headers["access-control-max-age"], undefined);
    assert.equal(upstream.fetches(`/${space}/a.txt`), 0);
  });

  test("is 403 to an origin, a method or a header that no rule allows, and says which", async () => {
    const { host } = await ruledSpace();
    const refused = [
      { reply: await preflight(host, "https://stranger.test", "GET"), says: "origin" },
      { reply: await preflight(host, OTHER, "PUT"), says: "method" },
      { reply: await preflight(host, ONE, "GET", "authorization"), says: "header" },
    ];
    for (const { reply, says } of refused) {
      assert.equal(reply.status, 403, says);
      assert.equal(allowed(reply), undefined);
      assert(reply.text.includes(says), `"${reply.text}" does not say "${says}"`);
    }
  });

  test("neither poisons what is cached nor is poisoned by it", async () => {
    const { host } = await ruledSpace();
    assert.equal((await preflight(host, ONE, "GET")).status, 200);
    const [first, second] = await askOften(host, { origin: OTHER });
    assert.deepEqual(
      [first, second].map((reply) => reply && allowed(reply)),
      [OTHER, OTHER],
    );
    assert.equal(allowed(await preflight(host, ONE, "GET")), ONE);
    assert.equal((await preflight(host, "https://stranger.test", "GET")).status, 403);
    for (const reply of await askOften(host, {})) assert.equal(allowed(reply), undefined);
  });
});
