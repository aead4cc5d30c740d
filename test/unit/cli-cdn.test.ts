import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { atoll, type FakeServer, fakeServer, type Ran, refuse } from "./cli-fixture.ts";

const root = await mkdtemp(join(tmpdir(), "atoll-cdn-"));
after(() => rm(root, { recursive: true }));

function run(server: FakeServer, ...argv: string[]): Promise<Ran> {
  return atoll({ ATOLL_URL: server.url, ATOLL_TOKEN: "t" }, ...argv);
}

async function file(name: string, text: string): Promise<string> {
  const path = join(await mkdtemp(join(root, "x-")), name);
  await writeFile(path, text);
  return path;
}

const ID = "19f06b6a-3ace-4315-b086-499a0e521b76";
const PATH = `/v2/cdn/endpoints/${ID}`;
const HOST = "site.nyc3.cdn.spaces.localhost";
const ENDPOINT = { id: ID, origin: "site.nyc3.spaces.localhost", endpoint: HOST };
const SETTINGS = {
  https_redirect: true,
  hsts: { max_age: 60, include_subdomains: true, preload: false },
  error_page: "404.html",
  compression: false,
  query: { mode: "only", names: ["w", "h"] },
  signed_urls: { enabled: true, secrets: 2 },
};

/** A server with one endpoint, whose purges and changes succeed. */
async function cdnServer(): Promise<FakeServer> {
  const server = await fakeServer();
  const endpoint = { ...ENDPOINT, custom_domain: "static.example.com" };
  server.answer("GET /v2/cdn/endpoints", { endpoints: [endpoint], meta: { total: 1 } });
  server.answer(`GET ${PATH}`, { endpoint });
  server.answer(`GET ${PATH}/settings`, { settings: SETTINGS });
  server.answer(`PATCH ${PATH}/settings`, { settings: SETTINGS });
  server.answer(`DELETE ${PATH}/cache`, (_, response) => {
    response.writeHead(204).end();
  });
  return server;
}

describe("an endpoint", () => {
  for (const name of [ID, HOST, "SITE.nyc3.spaces.localhost", "static.example.com", "site"]) {
    test(`may be called ${name}`, async () => {
      await using server = await cdnServer();
      const { code, stdout } = await run(server, "cdn", "purge", name, "*");
      assert.equal(code, 0);
      assert.equal(stdout, `purged from ${HOST}`);
    });
  }

  test("that is not there is said to be missing, and one of several is asked for", async () => {
    await using server = await cdnServer();
    const missing = await run(server, "cdn", "settings", "nope");
    assert.equal(missing.code, 1);
    assert.match(missing.stderr, /no CDN endpoint nope/);
    const other = { ...ENDPOINT, id: "other", endpoint: "site.ams3.cdn.spaces.localhost" };
    const endpoints = [ENDPOINT, other];
    server.answer("GET /v2/cdn/endpoints", { endpoints, meta: { total: 2 } });
    const several = await run(server, "cdn", "settings", "site");
    assert.equal(several.code, 2);
    assert.match(several.stderr, /site may be site\.ams3.*, site\.nyc3.*: say which by its host/);
  });
});

