import assert from "node:assert/strict";
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { describe, test } from "node:test";
import { Client } from "./client.ts";
import {
  countingOrigin,
  type EdgeUnderTest,
  fetchOnce,
  request,
  startEdge,
  waitingOrigin,
} from "./support.ts";

async function xCache(edge: EdgeUnderTest, target: string, ...lines: string[]): Promise<string> {
  const response = await fetchOnce(edge, target, ...lines);
  return response.fields.get("x-cache") ?? "";
}

/** The same answer to every request, from behind `atoll edge`. */
async function startProxy(
  headers: OutgoingHttpHeaders,
  { status = 200, ttl }: { readonly status?: number; readonly ttl?: number } = {},
): Promise<EdgeUnderTest & { readonly origin: ReturnType<typeof countingOrigin> }> {
  const origin = countingOrigin(headers, status);
  const edge = await startEdge(origin.answer, { proxy: ttl === undefined ? {} : { ttl } });
  return Object.assign(edge, { origin });
}

const MODIFIED = { "last-modified": "Sun, 22 Nov 2026 11:00:00 GMT" };

describe("a proxy", () => {
  const answers: readonly {
    readonly what: string;
    readonly headers: OutgoingHttpHeaders;
    readonly status?: number;
    readonly ttl?: number;
    readonly second: "HIT" | "MISS" | "REVALIDATED";
  }[] = [
    { what: "max-age", headers: { "cache-control": "max-age=60" }, second: "HIT" },
    { what: "nothing about its age", headers: {}, second: "MISS" },
    { what: "nothing, with a default TTL", headers: {}, ttl: 60, second: "HIT" },
    { what: "RFC 9111 §4.2.2: Last-Modified", headers: MODIFIED, second: "HIT" },
    { what: "Last-Modified, of a 404", headers: MODIFIED, status: 404, second: "HIT" },
    { what: "Last-Modified, of a 500", headers: MODIFIED, status: 500, second: "MISS" },
    { what: "a 404 with a default TTL", headers: {}, status: 404, ttl: 60, second: "MISS" },
    { what: "no-store", headers: { "cache-control": "no-store, max-age=60" }, second: "MISS" },
    { what: "private", headers: { "cache-control": "private, max-age=60" }, second: "MISS" },
    {
      what: "a 302 with max-age",
      headers: { "cache-control": "max-age=60", location: "/b" },
      status: 302,
      second: "HIT",
    },
    {
      what: "a 503 with max-age",
      headers: { "cache-control": "max-age=60" },
      status: 503,
      second: "HIT",
    },
    {
      what: "a cookie that is explicitly fresh",
      headers: { "set-cookie": "a=b", "cache-control": "max-age=60" },
      second: "HIT",
    },
    {
      what: "a cookie and Last-Modified",
      headers: { "set-cookie": "a=b", ...MODIFIED },
      second: "MISS",
    },
    {
      what: "a cookie and a default TTL",
      headers: { "set-cookie": "a=b" },
      ttl: 60,
      second: "MISS",
    },
    {
      what: "a cookie and no-cache",
      headers: { "set-cookie": "a=b", "cache-control": "no-cache, max-age=60", etag: '"a"' },
      second: "MISS",
    },
    { what: "Vary: *", headers: { vary: "*", "cache-control": "max-age=60" }, second: "MISS" },
    {
      what: "* among others in Vary",
      headers: { vary: "accept, *", "cache-control": "max-age=60" },
      second: "MISS",
    },
  ];
  for (const { what, headers, status = 200, ttl, second } of answers) {
    test(`answers a second request for ${what} with a ${second}`, async () => {
      await using edge = await startProxy(
        headers,
        ttl === undefined ? { status } : { status, ttl },
      );
      assert.equal(await xCache(edge, "/a"), "MISS");
      assert.equal(await xCache(edge, "/a"), second);
    });
  }

  test("takes a tenth of the time since the last change for a lifetime", async () => {
    await using edge = await startProxy(MODIFIED);
    await fetchOnce(edge, "/a");
    edge.clock.advance(359_000);
    assert.equal(await xCache(edge, "/a"), "HIT");
    edge.clock.advance(1_000);
    assert.equal(await xCache(edge, "/a"), "MISS");
  });

  test("keeps two Hosts apart", async () => {
    await using edge = await startEdge(
      (incoming, response) => {
        response.writeHead(200, { "cache-control": "max-age=60" }).end(incoming.headers.host);
      },
      { proxy: {} },
    );
    for (const name of ["a.test", "b.test", "a.test:8080"]) {
      using client = new Client(edge.port);
      client.send(`GET / HTTP/1.1\r\nhost: ${name}\r\n\r\n`);
      assert.equal((await client.receive()).body.toString(), name);
    }
  });
});

