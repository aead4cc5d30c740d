import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { Readable } from "node:stream";
import { after, describe, test } from "node:test";
import { writeBackup } from "#backup/archive.ts";
import { atoll, type FakeServer, fakeServer, refuse } from "./cli-fixture.ts";

const root = await mkdtemp(join(tmpdir(), "atoll-backups-"));
after(() => rm(root, { recursive: true }));
const folder = (): Promise<string> => mkdtemp(join(root, "x-"));

/** A server whose backup holds a database and one object. */
async function serverWithBackup(): Promise<FakeServer> {
  const dataDir = await folder();
  await writeFile(join(dataDir, "snapshot"), "the database");
  await writeFile(join(dataDir, "master.key"), "m");
  const server = await fakeServer();
  server.answer("GET /atoll/v1/backup", async (_, response) => {
    const parts = {
      dataDir,
      database: join(dataDir, "snapshot"),
      files: Readable.from([]) as AsyncIterable<string>,
      atollVersion: "0.1.0",
      createdAt: new Date(0),
      feedNumber: 7,
    };
    await writeBackup(parts, response, new AbortController().signal);
  });
  return server;
}

const env = (server: FakeServer): NodeJS.ProcessEnv => ({
  ATOLL_URL: server.url,
  ATOLL_TOKEN: "t",
});

describe("atoll backup", () => {
  test("writes a file for its owner's eyes, which restore takes", async () => {
    await using server = await serverWithBackup();
    const file = join(await folder(), "backup.tar");
    const made = await atoll(env(server), "backup", file);
    assert.equal(made.code, 0, made.stderr);
    assert.match(made.stdout, /3 files, .* as of 1970-01-01T00:00:00.000Z \(change 7\)/);
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    const dataDir = join(await folder(), "data");
    const restored = await atoll({ ATOLL_DATA_DIR: dataDir }, "restore", file, "--output", "json");
    assert.equal(restored.code, 0, restored.stderr);
    assert.equal((JSON.parse(restored.stdout) as { feed_number: number }).feed_number, 7);
    assert.equal(await readFile(join(dataDir, "atoll.db"), "utf8"), "the database");
  });

  test("does not overwrite a file unless it is told to", async () => {
    await using server = await serverWithBackup();
    const file = join(await folder(), "backup.tar");
    await writeFile(file, "precious");
    const refused = await atoll(env(server), "backup", file);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /exists; --force overwrites it/);
    assert.equal(await readFile(file, "utf8"), "precious");
    assert.equal((await atoll(env(server), "backup", file, "--force")).code, 0);
    assert.ok((await stat(file)).size > 1_024);
  });

  const broken = [
    { what: "breaks off", answer: "destroy", is: /The backup has failed/ },
    { what: "is cut short and looks whole", answer: "short", is: /cut short|not a backup/ },
    { what: "is refused", answer: "refuse", is: /operator only \(request_id req-1\)/ },
  ] as const;
  for (const { what, answer, is } of broken) {
    test(`leaves nothing behind when the transfer ${what}`, async () => {
      await using server = await fakeServer();
      server.answer("GET /atoll/v1/backup", (_, response) => {
        if (answer === "refuse") refuse(response, 403, "forbidden", "operator only");
        else if (answer === "short") response.end(Buffer.alloc(2_048));
        else response.write("x", () => response.destroy());
      });
      const directory = await folder();
      const { code, stderr } = await atoll(env(server), "backup", join(directory, "b.tar"));
      assert.equal(code, 1);
      assert.match(stderr, is);
      assert.deepEqual(await readdir(directory), []);
    });
  }
});

describe("atoll restore", () => {
  test("refuses while a server runs on the folder", async () => {
    const dataDir = await folder();
    await writeFile(join(dataDir, "runtime.json"), JSON.stringify({ pid: process.pid }));
    const { code, stderr } = await atoll({ ATOLL_DATA_DIR: dataDir }, "restore", "x");
    assert.equal(code, 1);
    assert.match(stderr, /A server runs on .*: stop it first/);
  });

  test("says which file it cannot read, and that a foreign one is not a backup", async () => {
    const dataDir = join(await folder(), "data");
    const missing = await atoll({ ATOLL_DATA_DIR: dataDir }, "restore", join(root, "nope.tar"));
    assert.match(missing.stderr, /Cannot read the backup: ENOENT.*nope\.tar/);
    const foreign = await atoll({ ATOLL_DATA_DIR: dataDir }, "restore", process.execPath);
    assert.equal(foreign.code, 1);
    assert.match(foreign.stderr, /^atoll: This is not a backup of Atoll\.$/);
  });
});