describe("atoll cdn settings", () => {
  test("shows what is settled, and as JSON as the API has it", async () => {
    await using server = await cdnServer();
    const { stdout } = await run(server, "cdn", "settings", ID);
    assert.equal(
      stdout,
      [
        "SETTING         VALUE",
        "https_redirect  on",
        "hsts            max_age=60 include_subdomains",
        "error_page      404.html",
        "compression     off",
        "query           only:w,h",
        "signed_urls     on, 2 secrets",
      ].join("\n"),
    );
    const json = await run(server, "cdn", "settings", ID, "--output", "json");
    assert.deepEqual(JSON.parse(json.stdout), { settings: SETTINGS });
  });

  async function sent(...options: string[]): Promise<unknown> {
    await using server = await cdnServer();
    const { code, stderr } = await run(server, "cdn", "settings", ID, ...options);
    assert.equal(code, 0, stderr);
    return server.seen.find(({ method }) => method === "PATCH")?.body;
  }

  const changes = [
    { set: ["https_redirect=on"], body: { https_redirect: true } },
    { set: ["compression=false"], body: { compression: false } },
    { set: ["error_page=errors/a=b.html"], body: { error_page: "errors/a=b.html" } },
    { set: ["error_page="], body: { error_page: null } },
    { set: ["hsts=off"], body: { hsts: null } },
    {
      set: ["hsts.max_age=31536000", "hsts.preload=on", "compression=on"],
      body: { hsts: { max_age: 31_536_000, preload: true }, compression: true },
    },
    { set: ["hsts=off", "hsts.max_age=1"], body: { hsts: { max_age: 1 } } },
    { set: ["query=none"], body: { query: { mode: "none", names: [] } } },
    { set: ["query=only:w,h"], body: { query: { mode: "only", names: ["w", "h"] } } },
    { set: ["signed_urls=off"], body: { signed_urls: { enabled: false } } },
  ];
  for (const { set, body } of changes) {
    test(`changes ${set.join(" and ")}`, async () => {
      assert.deepEqual(await sent(...set.flatMap((one) => ["--set", one])), body);
    });
  }

  test("takes secrets from a file, a line each", async () => {
    const path = await file("secrets", "0123456789abcdef\r\nfedcba9876543210\n\n");
    const secrets = ["0123456789abcdef", "fedcba9876543210"];
    const enabled = await sent("--set", "signed_urls=on", "--secrets-file", path);
    assert.deepEqual(enabled, { signed_urls: { enabled: true, secrets } });
    assert.deepEqual(await sent("--secrets-file", path), { signed_urls: { secrets } });
  });

  for (const set of [
    "compression",
    "compress=on",
    "compression=yes",
    "hsts=on",
    "hsts.max_age=1d",
    "query=some",
    "query=only:",
    "toString=on",
  ]) {
    test(`does not understand ${set}, and sends nothing`, async () => {
      await using server = await cdnServer();
      const { code } = await run(server, "cdn", "settings", ID, "--set", set);
      assert.equal(code, 2);
      assert.equal(server.seen.length, 0);
    });
  }

  test("says what the server says", async () => {
    await using server = await cdnServer();
    server.answer(`PATCH ${PATH}/settings`, (_, response) =>
      refuse(response, 422, "unprocessable_entity", "hsts.max_age: expected a number of seconds"),
    );
    const { code, stderr } = await run(server, "cdn", "settings", ID, "--set", "hsts.preload=on");
    assert.equal(code, 1);
    assert.match(stderr, /hsts\.max_age: expected a number of seconds \(request_id req-1\)/);
  });
});

describe("atoll cdn purge", () => {
  test("sends its patterns as they are", async () => {
    await using server = await cdnServer();
    await run(server, "cdn", "purge", ID, "css/*", "/a b.png", "tag:news");
    assert.deepEqual(server.seen.at(-1)?.body, { files: ["css/*", "/a b.png", "tag:news"] });
  });

  test("makes stale with --soft", async () => {
    await using server = await cdnServer();
    const { stdout } = await run(server, "cdn", "purge", ID, "*", "--soft");
    assert.deepEqual(server.seen.at(-1)?.body, { files: ["*"], soft: true });
    assert.equal(stdout, `made stale at ${HOST}`);
  });

  test("with --dry-run lists what is stored, with sizes, and purges nothing", async () => {
    await using server = await cdnServer();
    const matches = [
      { path: "/a.css", bytes: 10, tier: "memory" },
      { path: "/\u001b[2J", bytes: 5_000, tier: "disk", stored_bytes: 2_000 },
    ];
    const reply = { matches, total: 2, truncated: false };
    server.answer(`POST ${PATH}/cache/preview`, reply);
    const { stdout } = await run(server, "cdn", "purge", ID, "*", "--dry-run");
    assert.deepEqual(stdout.split("\n"), [
      "PATH        BYTES  TIER",
      "/a.css      10     memory",
      "/\\u001b[2J  5000   disk, 2000 of them",
      "2 match: 5010 bytes",
    ]);
    assert.deepEqual(server.seen.at(-1)?.body, { files: ["*"] });
    assert(server.seen.every(({ method }) => method !== "DELETE"));
    server.answer(`POST ${PATH}/cache/preview`, { ...reply, total: 9, truncated: true });
    const more = await run(server, "cdn", "purge", ID, "*", "--dry-run");
    assert.match(more.stdout, /at least 9 match, not all are shown/);
    const json = await run(server, "cdn", "purge", ID, "*", "--dry-run", "--output", "json");
    assert.deepEqual(JSON.parse(json.stdout), { matches, total: 9, truncated: true });
  });

  test("is not understood without a pattern, or with --soft and --dry-run", async () => {
    await using server = await cdnServer();
    assert.equal((await run(server, "cdn", "purge", ID)).code, 2);
    assert.equal((await run(server, "cdn", "purge", ID, "*", "--soft", "--dry-run")).code, 2);
    assert.equal(server.seen.length, 0);
  });
});

