import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { systemClock } from "#clock.ts";
import { openLocalCa } from "#x509/local-ca.ts";
import { memoryCaStore } from "../support/ca-store.ts";
import { atoll, dataFolder, type FakeServer, fakeServer, refuse } from "./cli-fixture.ts";

const folders: string[] = [];
after(async () => {
  for (const folder of folders) await rm(folder, { recursive: true });
});
async function environment(runtime?: object): Promise<{ ATOLL_DATA_DIR: string }> {
  const dataDir = await dataFolder(runtime);
  folders.push(dataDir);
  return { ATOLL_DATA_DIR: dataDir };
}
const byName = (server: FakeServer): NodeJS.ProcessEnv => ({
  ATOLL_URL: server.url,
  ATOLL_TOKEN: "dop_v1_secret",
});

const ACCOUNT = { uuid: "u-1", email: "a@b.c", name: "A", created_at: "2026-11-22T00:00:00Z" };
const TOKEN = { id: "t-1", name: "ci", scopes: ["write"], created_at: "2026-11-22T00:00:00Z" };

describe("a command", () => {
  test("finds the running server and the operator's credential in the data folder", async () => {
    await using server = await fakeServer();
    server.answer("GET /atoll/v1/accounts", { accounts: [ACCOUNT], meta: { total: 1 } });
    const { code, stdout } = await atoll(await environment({ api: server.url }), "account", "list");
    assert.equal(code, 0);
    assert.equal(stdout, "UUID  EMAIL  NAME  CREATED\nu-1   a@b.c  A     2026-11-22T00:00:00Z");
    assert.equal(server.seen[0]?.headers.authorization, "Bearer operator-secret");
  });

  test("finds the server that ATOLL_URL names, with ATOLL_TOKEN", async () => {
    await using server = await fakeServer();
    server.answer("GET /atoll/v1/tokens", { tokens: [], meta: { total: 0 } });
    assert.equal((await atoll(byName(server), "token", "list")).code, 0);
    assert.equal(server.seen[0]?.headers.authorization, "Bearer dop_v1_secret");
  });

  test("never sends the operator's credential to a server that was only named", async () => {
    await using server = await fakeServer();
    const env = { ...(await environment()), ATOLL_URL: server.url };
    const { code, stderr } = await atoll(env, "token", "list");
    assert.equal(code, 1);
    assert.match(stderr, /ATOLL_TOKEN should be one of its tokens/);
    assert.equal(server.seen.length, 0);
  });

  test("trusts the local CA of the data folder", async () => {
    const env = await environment();
    const ca = await openLocalCa(join(env.ATOLL_DATA_DIR, "ca"), memoryCaStore(), systemClock);
    await using server = createServer(await ca.leafFor(["127.0.0.1"], "api"), (_, response) => {
      response.end(JSON.stringify({ tokens: [], meta: { total: 0 } }));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const named = { ATOLL_URL: url, ATOLL_TOKEN: "t" };
    assert.equal((await atoll({ ...env, ...named }, "token", "list")).code, 0);
    const stranger = await atoll({ ...(await environment()), ...named }, "token", "list");
    assert.equal(stranger.code, 1);
    assert.match(stranger.stderr, /certificate.*NODE_EXTRA_CA_CERTS/s);
  });

  const nowhere = [
    { when: "there is no data folder", runtime: undefined },
    { when: "the server that wrote runtime.json is dead", runtime: { pid: 2 ** 30 } },
    { when: "runtime.json is not one", runtime: { pid: "x" } },
  ];
  for (const { when, runtime } of nowhere) {
    test(`says in one line how to start a server when ${when}`, async () => {
      const env = runtime ? await environment(runtime) : { ATOLL_DATA_DIR: "/nonexistent" };
      const { code, stdout, stderr } = await atoll(env, "space", "list");
      assert.equal(code, 1);
      assert.equal(stdout, "");
      assert.match(stderr, /^atoll: No server runs on [^\n]*npm start[^\n]*$/);
    });
  }

  test("prints what the server says, with its request id, and exits 1", async () => {
    await using server = await fakeServer();
    server.answer("POST /atoll/v1/accounts", (_, response) =>
      refuse(response, 409, "conflict", "email: a@b.c already has an account"),
    );
    const refused = await atoll(byName(server), "account", "create", "a@b.c");
    assert.equal(refused.code, 1);
    assert.equal(refused.stderr, "atoll: email: a@b.c already has an account (request_id req-1)");
    const json = await atoll(byName(server), "account", "create", "a@b.c", "--output", "json");
    assert.deepEqual(JSON.parse(json.stderr), {
      id: "conflict",
      message: "email: a@b.c already has an account",
      request_id: "req-1",
    });
  });

  test("says that a server which is no Atoll is none", async () => {
    await using server = await fakeServer();
    server.answer("GET /atoll/v1/tokens", (_, response) => {
      response.writeHead(502).end("<html>Bad gateway");
    });
    const { code, stderr } = await atoll(byName(server), "token", "list");
    assert.equal(code, 1);
    assert.match(stderr, /The server answered 502, and no JSON/);
  });

  test("says that nobody listens", async () => {
    const server = await fakeServer();
    await server[Symbol.asyncDispose]();
    const { code, stderr } = await atoll(byName(server), "token", "list");
    assert.equal(code, 1);
    assert.match(stderr, /^atoll: Cannot talk to http:\/\/127\.0\.0\.1:\d+: .*ECONNREFUSED/);
  });

  test("reads every page of a list", async () => {
    await using server = await fakeServer();
    server.answer("GET /atoll/v1/tokens", ({ url }, response) => {
      const page = Number(url.searchParams.get("page"));
      const tokens = [{ ...TOKEN, id: `t-${page}` }];
      response.end(JSON.stringify({ tokens, meta: { total: 3 } }));
    });
    const { stdout } = await atoll(byName(server), "token", "list", "--output", "json");
    const { tokens } = JSON.parse(stdout) as { tokens: { id: string }[] };
    assert.deepEqual(
      tokens.map(({ id }) => id),
      ["t-1", "t-2", "t-3"],
    );
  });

  test("acts as the account that --account names, before or after the sub-command", async () => {
    await using server = await fakeServer();
    server.answer("GET /atoll/v1/tokens", { tokens: [], meta: { total: 0 } });
    await atoll(byName(server), "--account", "a@b.c", "token", "list");
    await atoll(byName(server), "token", "list", "--account", "a@b.c");
    for (const { headers } of server.seen) assert.equal(headers["x-atoll-account"], "a@b.c");
  });

  test("shows what a terminal would obey instead of sending it there", async () => {
    await using server = await fakeServer();
    const tokens = [{ ...TOKEN, name: "\u001b[2Jevil" }];
    server.answer("GET /atoll/v1/tokens", { tokens, meta: { total: 1 } });
    const { stdout } = await atoll(byName(server), "token", "list");
    assert.match(stdout, /\\u001b\[2Jevil/);
  });
});

describe("exit codes", () => {
  const cases = [
    { argv: ["--version"], code: 0 },
    { argv: ["--help"], code: 0 },
    { argv: ["space", "put", "--help"], code: 0 },
    { argv: ["help", "token"], code: 0 },
    { argv: [], code: 2 },
    { argv: ["space"], code: 2 },
    { argv: ["nope"], code: 2 },
    { argv: ["token", "list", "--output", "xml"], code: 2 },
    { argv: ["space", "create", "x"], code: 2 },
    { argv: ["space", "put", "x", "a", "b", "--key", "k"], code: 2 },
    { argv: ["space", "put", "x", "a", "--meta", "novalue"], code: 2 },
    { argv: ["token", "create", "x", "--expires-in", "soon"], code: 2 },
    { argv: ["space", "list"], code: 1 },
  ];
  for (const { argv, code } of cases) {
    test(`are ${code} for atoll ${argv.join(" ")}`, async () => {
      assert.equal((await atoll({ ATOLL_DATA_DIR: "/nonexistent" }, ...argv)).code, code);
    });
  }

  test("are documented in --help", async () => {
    assert.match((await atoll({}, "--help")).stdout, /Exit codes: 0 done; 1 .*; 2 /);
  });
});

describe("atoll token create", () => {
  test("prints the token's text alone on standard output", async () => {
    await using server = await fakeServer();
    server.answer("POST /atoll/v1/tokens", { token: TOKEN, secret: "dop_v1_new" });
    const options = ["--scopes", "cdn:read, cdn:update", "--expires-in", "12h"];
    const { stdout, stderr } = await atoll(byName(server), "token", "create", "ci", ...options);
    assert.equal(stdout, "dop_v1_new");
    assert.match(stderr, /t-1 +ci +write/);
    assert.deepEqual(server.seen[0]?.body, {
      name: "ci",
      scopes: ["cdn:read", "cdn:update"],
      expires_in_seconds: 43_200,
    });
  });
});

describe("atoll token revoke", () => {
  test("sends the id as one segment of the path", async () => {
    await using server = await fakeServer();
    server.answer("DELETE /atoll/v1/tokens/a%2Fb", (_, response) => {
      response.writeHead(204).end();
    });
    assert.equal((await atoll(byName(server), "token", "revoke", "a/b")).stdout, "revoked a/b");
  });
});

describe("atoll ca", () => {
  test("shows, names and explains the CA without a server", async () => {
    const env = await environment({ pid: 2 ** 30 });
    const directory = join(env.ATOLL_DATA_DIR, "ca");
    await openLocalCa(directory, memoryCaStore(), systemClock);
    const path = join(directory, "ca.pem");
    assert.equal((await atoll(env, "ca", "path")).stdout, path);
    assert.match((await atoll(env, "ca", "show")).stdout, /Atoll local CA [0-9a-f]{8}/);
    const trust = (await atoll(env, "ca", "trust")).stdout;
    for (const how of ["--cacert", "update-ca-certificates", "REQUESTS_CA_BUNDLE", "Firefox"]) {
      assert.ok(trust.includes(how), how);
    }
    assert.ok((await atoll(env, "ca", "trust", "--help")).stdout.includes(trust));
  });

  test("says that there is none yet", async () => {
    const { code, stderr } = await atoll({ ATOLL_DATA_DIR: "/nonexistent" }, "ca", "show");
    assert.equal(code, 1);
    assert.match(stderr, /the first start makes it/);
  });

  test("quotes a path with spaces for the shell", async () => {
    const env = { ATOLL_DATA_DIR: join((await environment()).ATOLL_DATA_DIR, "my data") };
    await mkdir(join(env.ATOLL_DATA_DIR), { recursive: true });
    await openLocalCa(join(env.ATOLL_DATA_DIR, "ca"), memoryCaStore(), systemClock);
    assert.match((await atoll(env, "ca", "trust")).stdout, /--cacert '\/.*\/my data\/ca\/ca\.pem'/);
  });
});

describe("upstream credentials", () => {
  const SPACE = {
    name: "s",
    region: "nyc3",
    origin: "o",
    created_at: "c",
    object_count: 0,
    size_bytes: 0,
  };
  const create = ["space", "create", "s", "--region", "nyc3"];
  const upstream = [...create, "--upstream", "https://{space}.example.net"];
  const aws = { AWS_ACCESS_KEY_ID: "id", AWS_SECRET_ACCESS_KEY: "from-env" };

  async function sent(env: NodeJS.ProcessEnv, ...argv: string[]): Promise<unknown> {
    await using server = await fakeServer();
    server.answer("POST /atoll/v1/spaces", { space: SPACE });
    const { code, stderr } = await atoll({ ...byName(server), ...env }, ...argv);
    assert.equal(code, 0, stderr);
    const body = server.seen[0]?.body as { credentials?: unknown } | undefined;
    return body?.credentials;
  }

  test("come from a file", async () => {
    const path = join((await environment()).ATOLL_DATA_DIR, "keys.json");
    const credentials = { access_key_id: "id", secret_access_key: "s", region: "us-east-1" };
    await writeFile(path, JSON.stringify(credentials));
    assert.deepEqual(await sent(aws, ...upstream, "--credentials-file", path), credentials);
  });

  test("come from the environment, unless the upstream is public", async () => {
    const fromEnv = { access_key_id: "id", secret_access_key: "from-env" };
    assert.deepEqual(await sent(aws, ...upstream), fromEnv);
    assert.equal(await sent(aws, ...upstream, "--no-credentials"), undefined);
    assert.equal(await sent(aws, ...create), undefined);
  });

  test("are never repeated when they are wrong", async () => {
    const path = join((await environment()).ATOLL_DATA_DIR, "keys.json");
    for (const text of ['{"access_key_id":"hunter2"}', '{"secret_access_key": hunter2']) {
      await writeFile(path, text);
      const refused = await atoll({}, ...upstream, "--credentials-file", path);
      assert.equal(refused.code, 1);
      assert.doesNotMatch(refused.stderr, /hunter2/);
    }
  });
});
