import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { manualClock } from "#clock.ts";
import { diskBlobFiles } from "#disk/blob-files.ts";
import { diskUploadFiles } from "#disk/blob-uploads.ts";
import { type Digest, digestOfBytes } from "#oci/digest.ts";
import { removeOrphans, scrub } from "#oci/scrub.ts";
import { expireUploads } from "#oci/upload-expiry.ts";
import { UploadTurns } from "#oci/upload-turns.ts";

const directory = mkdtempSync(join(tmpdir(), "atoll-blobs-"));
after(() => rmSync(directory, { recursive: true }));
const blobs = await diskBlobFiles(directory);
const uploads = await diskUploadFiles(directory);
const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
const { signal } = new AbortController();

function uuid(number: number): string {
  return `00000000-0000-0000-0000-${String(number).padStart(12, "0")}`;
}

let uploaded = 0;

/** An upload whose file is there, whole. */
async function upload(content: string): Promise<{ id: string; digest: Digest }> {
  uploaded += 1;
  const id = uuid(uploaded);
  await uploads.create(id);
  await using file = await uploads.open(id);
  await file?.append([Buffer.from(content)]);
  await file?.sync();
  return { id, digest: digestOfBytes("sha256", Buffer.from(content)) };
}

async function store(content: string): Promise<Digest> {
  const { id, digest } = await upload(content);
  await blobs.commit(
    id,
    digest,
    async () => ({ kept: true, value: undefined }),
    () => true,
  );
  return digest;
}

const used = (): boolean => true;
const unused = (): boolean => false;
const pathOf = (digest: Digest): string => join(directory, "blobs", blobs.relativePath(digest));

describe("an upload's file", () => {
  test("becomes a blob's, under the first digits of its digest", async () => {
    const { id, digest } = await upload("content");
    await blobs.commit(id, digest, async () => ({ kept: true, value: 1 }), unused);
    const hex = digest.slice("sha256:".length);
    assert(existsSync(join(directory, "blobs", "sha256", hex.slice(0, 2), hex)));
    assert.equal(await uploads.sizeBytes(id), undefined);
    assert(await blobs.isWhole(digest, 7));
    await using file = await blobs.open(digest, 7);
    const chunks = await Array.fromAsync(file?.read(1, 3) ?? []);
    assert.equal(Buffer.concat(chunks).toString(), "ont");
    assert.equal(await blobs.open(digest, 8), undefined, "it is not as long as that");
  });

  test("leaves nothing when it could not be recorded, unless others have the blob", async () => {
    for (const isUsed of [unused, used]) {
      const { id, digest } = await upload("refused");
      const refused = blobs.commit(id, digest, async () => ({ kept: false, value: 1 }), isUsed);
      assert.equal(await refused, 1);
      assert.equal(await blobs.isWhole(digest, 7), isUsed());
    }
    const { id, digest } = await upload("failed");
    const failing = async () => {
      throw new Error("no database");
    };
    await assert.rejects(blobs.commit(id, digest, failing, unused), /no database/);
    assert.equal(await blobs.isWhole(digest, 6), false);
  });

  test("can be gone on with, cut back, and read whole", async () => {
    const { id } = await upload("0123456789");
    await using file = await uploads.open(id);
    assert(file !== undefined && file.sizeBytes === 10);
    await file.truncate(4);
    await file.append([Buffer.from("ab"), Buffer.from("c")]);
    assert.equal(file.sizeBytes, 7);
    const chunks = await Array.fromAsync(file.read());
    assert.equal(Buffer.concat(chunks).toString(), "0123abc");
  });
});

describe("a blob's file", () => {
  test("is not taken away while an upload puts it there", async () => {
    const digest = await store("both");
    let isRow = false;
    const recorded = Promise.withResolvers<void>();
    const { id } = await upload("both");
    const committing = blobs.commit(
      id,
      digest,
      async () => {
        await recorded.promise;
        isRow = true;
        return { kept: true, value: undefined };
      },
      () => isRow,
    );
    // A collector whose transaction came just before: it looks again when it has its turn.
    const removing = blobs.remove(digest, () => isRow);
    recorded.resolve();
    await committing;
    assert.equal(await removing, 0);
    assert(await blobs.isWhole(digest, 4));
    assert.equal(await blobs.remove(digest, unused), 4);
    assert.equal(await blobs.remove(digest, unused), 0);
  });

  test("stays while a backup reads, and goes after it if nobody has come to use it", async () => {
    const [gone, back] = [await store("gone"), await store("back")];
    let isBack = false;
    {
      await using _first = blobs.holdDeletions();
      await using _second = blobs.holdDeletions();
      assert.equal(await blobs.remove(gone, unused), 0);
      await blobs.remove(back, () => isBack);
      assert(await blobs.isWhole(gone, 4));
      isBack = true;
    }
    assert.equal(await blobs.isWhole(gone, 4), false);
    assert(await blobs.isWhole(back, 4));
  });

  test("that no row has is removed, and what is not ours stays", async () => {
    const [kept, orphan] = [await store("kept"), await store("orphan")];
    const folder = join(directory, "blobs", "sha256", "zz");
    mkdirSync(folder);
    writeFileSync(join(folder, "notes.txt"), "mine");
    const hasBlobRow = (digest: Digest): boolean => digest !== orphan;
    const markCorrupt = assert.fail;
    const parts = { store: { hasBlobRow, markCorrupt, soundBlobSize: () => 4 }, files: blobs };
    assert.equal(await removeOrphans({ ...parts, log: silent }, signal), 1);
    assert(existsSync(pathOf(kept)) && !existsSync(pathOf(orphan)));
    assert.deepEqual(readdirSync(folder), ["notes.txt"]);
  });

  test("that has rotted is marked, and only that one", async () => {
    const rotten = await store("fresh");
    writeFileSync(pathOf(rotten), "rot..");
    const marked: Digest[] = [];
    const result = await scrub(
      {
        store: {
          hasBlobRow: used,
          soundBlobSize: (digest) => (digest === rotten ? 5 : undefined),
          markCorrupt: async (digest) => {
            marked.push(digest);
          },
        },
        files: blobs,
        log: silent,
        wait: async () => undefined,
      },
      signal,
    );
    assert.deepEqual(marked, [rotten]);
    assert.deepEqual(result, { sound: 0, corrupt: 1 });
  });
});

describe("abandoned uploads", () => {
  test("are expired, and files that no upload has are removed, but not of one that begins", async () => {
    const clock = manualClock(0);
    const turns = new UploadTurns(clock);
    const [expired, lost, open] = await Promise.all(["a", "b", "c"].map(upload));
    const beginning = await upload("d");
    const pages = [[expired?.id ?? ""], []];
    await turns.run(
      beginning.id,
      () => undefined,
      () =>
        expireUploads({
          store: {
            expireUploads: async () => pages.shift() ?? [],
            isUploadOpen: (id) => id === open?.id,
          },
          uploads,
          turns,
          clock,
          log: silent,
        }),
    );
    const left = await Promise.all(
      [expired, lost, open, beginning].map((each) => uploads.sizeBytes(each?.id ?? "")),
    );
    assert.deepEqual(left, [undefined, undefined, 1, 1]);
  });
});