describe("atoll space cors", () => {
  const RULES = {
    CORSRules: [
      { AllowedOrigins: ["*"], AllowedMethods: ["GET", "HEAD"], MaxAgeSeconds: 60 },
      { AllowedOrigins: ["https://a.example"], AllowedMethods: ["PUT"], AllowedHeaders: ["*"] },
    ],
  };
  const CORS = "/atoll/v1/spaces/nyc3/site/cors";

  async function corsServer(): Promise<FakeServer> {
    const server = await fakeServer();
    const space = { name: "site", region: "nyc3", origin: "o", created_at: "c" };
    const spaces = [{ ...space, object_count: 0, size_bytes: 0 }];
    server.answer("GET /atoll/v1/spaces", { spaces, meta: { total: 1 } });
    server.answer(`GET ${CORS}`, RULES);
    server.answer(`PUT ${CORS}`, RULES);
    server.answer(`DELETE ${CORS}`, (_, response) => {
      response.writeHead(204).end();
    });
    return server;
  }

  test("shows the rules, or that there are none", async () => {
    await using server = await corsServer();
    assert.deepEqual((await run(server, "space", "cors", "site")).stdout.split("\n"), [
      "ORIGINS            METHODS   HEADERS  EXPOSED  MAX AGE",
      "*                  GET,HEAD                    60",
      "https://a.example  PUT       *",
    ]);
    const json = await run(server, "space", "cors", "site", "--output", "json");
    assert.deepEqual(JSON.parse(json.stdout), RULES);
    server.answer(`GET ${CORS}`, { CORSRules: [] });
    assert.equal((await run(server, "space", "cors", "site")).stdout, "site has no CORS rules");
  });

  test("replaces them by those of a file", async () => {
    await using server = await corsServer();
    const path = await file("rules.json", JSON.stringify(RULES));
    const { code } = await run(server, "space", "cors", "site", "--file", path, "--region", "nyc3");
    assert.equal(code, 0);
    const { method, body } = server.seen.at(-1) ?? {};
    assert.deepEqual({ method, body }, { method: "PUT", body: RULES });
  });

  test("removes them", async () => {
    await using server = await corsServer();
    const { stdout } = await run(server, "space", "cors", "site", "--delete");
    assert.equal(stdout, "site has no CORS rules any more");
    assert.equal(server.seen.at(-1)?.method, "DELETE");
  });

  test("sends nothing of a file that it cannot use", async () => {
    await using server = await corsServer();
    const texts = [
      { text: "[", says: /is not JSON/ },
      { text: "3", says: /is not a JSON object/ },
      { text: " ".repeat(262_145), says: /is larger than the 262144 bytes/ },
    ];
    for (const { text, says } of texts) {
      const path = await file("rules.json", text);
      const { code, stderr } = await run(server, "space", "cors", "site", "--file", path);
      assert.equal(code, 1);
      assert.match(stderr, says);
    }
    const missing = await run(server, "space", "cors", "site", "--file", join(root, "missing"));
    assert.match(missing.stderr, /ENOENT/);
    const both = ["--file", join(root, "missing"), "--delete"];
    assert.equal((await run(server, "space", "cors", "site", ...both)).code, 2);
    assert.equal(server.seen.length, 0);
  });
});
