import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable, Writable } from "node:stream";
import { after, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import * as fc from "fast-check";
import { type Header, pack } from "tar-stream";
import { writeBackup } from "#backup/archive.ts";
import { parseEntryName } from "#backup/format.ts";
import { verifyBackup } from "#backup/read.ts";
import { restoreBackup } from "#backup/restore.ts";

const root = await mkdtemp(join(tmpdir(), "atoll-backup-"));
after(() => rm(root, { recursive: true }));
const folder = (): Promise<string> => mkdtemp(join(root, "x-"));
const { signal } = new AbortController();

const OBJECTS = new Map([
  ["ab/abc123", randomBytes(200_000)],
  ["ab/empty", Buffer.alloc(0)],
  ["cd/odd", randomBytes(513)],
]);

/** A data folder as a server leaves it, with things that do not belong into a backup. */
async function dataFolder(): Promise<string> {
  const directory = await folder();
  await mkdir(join(directory, "ca"));
  await writeFile(join(directory, "ca/ca.pem"), "the CA");
  await writeFile(join(directory, "ca/ca.key"), "put there for the next start");
  await writeFile(join(directory, "ca/ca.key.12.tmp"), "left behind");
  await writeFile(join(directory, "master.key"), "master");
  await writeFile(join(directory, "operator.token"), "not in a backup");
  await writeFile(join(directory, "snapshot"), randomBytes(70_000));
  for (const [name, bytes] of OBJECTS) {
    await mkdir(join(directory, "objects", name, ".."), { recursive: true });
    await writeFile(join(directory, "objects", name), bytes);
  }
  return directory;
}

async function write(
  dataDir: string,
  output: Writable,
  names: Iterable<string> = OBJECTS.keys().map((name) => `objects/${name}`),
  until: AbortSignal = signal,
): ReturnType<typeof writeBackup> {
  const parts = {
    dataDir,
    database: join(dataDir, "snapshot"),
    files: Readable.from(names) as AsyncIterable<string>,
    atollVersion: "0.1.0",
    createdAt: new Date(Date.UTC(2026, 10, 22)),
    feedNumber: 42,
  };
  return writeBackup(parts, output, until);
}

async function archive(dataDir: string): Promise<Buffer> {
  const path = join(await folder(), "backup.tar");
  await write(dataDir, createWriteStream(path));
  return readFile(path);
}

const whole = await archive(await dataFolder());
/** Small pieces, cut anywhere: as a network would deliver them. */
const stream = (bytes: Uint8Array): Readable =>
  Readable.from(
    (function* () {
      for (let at = 0; at < bytes.length; at += 40_000) yield bytes.subarray(at, at + 40_000);
    })(),
  );

async function refused(bytes: Uint8Array, expected: RegExp): Promise<void> {
  const parent = await folder();
  await assert.rejects(restoreBackup(stream(bytes), join(parent, "data"), signal), {
    name: "Problem",
    message: expected,
  });
  assert.deepEqual(await readdir(parent), [], "something was left behind");
}

async function tarOf(
  entries: readonly (Partial<Header> & { readonly name: string; readonly text?: string })[],
): Promise<Buffer> {
  const tar = pack();
  for (const { text = "", ...header } of entries) tar.entry(header, text);
  tar.finalize();
  const chunks: Uint8Array[] = [];
  for await (const chunk of tar as AsyncIterable<Uint8Array>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const MANIFEST = {
  name: "atoll-backup.json",
  text: JSON.stringify({
    format: "atoll-backup",
    format_version: 1,
    atoll_version: "0.1.0",
    created_at: "2026-11-22T00:00:00.000Z",
    feed_number: 1,
  }),
};

describe("a backup", () => {
  test("restores what was backed up, for its owner's eyes only", async () => {
    const source = await dataFolder();
    const target = join(await folder(), "restored");
    const { manifest, end } = await restoreBackup(stream(await archive(source)), target, signal);
    assert.equal(manifest.feed_number, 42);
    assert.equal(end.entries, 7);
    const names = ["atoll.db", "ca", "master.key", "objects"];
    assert.deepEqual((await readdir(target)).toSorted(), names);
    assert.deepEqual((await readdir(join(target, "ca"))).toSorted(), ["ca.pem"]);
    assert.deepEqual(
      await readFile(join(target, "atoll.db")),
      await readFile(join(source, "snapshot")),
    );
    for (const [name, bytes] of OBJECTS) {
      assert.deepEqual(await readFile(join(target, "objects", name)), bytes);
    }
    assert.equal((await stat(target)).mode & 0o777, 0o700);
    assert.equal((await stat(join(target, "objects/ab"))).mode & 0o777, 0o700);
    assert.equal((await stat(join(target, "objects/ab/abc123"))).mode & 0o777, 0o600);
  });

  test("restores into an empty folder that exists, as a mount does", async () => {
    const target = await folder();
    await mkdir(join(target, "lost+found"));
    await restoreBackup(stream(whole), target, signal);
    const names = ["atoll.db", "ca", "lost+found", "master.key", "objects"];
    assert.deepEqual((await readdir(target)).toSorted(), names);
  });

  test("is not restored over anything", async () => {
    const target = await folder();
    await writeFile(join(target, "atoll.db"), "precious");
    await assert.rejects(
      restoreBackup(stream(whole), target, signal),
      /is not empty \(atoll\.db\)/,
    );
    assert.deepEqual(await readdir(target), ["atoll.db"]);
    const file = join(target, "atoll.db");
    await assert.rejects(restoreBackup(stream(whole), file, signal), /is not a folder/);
  });

  test("can be verified without restoring it", async () => {
    assert.equal((await verifyBackup(stream(whole), signal)).manifest.atoll_version, "0.1.0");
  });

  test("without a CA, a master key and objects is one as well", async () => {
    const source = await folder();
    await writeFile(join(source, "snapshot"), "db");
    const path = join(await folder(), "b");
    const end = await write(source, createWriteStream(path), []);
    assert.equal(end.entries, 2);
    assert.deepEqual((await verifyBackup(createReadStream(path), signal)).end, end);
  });

  test("fails when an object is gone, is a link, or is named outside of its folder", async () => {
    const source = await dataFolder();
    await symlink("/etc/hostname", join(source, "objects/link"));
    for (const name of ["missing", "link", "../snapshot", "a//b"]) {
      const output = new PassThrough().resume();
      await assert.rejects(write(source, output, [name]));
      assert.equal(output.destroyed, true, "the reader would take it for whole");
    }
  });

  test("stops when its reader goes away", async () => {
    const output = new Writable({ write: (_, __, done) => done(new Error("the client left")) });
    await assert.rejects(write(await dataFolder(), output), /the client left/);
  });

  test("stops when it is told to", async () => {
    const stop = new AbortController();
    const output = new Writable({ write: () => stop.abort(new Error("shutting down")) });
    await assert.rejects(write(await dataFolder(), output, OBJECTS.keys(), stop.signal), (error) =>
      /shutting down|abort/i.test(String(error)),
    );
  });
});

describe("an archive that is cut short", () => {
  test("is refused wherever the cut is, and leaves nothing behind", async () => {
    // The last 1024 bytes are tar's own end marker, which says nothing that our end does not.
    const lengths = fc.integer({ min: 1, max: whole.length - 1_024 - 1_024 });
    await fc.assert(
      fc.asyncProperty(lengths, (length) =>
        refused(whole.subarray(0, length), /cut short|not a backup/),
      ),
      { numRuns: 40, examples: [[512], [1_024], [1_025]] },
    );
  });

  test("is refused when it is empty", () => refused(Buffer.alloc(0), /not a backup/));
});

describe("an archive that was changed", () => {
  test("is refused for a single flipped bit in a file", async () => {
    const changed = Buffer.from(whole);
    const at = 100_000;
    changed[at] = (changed[at] ?? 0) ^ 1;
    await refused(changed, /content has changed/);
  });

  test("is refused when an entry is taken out of it", async () => {
    // Manifest and database come first: a header and a body, each in blocks of 512 bytes.
    const database = 512 + Math.ceil(70_000 / 512) * 512;
    const without = Buffer.concat([whole.subarray(0, 1_024), whole.subarray(1_024 + database)]);
    await refused(without, /should have 7 entries and has 6/);
  });
});

describe("a foreign archive", () => {
  const cases = [
    { what: "text", bytes: Buffer.from("hello ".repeat(1_000)), is: /not a backup/ },
    { what: "a backup that was compressed", bytes: gzipSync(whole), is: /not a backup/ },
    { what: "another tar", bytes: tarOf([{ name: "x", text: "y" }]), is: /not a backup/ },
    {
      what: "a newer format",
      bytes: tarOf([{ name: MANIFEST.name, text: '{"format":"atoll-backup","format_version":3}' }]),
      is: /has format 3, made by a newer Atoll/,
    },
    {
      what: "a manifest of another kind",
      bytes: tarOf([{ name: MANIFEST.name, text: '{"format":"other"}' }]),
      is: /not a backup/,
    },
    {
      what: "a manifest without end",
      bytes: tarOf([{ name: MANIFEST.name, text: "x".repeat(100_000) }]),
      is: /too large/,
    },
    {
      what: "a path out of the folder",
      bytes: tarOf([MANIFEST, { name: "objects/../../evil", text: "x" }]),
      is: /"objects\/\.\.\/\.\.\/evil" is not part of one/,
    },
    {
      what: "an absolute path",
      bytes: tarOf([MANIFEST, { name: "/etc/evil", text: "x" }]),
      is: /not part of one/,
    },
    {
      what: "a link",
      bytes: tarOf([MANIFEST, { name: "atoll.db", type: "symlink", linkname: "/etc/x" }]),
      is: /"atoll\.db" is no file/,
    },
    {
      what: "a file twice",
      bytes: tarOf([MANIFEST, { name: "atoll.db" }, { name: "atoll.db", text: "x" }]),
      is: /there twice/,
    },
  ];
  for (const { what, bytes, is } of cases) {
    test(`is refused and leaves nothing behind: ${what}`, async () => refused(await bytes, is));
  }
});

describe("a name in a backup", () => {
  test("never leads out of the data folder", () => {
    const segment = fc.constantFrom("..", ".", "", "objects", "ca", "a", "\\", "a b", ".x", "\0");
    fc.assert(
      fc.property(fc.array(segment, { maxLength: 6 }), (segments) => {
        const name = parseEntryName(["objects", ...segments].join("/"));
        return name === undefined || join("/data", name) === `/data/${name}`;
      }),
    );
  });
});
