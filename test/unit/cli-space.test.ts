import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { decideUpload } from "#cli/space-sync.ts";
import { atoll, type FakeServer, fakeServer, fakeSpaces, type Ran, refuse } from "./cli-fixture.ts";

const root = await mkdtemp(join(tmpdir(), "atoll-space-"));
after(() => rm(root, { recursive: true }));

function run(server: FakeServer, ...argv: string[]): Promise<Ran> {
  return atoll({ ATOLL_URL: server.url, ATOLL_TOKEN: "t" }, "space", ...argv);
}

async function file(name: string, text: string): Promise<string> {
  const path = join(await mkdtemp(join(root, "x-")), name);
  await writeFile(path, text);
  return path;
}

/** A folder of three files, one of them deeper. */
async function site(): Promise<string> {
  const directory = await mkdtemp(join(root, "site-"));
  await mkdir(join(directory, "img"));
  await writeFile(join(directory, "index.html"), "<p>hello");
  await writeFile(join(directory, "empty.txt"), "");
  await writeFile(join(directory, "img/a b?.png"), "png");
  return directory;
}

const puts = (server: FakeServer): number =>
  server.seen.filter(({ method }) => method === "PUT").length;

describe("atoll space put", () => {
  test("stores files under their base names, with the types that their names say", async () => {
    await using server = await fakeServer();
    const objects = fakeSpaces(server);
    const { code } = await run(
      server,
      "put",
      "site",
      await file("a.css", "x"),
      await file("b", "y"),
    );
    assert.equal(code, 0);
    assert.deepEqual([...objects.keys()], ["a.css", "b"]);
    const types = server.seen
      .filter(({ method }) => method === "PUT")
      .map(({ headers }) => [headers["content-type"], headers["content-length"]]);
    assert.deepEqual(types, [
      ["text/css", "1"],
      ["application/octet-stream", "1"],
    ]);
  });

  test("sends the key, the headers and the metadata that it is given", async () => {
    await using server = await fakeServer();
    const objects = fakeSpaces(server);
    const options = ["--key", "a/b c.json", "--cache-control", "max-age=60", "--region", "nyc3"];
    const meta = ["--meta", "Author=me", "--meta", "n=1=2", "--content-type", "text/x"];
    const { code } = await run(server, "put", "site", await file("f", "1"), ...options, ...meta);
    assert.equal(code, 0);
    assert.deepEqual([...objects.keys()], ["a/b c.json"]);
    const { headers } = server.seen[0] ?? {};
    assert.equal(headers?.["cache-control"], "max-age=60");
    assert.equal(headers?.["content-type"], "text/x");
    assert.equal(headers?.["x-amz-meta-author"], "me");
    assert.equal(headers?.["x-amz-meta-n"], "1=2");
  });

  test("stores an empty file and one of several megabytes alike", async () => {
    await using server = await fakeServer();
    const objects = fakeSpaces(server);
    const large = await file("large", "x".repeat(5_000_000));
    assert.equal((await run(server, "put", "site", await file("empty", ""), large)).code, 0);
    assert.equal(objects.get("empty")?.byteLength, 0);
    assert.equal(objects.get("large")?.byteLength, 5_000_000);
  });

  test("goes on after a file that it cannot store, and exits 1", async () => {
    await using server = await fakeServer();
    const objects = fakeSpaces(server);
    const missing = join(root, "missing");
    const { code, stderr } = await run(server, "put", "site", missing, root, await file("c", "z"));
    assert.equal(code, 1);
    assert.deepEqual([...objects.keys()], ["c"]);
    assert.match(
      stderr,
      /missing: Cannot read it: ENOENT.*\n.*is a folder.*\natoll: 2 of 3 failed/,
    );
  });

  test("says that there is no such Space, or that there are several", async () => {
    await using server = await fakeServer();
    const twice = { name: "twice", origin: "o", created_at: "c", object_count: 0, size_bytes: 0 };
    const spaces = [
      { ...twice, region: "nyc3" },
      { ...twice, region: "ams3" },
    ];
    server.answer("GET /atoll/v1/spaces", { spaces, meta: { total: 2 } });
    const none = await run(server, "put", "nope", await file("a", "x"));
    assert.match(none.stderr, /no Space nope\. Make it: atoll space create nope --region/);
    const several = await run(server, "ls", "twice");
    assert.equal(several.code, 2);
    assert.match(several.stderr, /twice is in ams3, nyc3: say which by --region/);
  });
});

describe("atoll space ls", () => {
  test("lists every page, and what begins with the prefix", async () => {
    await using server = await fakeServer();
    const objects = fakeSpaces(server);
    for (const key of ["a", "b/1", "b/2", "b/3", "c"]) objects.set(key, new Uint8Array(7));
    const all = await run(server, "ls", "site");
    assert.equal(all.stdout.split("\n").length, 5);
    assert.match(all.stdout, /2026-11-22T00:00:00Z {13}7 {2}a\n/);
    const some = await run(server, "ls", "site", "b/", "--output", "json");
    const listed = JSON.parse(some.stdout) as { objects: { key: string }[] };
    assert.deepEqual(
      listed.objects.map(({ key }) => key),
      ["b/1", "b/2", "b/3"],
    );
  });
});

