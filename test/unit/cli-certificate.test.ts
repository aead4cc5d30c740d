import assert from "node:assert/strict";
import { mkdtempDisposableSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { atoll, type FakeServer, fakeServer, NOW, type Ran } from "./cli-fixture.ts";

const DAY_MS = 86_400_000;
const ID = "892071a0-bb95-49bc-8021-3afd67a210bf";
const LIST = "/v2/certificates";

const VERIFIED = {
  id: ID,
  name: "web",
  not_after: new Date(NOW + 30.5 * DAY_MS).toISOString(),
  sha1_fingerprint: "ab".repeat(20),
  created_at: "2026-11-01T00:00:00Z",
  dns_names: ["www.example.com", "*.example.com"],
  state: "verified",
  type: "lets_encrypt",
};
const PENDING = {
  id: "other",
  name: "shop",
  created_at: "2026-11-21T00:00:00Z",
  dns_names: ["shop.example.com"],
  state: "pending",
  type: "lets_encrypt",
};
const STORY = {
  events: [
    { kind: "created", message: "for shop.example.com", created_at: "2026-11-21T00:00:00Z" },
    { kind: "failed", message: "NXDOMAIN", created_at: "2026-11-21T00:00:05Z" },
  ],
  failures: 1,
  next_attempt_at: "2026-11-21T00:01:05Z",
};

function run(server: FakeServer, ...argv: string[]): Promise<Ran> {
  return atoll({ ATOLL_URL: server.url, ATOLL_TOKEN: "t" }, "certificate", ...argv);
}

async function certificateServer(): Promise<FakeServer> {
  const server = await fakeServer();
  server.answer(`GET ${LIST}`, { certificates: [VERIFIED, PENDING], meta: { total: 2 } });
  server.answer(`GET ${LIST}/other/events`, STORY);
  server.answer(`POST ${LIST}`, { certificate: PENDING });
  server.answer(`POST ${LIST}/other/retry`, { certificate: PENDING });
  server.answer(`DELETE ${LIST}/${ID}`, (_, response) => {
    response.writeHead(204).end();
  });
  return server;
}

describe("atoll certificate", () => {
  test("lists them with the days that they have left, those of endpoints too", async () => {
    await using server = await certificateServer();
    const { code, stdout } = await run(server, "list");
    assert.equal(code, 0);
    assert.match(stdout, /^ID +NAME +STATE +TYPE +DAYS LEFT +DNS NAMES$/m);
    assert.match(stdout, /web +verified +lets_encrypt +30 +www\.example\.com,\*\.example\.com$/m);
    assert.equal(server.seen[0]?.url.searchParams.get("automatic"), "true");
  });

  test("shows the story of one: what was tried, the CA's words, the next try", async () => {
    await using server = await certificateServer();
    const { code, stdout } = await run(server, "show", "shop");
    assert.equal(code, 0);
    for (const line of [
      /^ends +not issued yet$/m,
      /^failures +1 in a row$/m,
      /^next try +2026-11-21T00:01:05Z$/m,
      /^2026-11-21T00:00:05Z +failed +NXDOMAIN$/m,
    ]) {
      assert.match(stdout, line);
    }
  });

  test("has those of the platform's own names for the operator", async () => {
    await using server = await fakeServer();
    const own = { ...PENDING, name: "api.example.net", dns_names: ["api.example.net"] };
    const path = "/atoll/v1/certificates";
    server.answer(`GET ${path}`, { certificates: [own], meta: { total: 1 } });
    server.answer(`GET ${path}/other/events`, STORY);
    server.answer(`POST ${path}/other/retry`, { certificate: own });
    assert.match(
      (await run(server, "list", "--platform")).stdout,
      /^other +api\.example\.net +pend/m,
    );
    const { stdout } = await run(server, "show", "--platform", "api.example.net");
    assert.match(stdout, /^2026-11-21T00:00:05Z +failed +NXDOMAIN$/m);
    assert.equal((await run(server, "retry", "--platform", "api.example.net")).code, 0);
  });

  test("says which one it does not find", async () => {
    await using server = await certificateServer();
    const { code, stderr } = await run(server, "show", "nope");
    assert.equal(code, 1);
    assert.match(stderr, /There is no certificate nope: expected its id or name/);
  });

  test("has one obtained for names", async () => {
    await using server = await certificateServer();
    const names = ["www.example.com", "*.example.com"];
    assert.equal((await run(server, "create", "web", "--dns-name", ...names)).code, 0);
    const body = { name: "web", type: "lets_encrypt", dns_names: names };
    assert.deepEqual(server.seen[0]?.body, body);
  });

  test("uploads one from its files", async () => {
    await using server = await certificateServer();
    using folder = mkdtempDisposableSync(join(tmpdir(), "atoll-cli-"));
    const file = (name: string): string => {
      writeFileSync(join(folder.path, name), `text of ${name}`);
      return join(folder.path, name);
    };
    const files = ["--key", file("key"), "--cert", file("cert"), "--chain", file("chain")];
    assert.equal((await run(server, "create", "web", ...files)).code, 0);
    assert.deepEqual(server.seen[0]?.body, {
      name: "web",
      type: "custom",
      private_key: "text of key",
      leaf_certificate: "text of cert",
      certificate_chain: "text of chain",
    });
  });

  test("takes names or files, and not some of both", async () => {
    await using server = await certificateServer();
    for (const options of [[], ["--key", "k"], ["--dns-name", "a.example", "--key", "k"]]) {
      const { code, stderr } = await run(server, "create", "web", ...options);
      assert.equal(code, 2);
      assert.match(stderr, /Expected --dns-name, or --key and --cert/);
    }
    assert.equal(server.seen.length, 0);
  });

  test("deletes, and tries again, by name or id", async () => {
    await using server = await certificateServer();
    assert.equal((await run(server, "delete", ID)).stdout, "deleted web");
    assert.match((await run(server, "retry", "shop")).stdout, /shop +pending/);
  });
});
