import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { atoll, type FakeServer, fakeServer, type Ran, refuse } from "./cli-fixture.ts";

const URL_ASKED = "http://site.nyc3.cdn.spaces.localhost:8081/a.css";
const decided = [
  { step: "endpoint", lines: ["e1", "TTL"] },
  { step: "lookup", lines: ["the cache is asked"] },
];
const hit = [{ step: "answer", lines: ["HIT"] }];
const miss = [{ step: "answer", lines: ["MISS", "\u001b[2J"] }];
const EXPLANATION = { decided, workers: [{ slots: [0, 1], found: hit }], missing: 0 };

/** A server with an API, or the metrics' port of an edge alone. */
async function explaining(explanation: object = EXPLANATION): Promise<FakeServer> {
  const server = await fakeServer();
  server.answer("POST /v2/cdn/explain", { explanation });
  server.answer("GET /explain", { explanation });
  return server;
}

function run(server: FakeServer, ...argv: string[]): Promise<Ran> {
  const env = { ATOLL_URL: server.url, ATOLL_TOKEN: "t" };
  return atoll(env, "edge", "explain", ...argv);
}

function portOf({ url }: FakeServer): string {
  return new URL(url).port;
}

describe("atoll edge explain", () => {
  test("says each step in words, its name before its first line", async () => {
    await using server = await explaining();
    const { code, stdout } = await run(server, URL_ASKED);
    assert.equal(code, 0);
    assert.deepEqual(stdout.split("\n"), [
      "endpoint  e1",
      "          TTL",
      "lookup    the cache is asked",
      "answer    HIT",
    ]);
  });

  test("says which workers would do what, where they would not do the same", async () => {
    const workers = [
      { slots: [0, 2], found: hit },
      { slots: [1], found: miss },
    ];
    await using server = await explaining({ decided, workers, missing: 1 });
    const { stdout } = await run(server, URL_ASKED);
    assert.deepEqual(stdout.split("\n").slice(3), [
      "workers 0, 2:",
      "answer    HIT",
      "worker 1:",
      "answer    MISS",
      "          \\u001b[2J",
      "1 of the workers did not answer in time",
    ]);
  });

  test("gives the same as JSON", async () => {
    await using server = await explaining();
    const { stdout } = await run(server, URL_ASKED, "--output", "json");
    assert.deepEqual(JSON.parse(stdout), { explanation: EXPLANATION });
  });

  const options = [
    "--method",
    "HEAD",
    "--header",
    "Accept-Encoding: br",
    "--header",
    "A:1",
    "--header",
    "a: 2",
  ];

  test("asks the server of the platform", async () => {
    await using server = await explaining();
    await run(server, URL_ASKED, ...options);
    const { method, url, body, headers } = server.seen[0] ?? assert.fail();
    assert.deepEqual(
      [method, url.pathname, headers.authorization],
      ["POST", "/v2/cdn/explain", "Bearer t"],
    );
    assert.deepEqual(body, {
      url: URL_ASKED,
      method: "HEAD",
      headers: { "accept-encoding": "br", a: "1, 2" },
    });
  });

  test("asks an edge alone by its metrics' port, and sends it no token", async () => {
    await using server = await explaining();
    const { code } = await run(server, URL_ASKED, ...options, "--metrics-port", portOf(server));
    assert.equal(code, 0);
    const { url, headers } = server.seen[0] ?? assert.fail();
    assert.equal(headers.authorization, undefined);
    assert.deepEqual(
      [...url.searchParams],
      [
        ["url", URL_ASKED],
        ["method", "HEAD"],
        ["header", "accept-encoding: br"],
        ["header", "a: 1, 2"],
      ],
    );
  });

  test("says what either says that refuses", async () => {
    await using server = await explaining();
    const message = "No CDN endpoint of this account answers on that host.";
    server.answer("POST /v2/cdn/explain", (_, response) =>
      refuse(response, 404, "not_found", message),
    );
    const platform = await run(server, URL_ASKED);
    assert.deepEqual([platform.code, platform.stderr], [1, `atoll: ${message} (request_id req-1)`]);
    server.answer("GET /explain", (_, response) => refuse(response, 422, "x", "url: expected"));
    const alone = await run(server, "ftp://a", "--metrics-port", portOf(server));
    assert.equal(alone.code, 1);
    assert.match(alone.stderr, /^atoll: url: expected/);
  });

  test("says where it found nobody", async () => {
    const gone = await explaining();
    const port = portOf(gone);
    await gone[Symbol.asyncDispose]();
    const { code, stderr } = await run(gone, URL_ASKED, "--metrics-port", port);
    assert.equal(code, 1);
    assert.match(
      stderr,
      new RegExp(`^atoll: Cannot talk to http://127\\.0\\.0\\.1:${port}: ECONNREFUSED\\.`),
    );
  });

  for (const argv of [[], [URL_ASKED, "--header", "none"], [URL_ASKED, "--metrics-port", "x"]]) {
    test(`is not understood as: edge explain ${argv.join(" ")}`, async () => {
      await using server = await explaining();
      assert.equal((await run(server, ...argv)).code, 2);
      assert.equal(server.seen.length, 0);
    });
  }
});