describe("atoll space rm", () => {
  test("removes what is there, tells of what is not, and exits 1 then", async () => {
    await using server = await fakeServer();
    const objects = fakeSpaces(server);
    objects.set("a", new Uint8Array(1));
    const { code, stdout, stderr } = await run(server, "rm", "site", "nope", "a");
    assert.equal(code, 1);
    assert.equal(stdout, "deleted a");
    assert.match(stderr, /nope: No such object\. \(request_id req-1\)/);
    assert.equal(objects.size, 0);
  });
});

describe("atoll space sync", () => {
  test("uploads a folder once, and then only what has changed", async () => {
    await using server = await fakeServer();
    const objects = fakeSpaces(server);
    const directory = await site();
    assert.equal((await run(server, "sync", "site", directory)).code, 0);
    assert.deepEqual([...objects.keys()].toSorted(), ["empty.txt", "img/a b?.png", "index.html"]);
    assert.equal(puts(server), 3);
    const again = await run(server, "sync", "site", directory);
    assert.equal(again.stdout, "0 uploaded, 0 deleted, 3 unchanged");
    // As long as before: only the digest tells.
    await writeFile(join(directory, "index.html"), "<p>HELLO");
    const third = await run(server, "sync", "site", directory);
    assert.match(third.stdout, /^uploaded index\.html\n1 uploaded, 0 deleted, 2 unchanged$/);
  });

  test("keeps to its prefix, and deletes there only what the folder does not have", async () => {
    await using server = await fakeServer();
    const objects = fakeSpaces(server);
    for (const key of ["v2/old", "v2x", "other"]) objects.set(key, new Uint8Array(1));
    const directory = await site();
    const { stdout } = await run(server, "sync", "site", directory, "--prefix", "v2", "--delete");
    assert.match(stdout, /deleted v2\/old\n3 uploaded, 1 deleted, 0 unchanged$/);
    assert.ok(objects.has("v2x") && objects.has("other") && objects.has("v2/index.html"));
  });

  test("deletes nothing after an upload has failed", async () => {
    await using server = await fakeServer();
    const objects = fakeSpaces(server);
    objects.set("old", new Uint8Array(1));
    server.answer("PUT /atoll/v1/spaces/nyc3/site/object", (_, response) =>
      refuse(response, 422, "unprocessable_entity", "key: too odd"),
    );
    const { code, stderr } = await run(server, "sync", "site", await site(), "--delete");
    assert.equal(code, 1);
    assert.match(stderr, /index\.html: key: too odd/);
    assert.deepEqual([...objects.keys()], ["old"]);
  });

  test("does not empty a Space for a folder that has no files", async () => {
    await using server = await fakeServer();
    const objects = fakeSpaces(server);
    objects.set("old", new Uint8Array(1));
    const empty = await mkdtemp(join(root, "empty-"));
    const { code, stderr } = await run(server, "sync", "site", empty, "--delete");
    assert.equal(code, 1);
    assert.match(stderr, /has no files, and --delete would remove every object/);
    assert.equal(objects.size, 1);
  });

  test("follows links to files, and skips links to folders and dead ones", async () => {
    await using server = await fakeServer();
    const objects = fakeSpaces(server);
    const directory = await mkdtemp(join(root, "links-"));
    await symlink(await file("target", "t"), join(directory, "link"));
    await symlink(directory, join(directory, "circle"));
    await symlink(join(directory, "nowhere"), join(directory, "dead"));
    const { code, stderr } = await run(server, "sync", "site", directory);
    assert.equal(code, 0);
    assert.deepEqual([...objects.keys()], ["link"]);
    assert.equal(stderr.split("\n").length, 2);
  });

  const md5 = (): Promise<string> => Promise.resolve("aa");
  const cases = [
    { when: "the key is new", stored: undefined, is: "new" },
    { when: "the sizes differ", stored: { size_bytes: 2, etag: "aa" }, is: "size" },
    { when: "the digests differ", stored: { size_bytes: 1, etag: '"bb"' }, is: "content" },
    { when: "the entity-tag is no digest", stored: { size_bytes: 1, etag: "x-2" }, is: "content" },
    { when: "nothing differs", stored: { size_bytes: 1, etag: '"aa"' }, is: "unchanged" },
  ];
  for (const { when, stored, is } of cases) {
    test(`decides "${is}" when ${when}`, async () => {
      assert.equal(await decideUpload({ sizeBytes: 1, md5 }, stored), is);
    });
  }
});
