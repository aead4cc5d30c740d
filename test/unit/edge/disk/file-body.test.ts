import assert from "node:assert/strict";
import { open, rm, utimes } from "node:fs/promises";
import { describe, test } from "node:test";
import type { DiskTier } from "#edge/disk/disk-tier.ts";
import { localFiles } from "#edge/disk/entry-files.ts";
import { FileBody } from "#edge/disk/file-body.ts";
import { aDisk, type Disk, filesWith, systemError } from "./support.ts";

const OCTETS = Buffer.alloc(300_000, "0123456789");

/** An entry that has been read and found whole, and so is left in its file from then on. */
async function left(disk: Disk, tier: DiskTier<string>, key: string): Promise<FileBody> {
  // A file of just now may change again unseen: it is checked each time.
  disk.advance(1_000);
  await tier.get(key);
  const entry = tier.getQuick(key);
  assert(entry !== undefined && entry !== "unknown" && entry.body instanceof FileBody);
  return entry.body;
}

/** Changes one octet of a file, as a disk does that decays. */
async function flip(path: string, fromEnd: number): Promise<void> {
  await using file = await open(path, "r+");
  await file.write("x", (await file.stat()).size - fromEnd);
}

describe("a body that is left in its file", () => {
  test("is read piece by piece, from wherever its reader is", async () => {
    await using disk = await aDisk();
    await disk.store(["a", "head", OCTETS]);
    const body = await left(disk, disk.tier(), "a");
    assert.equal(body.length, OCTETS.length);
    const piece = Buffer.alloc(1_000);
    for (const at of [0, 5, 299_000]) {
      assert.equal(body.readNow(piece, at), "read");
      assert(piece.equals(OCTETS.subarray(at, at + 1_000)));
    }
    body.hold();
    assert.equal(await body.read(piece, 3), "read");
    body.release();
    assert(piece.equals(OCTETS.subarray(3, 1_003)));
    assert(body.whole()?.equals(OCTETS));
  });

  test("is what it was when others have removed or replaced it, for as long as it is held", async () => {
    await using disk = await aDisk();
    await disk.store(["a", "head", OCTETS]);
    const tier = disk.tier();
    const body = await left(disk, tier, "a");
    body.hold();
    await disk.store(["a", "head", Buffer.alloc(300_000, "x")]);
    assert(body.whole()?.equals(OCTETS));
    await rm(disk.pathOf("a"));
    tier.delete("a");
    assert(body.whole()?.equals(OCTETS));
    body.release();
    assert.equal(body.readNow(Buffer.alloc(1), 0), "broken");
  });

  test("is what it was when another worker has noted a use of it", async () => {
    await using disk = await aDisk();
    await disk.store(["a", "head", OCTETS]);
    const body = await left(disk, disk.tier(), "a");
    await utimes(disk.pathOf("a"), 1, 1);
    const piece = Buffer.alloc(10);
    assert.equal(body.readNow(piece, 0), "read");
    assert.equal(piece.toString(), "0123456789");
  });

  test("is broken as soon as it is not what was written, and is gone for whoever asks next", async () => {
    await using disk = await aDisk();
    await disk.store(["a", "head", OCTETS]);
    const tier = disk.tier();
    const body = await left(disk, tier, "a");
    assert.equal(body.readNow(Buffer.alloc(10), 0), "read");
    await flip(disk.pathOf("a"), 5);
    assert.equal(body.readNow(Buffer.alloc(10), 0), "broken");
    assert.equal(body.whole(), undefined);
    const [line] = disk.lines;
    assert.equal(line?.message, "disk read failed");
    assert.equal(await tier.get("a"), undefined);
    assert.equal(tier.stats().corrupt, 1);
  });

  test("is compared with its checksum again after ten seconds", async () => {
    await using disk = await aDisk();
    await disk.store(["a", "head", OCTETS]);
    const tier = disk.tier();
    await left(disk, tier, "a");
    disk.advance(10_000);
    const entry = tier.getQuick("a");
    assert(entry !== undefined && entry !== "unknown");
    assert(Buffer.isBuffer(entry.body));
    assert(tier.getQuick("a") !== undefined);
  });

  test("is read in the thread pool where the disk is slow", async () => {
    await using disk = await aDisk();
    await disk.store(["a", "head", OCTETS]);
    let inputs = 0;
    const readNow: typeof localFiles.readNow = (...read) => {
      disk.advance(21);
      return localFiles.readNow(...read);
    };
    const tier = disk.tier({ files: filesWith({ readNow, inputs: () => (inputs += 1) }) });
    const body = await left(disk, tier, "a");
    const piece = Buffer.alloc(10);
    assert.equal(body.readNow(piece, 0), "read");
    assert.equal(body.readNow(piece, 0), "slow");
    assert.equal(await body.read(piece, 1), "read");
    assert.equal(piece.toString(), "1234567890");
  });

  test("is read two pieces at one time there, whoever else waits", async () => {
    await using disk = await aDisk();
    await disk.store(["a", "head", OCTETS]);
    const waiting: (() => void)[] = [];
    let isHung = false;
    const read: typeof localFiles.read = async (...piece) => {
      if (isHung) await new Promise<void>((resolve) => waiting.push(resolve));
      return localFiles.read(...piece);
    };
    const body = await left(disk, disk.tier({ files: filesWith({ read }) }), "a");
    body.hold();
    isHung = true;
    const pieces = [0, 1, 2, 3, 4].map((at) => ({ at, octets: Buffer.alloc(10) }));
    const reads = pieces.map(({ at, octets }) => body.read(octets, at));
    assert.equal(waiting.length, 2);
    isHung = false;
    for (const goOn of waiting) goOn();
    assert.deepEqual(new Set(await Promise.all(reads)), new Set(["read"]));
    for (const { at, octets } of pieces) assert(octets.equals(OCTETS.subarray(at, at + 10)));
    body.release();
  });

  test("is let go of, and nothing is thrown, where the system knows nothing of its file", async () => {
    await using disk = await aDisk();
    await disk.store(["a", "head", OCTETS]);
    let isLost = false;
    const closed: number[] = [];
    const tier = disk.tier({
      files: filesWith({
        stateNow: (fd) => {
          if (isLost) throw systemError("ESTALE");
          return localFiles.stateNow(fd);
        },
        close: (fd) => {
          closed.push(fd);
          localFiles.close(fd);
        },
      }),
    });
    const body = await left(disk, tier, "a");
    body.hold();
    tier.delete("a");
    isLost = true;
    assert.deepEqual(closed, []);
    body.release();
    assert.equal(closed.length, 1);
  });

  test("is broken, and nothing is thrown, where the system cannot read it", async () => {
    await using disk = await aDisk();
    await disk.store(["a", "head", OCTETS]);
    const fails = (): never => {
      throw new Error("EIO: as the test has it");
    };
    const tier = disk.tier({ files: filesWith({ readNow: fails }) });
    const body = await left(disk, tier, "a");
    assert.equal(body.readNow(Buffer.alloc(10), 0), "broken");
    assert.equal(tier.stats().failed, 1);
  });
});