describe("RFC 9111 §4.1: a response with Vary", () => {
  const varying = (vary: string) => (incoming: IncomingMessage, response: ServerResponse) => {
    const { accept, "accept-language": language } = incoming.headers;
    response.writeHead(200, { vary, "cache-control": "max-age=60" });
    response.end(`${accept} ${language}`);
  };

  const pairs = [
    { first: ["accept: a"], second: ["accept: a"], second_is: "HIT" },
    { first: ["accept: a"], second: ["accept: a", "x-other: b"], second_is: "HIT" },
    { first: ["accept: a, b"], second: ["accept: a,b"], second_is: "HIT" },
    { first: ["accept: a, b"], second: ["accept: a", "accept: b"], second_is: "HIT" },
    { first: [], second: [], second_is: "HIT" },
    { first: ["accept: a"], second: ["accept: b"], second_is: "MISS" },
    { first: ["accept: a"], second: ["accept: A"], second_is: "MISS" },
    { first: ["accept: a"], second: [], second_is: "MISS" },
    { first: [], second: ["accept:"], second_is: "MISS" },
    { first: ["accept: a, b"], second: ["accept: b, a"], second_is: "MISS" },
  ] as const;
  for (const { first, second, second_is } of pairs) {
    test(`of ${JSON.stringify(first)} is a ${second_is} for ${JSON.stringify(second)}`, async () => {
      await using edge = await startEdge(varying("Accept"), { proxy: {} });
      await fetchOnce(edge, "/a", ...first);
      const response = await fetchOnce(edge, "/a", ...second);
      assert.equal(response.fields.get("x-cache"), second_is);
      const status = second_is === "HIT" ? "Atoll; hit; ttl=60" : "Atoll; fwd=vary-miss; stored";
      assert.equal(response.fields.get("cache-status"), status);
    });
  }

  test("is selected by all the fields that it names, in any case", async () => {
    await using edge = await startEdge(varying("ACCEPT ,accept-Language"), { proxy: {} });
    await fetchOnce(edge, "/a", "accept: a", "accept-language: de");
    assert.equal(await xCache(edge, "/a", "Accept: a", "Accept-Language: de"), "HIT");
    assert.equal(await xCache(edge, "/a", "accept: a", "accept-language: en"), "MISS");
  });

  test("is not given to those who waited for it with other fields", async () => {
    await using edge = await startEdge(varying("Accept"), { proxy: {} });
    const asked = ["a", "b", "a", "c"].map((accept) => fetchOnce(edge, "/a", `accept: ${accept}`));
    const answers = await Promise.all(asked);
    assert.deepEqual(
      answers.map(({ body }) => body.toString().slice(0, 1)),
      ["a", "b", "a", "c"],
    );
  });

  test("is selected by what the origin was told: not by a field that Connection took away", async () => {
    await using edge = await startEdge(varying("Accept"), { proxy: {} });
    await fetchOnce(edge, "/a", "connection: accept", "accept: a");
    assert.equal(await xCache(edge, "/a", "accept: a"), "MISS");
  });

  test("is one for all where a Space sends it: its objects have one representation", async () => {
    await using edge = await startEdge(varying("Accept"));
    await fetchOnce(edge, "/a", "accept: a");
    assert.equal(await xCache(edge, "/a", "accept: b"), "HIT");
  });
});

