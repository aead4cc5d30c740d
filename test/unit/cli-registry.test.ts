import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { atoll, type FakeServer, fakeServer, type Ran, refuse } from "./cli-fixture.ts";

function run(server: FakeServer, ...argv: string[]): Promise<Ran> {
  return atoll({ ATOLL_URL: server.url, ATOLL_TOKEN: "t" }, "registry", ...argv);
}

const PATH = "/v2/registries";
const REGISTRY = {
  name: "images",
  region: "nyc3",
  created_at: "2026-11-22T00:00:00Z",
  storage_usage_bytes: 42,
};
const UUID = "eff0feee-49c7-4e8f-ba5c-a320c109c8a8";

function collection(status: string): object {
  return { uuid: UUID, status, type: "", blobs_deleted: 2, freed_bytes: 7 };
}

function lastBody(server: FakeServer): unknown {
  return server.seen.at(-1)?.body;
}

describe("atoll registry", () => {
  test("create says what is given, and shows what was made", async () => {
    await using server = await fakeServer();
    server.answer(`POST ${PATH}`, { registry: REGISTRY });
    const { code, stdout } = await run(server, "create", "images", "--tier", "basic");
    assert.equal(code, 0);
    assert.deepEqual(lastBody(server), { name: "images", subscription_tier_slug: "basic" });
    assert.match(stdout, /^images +nyc3 +42 +2026-11-22T00:00:00Z$/m);
    await run(server, "create", "images", "--region", "fra1");
    assert.deepEqual(lastBody(server), { name: "images", region: "fra1" });
  });

  test("list and show print tables, and JSON when asked to", async () => {
    await using server = await fakeServer();
    server.answer(`GET ${PATH}`, { registries: [REGISTRY] });
    assert.match((await run(server, "list")).stdout, /^NAME +REGION +BYTES +CREATED\nimages /);
    server.answer(`GET ${PATH}/images`, { registry: REGISTRY });
    server.answer(`GET ${PATH}/images/repositoriesV2`, {
      repositories: [{ name: "team/app", tag_count: 3, manifest_count: 5 }],
      meta: { total: 1 },
    });
    assert.match((await run(server, "show", "images")).stdout, /^team\/app +3 +5$/m);
    const { stdout } = await run(server, "show", "images", "--output", "json");
    const shown = JSON.parse(stdout) as { repositories: readonly object[] };
    assert.equal(shown.repositories.length, 1);
  });

  test("delete escapes the name, and hands on why it cannot", async () => {
    await using server = await fakeServer();
    server.answer(`DELETE ${PATH}/a%2Fb`, (_, response) =>
      refuse(response, 404, "not_found", "registry does not exist"),
    );
    const { code, stderr } = await run(server, "delete", "a/b");
    assert.equal(code, 1);
    assert.match(stderr, /registry does not exist/);
  });
});

describe("atoll registry gc", () => {
  test("starts a collection of both kinds, and waits for its end", async () => {
    await using server = await fakeServer();
    const at = `${PATH}/images/garbage-collection`;
    server.answer(`POST ${at}`, { garbage_collection: collection("requested") });
    const statuses = ["scanning manifests", "succeeded"];
    server.answer(`GET ${at}s`, (_, response) => {
      const other = { ...collection("failed"), uuid: "another" };
      const now = collection(statuses.shift() ?? "");
      response.end(JSON.stringify({ garbage_collections: [other, now] }));
    });
    const { code, stdout } = await run(server, "gc", "images");
    assert.deepEqual([code, stdout], [0, "succeeded: 2 blobs deleted, 7 bytes freed"]);
    assert.deepEqual(server.seen[0]?.body, { type: "untagged manifests and unreferenced blobs" });
  });

  test("returns at once when told to, and knows its types", async () => {
    await using server = await fakeServer();
    const at = `${PATH}/images/garbage-collection`;
    server.answer(`POST ${at}`, { garbage_collection: collection("requested") });
    const { stdout } = await run(server, "gc", "images", "--type", "blobs", "--no-wait");
    assert.match(stdout, /^requested/);
    assert.deepEqual(lastBody(server), { type: "unreferenced blobs only" });
    assert.equal((await run(server, "gc", "images", "--type", "all")).code, 2);
  });

  test("ends with 1 when the collection failed", async () => {
    await using server = await fakeServer();
    const at = `${PATH}/images/garbage-collection`;
    server.answer(`POST ${at}`, { garbage_collection: collection("requested") });
    server.answer(`GET ${at}s`, { garbage_collections: [collection("failed")] });
    assert.equal((await run(server, "gc", "images")).code, 1);
  });
});

describe("atoll registry retention", () => {
  const at = `${PATH}/images`;
  const tag = { repository: "app", tag: "v1", updated_at: "2026-11-22T00:00:00Z" };

  async function retentionServer(): Promise<FakeServer> {
    const server = await fakeServer();
    server.answer(`POST ${at}/retention/preview`, { tags: [tag], total: 2, truncated: true });
    server.answer(`POST ${at}/retention`, { deleted: 2 });
    server.answer(`PATCH ${at}/settings`, { settings: { retention: [] } });
    return server;
  }

  test("lists what would be deleted, and deletes nothing", async () => {
    await using server = await retentionServer();
    const { code, stdout } = await run(server, "retention", "images");
    assert.equal(code, 0);
    assert.match(stdout, /^app +v1 +2026/m);
    assert.match(stdout, /2 tags would be deleted, not all are shown$/);
    assert.deepEqual(
      server.seen.map(({ method, body }) => [method, body]),
      [["POST", {}]],
    );
  });

  test("tries a rule, and saves it only when told to", async () => {
    await using server = await retentionServer();
    const options = ["--keep-last", "5", "--tags", "build-*", "--repositories", "team/*"];
    const rule = { keep_last: 5, tags: ["build-*"], repositories: ["team/*"] };
    await run(server, "retention", "images", ...options);
    assert.deepEqual(lastBody(server), { retention: [rule] });
    await run(server, "retention", "images", "--keep-days", "30", "--save", "--apply");
    const sent = server.seen.slice(1).map(({ method, url }) => `${method} ${url.pathname}`);
    assert.deepEqual(sent, [`PATCH ${at}/settings`, `POST ${at}/retention`]);
    assert.deepEqual(server.seen[1]?.body, { retention: [{ keep_days: 30 }] });
    await run(server, "retention", "images", "--off");
    assert.deepEqual(server.seen.at(-2)?.body, { retention: null });
  });

  test("takes no options that contradict each other", async () => {
    await using server = await retentionServer();
    for (const options of [
      ["--tags", "v*"],
      ["--save"],
      ["--off", "--keep-last", "1"],
      ["--apply", "--keep-last", "1"],
      ["--keep-last", "some"],
    ]) {
      assert.equal(
        (await run(server, "retention", "images", ...options)).code,
        2,
        options.join(" "),
      );
    }
    assert.deepEqual(server.seen, []);
  });
});