describe("RFC 9111 §4.4: what is stored is dropped", () => {
  const methods: readonly (readonly [method: string, status: number, next: "HIT" | "MISS"])[] = [
    ["POST", 200, "MISS"],
    ["PUT", 204, "MISS"],
    ["DELETE", 303, "MISS"],
    ["PATCH", 200, "MISS"],
    ["MKCOL", 201, "MISS"],
    ["POST", 400, "HIT"],
    ["DELETE", 500, "HIT"],
    ["OPTIONS", 200, "HIT"],
    ["TRACE", 200, "HIT"],
  ];
  for (const [method, status, next] of methods) {
    test(`${next === "HIT" ? "not " : ""}by a ${status} to ${method}`, async () => {
      await using edge = await startEdge(
        (incoming, response) => {
          const code = incoming.method === "GET" ? 200 : status;
          response.writeHead(code, { "cache-control": "max-age=60" }).end();
        },
        { proxy: {} },
      );
      await fetchOnce(edge, "/a");
      await fetchOnce(edge, "/b");
      using client = new Client(edge.port);
      client.send(request(method, "/a"));
      assert.equal((await client.receive()).status, status);
      assert.equal(await xCache(edge, "/a"), next);
      assert.equal(await xCache(edge, "/b"), "HIT");
    });
  }

  test("also where it was still being fetched", async () => {
    const waiting: (() => void)[] = [];
    let arrived: () => void = () => undefined;
    const arrival = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    let version = "old";
    await using edge = await startEdge(
      (incoming, response) => {
        const body = version;
        if (incoming.method === "POST") version = "new";
        response.writeHead(200, { "cache-control": "max-age=60", "content-length": body.length });
        if (body === "new" || incoming.method === "POST") {
          response.end(body);
          return;
        }
        response.flushHeaders();
        waiting.push(() => void response.end(body));
        arrived();
      },
      { proxy: {} },
    );
    const before = fetchOnce(edge, "/a");
    await arrival;
    using client = new Client(edge.port);
    client.send(request("POST", "/a"));
    await client.receive();
    assert.equal((await fetchOnce(edge, "/a")).body.toString(), "new");
    for (const end of waiting) end();
    assert.equal((await before).body.toString(), "old");
    assert.equal((await fetchOnce(edge, "/a")).body.toString(), "new");
  });
});

test("what an origin answers to one client is not given to another who waited for it", async () => {
  const asked: (() => void)[] = [];
  let arrived: () => void = () => undefined;
  await using edge = await startEdge(
    (incoming, response) => {
      const answer = (): void => {
        response.writeHead(200, { "cache-control": "private" }).end(incoming.headers.cookie);
      };
      asked.push(answer);
      if (asked.length > 1) answer();
      arrived();
    },
    { proxy: {} },
  );
  const arrival = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const first = new Client(edge.port);
  first.send(request("GET", "/account", "cookie: id=first"));
  await arrival;
  const second = fetchOnce(edge, "/account", "cookie: id=second");
  // It waits for the same fetch once a connection that was made later has been answered.
  await fetchOnce(edge, "/account", "cdn-loop: atoll");
  first.socket.resetAndDestroy();
  await fetchOnce(edge, "/account", "cdn-loop: atoll");
  asked[0]?.();
  assert.equal((await second).body.toString(), "id=second");
});

test("what was for one client alone is not waited for by the next", async () => {
  const origin = waitingOrigin();
  await using edge = await startEdge(origin.answer, { proxy: {} });
  const personal = { "cache-control": "no-store" };
  const first = fetchOnce(edge, "/feed");
  (await origin.next()).response.writeHead(200, personal).end("1");
  await first;
  const [second, third] = [fetchOnce(edge, "/feed"), fetchOnce(edge, "/feed")];
  // Both are asked for before either is answered.
  const asked = [await origin.next(), await origin.next()];
  for (const { response } of asked) response.writeHead(200, personal).end("2");
  const status = (await Promise.all([second, third])).map(({ fields }) =>
    fields.get("cache-status"),
  );
  const alone = "Atoll; fwd=uri-miss; detail=no-store";
  assert.deepEqual(status, [alone, alone]);
});
