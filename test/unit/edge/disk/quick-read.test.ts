import assert from "node:assert/strict";
import { mkdir, open, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { describe, test } from "node:test";
import { type FileState, localFiles } from "#edge/disk/entry-files.ts";
import { aDisk, filesWith, textOf } from "./support.ts";

describe("a quick read", () => {
  test("answers between two turns of the loop, whether the file is open or not", async () => {
    await using disk = await aDisk();
    await disk.store(["a", "head", "body"]);
    const tier = disk.tier();
    assert.equal(textOf(tier.getQuick("a")), "head: body");
    assert.equal(tier.stats().openFiles, 1);
    assert.equal(textOf(tier.getQuick("a")), "head: body");
    assert.equal(tier.stats().readQuickly, 2);
  });

  test("finds nothing where there is no file", async () => {
    await using disk = await aDisk();
    const tier = disk.tier();
    assert.equal(tier.getQuick("a"), undefined);
    assert.equal(tier.stats().absent, 1);
  });

  test("leaves files that are not open, and long ones, to the thread pool where that may wait for a disk", async () => {
    await using disk = await aDisk();
    await disk.store(["a", "head", "body"], ["b", "head", "body"]);
    await disk.store(["long", "head", Buffer.alloc(100_000)]);
    let inputs = 0;
    const tier = disk.tier({ files: filesWith({ inputs: () => inputs }) });
    assert.equal(tier.getQuick("long"), "unknown");
    await tier.get("a");
    inputs += 801;
    tier.sweep();
    assert.equal(tier.getQuick("b"), "unknown");
    assert.equal(tier.getQuick("absent"), "unknown");
    assert.equal(textOf(tier.getQuick("a")), "head: body");
    tier.sweep();
    assert.equal(textOf(tier.getQuick("b")), "head: body");
  });

  test("waits for the one that is on its way", async () => {
    await using disk = await aDisk();
    await disk.store(["a", "head", "body"]);
    const tier = disk.tier();
    const reading = tier.get("a");
    assert.equal(tier.getQuick("a"), "unknown");
    await reading;
  });

  test("believes no file that is not as it was written", async () => {
    await using disk = await aDisk();
    await disk.store(["a", "head", "body"], ["b", "unreadable", "body"], ["c", "head", "body"]);
    await using file = await open(disk.pathOf("a"), "r+");
    await file.write("B", (await file.stat()).size - 4);
    for (const key of ["d", "e"]) await mkdir(dirname(disk.pathOf(key)), { recursive: true });
    await rename(disk.pathOf("c"), disk.pathOf("d"));
    await writeFile(disk.pathOf("e"), "no entry");
    const tier = disk.tier();
    for (const key of ["a", "b", "d", "e"]) assert.equal(tier.getQuick(key), undefined, key);
    assert.equal(tier.stats().corrupt, 4);
    assert.equal(tier.stats().openFiles, 0);
  });

  test("makes the head once for all hits", async () => {
    await using disk = await aDisk();
    await disk.store(["a", "head", "body"]);
    let decoded = 0;
    const tier = disk.tier({ decodeHead: () => `decoded ${(decoded += 1)}` });
    await tier.get("a");
    tier.getQuick("a");
    assert.equal(textOf(tier.getQuick("a")), "decoded 1: body");
  });

  test("does not answer by a file that another worker has replaced or removed", async () => {
    await using disk = await aDisk();
    await disk.store(["a", "old", "body"]);
    const tier = disk.tier();
    await tier.get("a");
    await disk.store(["a", "new", "body"]);
    assert.equal(textOf(tier.getQuick("a")), "new: body");
    await localFiles.remove(disk.pathOf("a"));
    assert.equal(tier.getQuick("a"), undefined);
    assert.equal(await tier.get("a"), undefined);
  });

  test("notices that within a tick of the system's clock too", async () => {
    await using disk = await aDisk();
    await disk.store(["a", "head", "body"]);
    const ctimeMs = disk.now();
    const stopped = (state: FileState): FileState => {
      const { size, mtimeMs, nlink } = state;
      return { size, mtimeMs, nlink, ctimeMs };
    };
    const files = filesWith({
      open: async (path) => {
        const opened = await localFiles.open(path);
        return opened && { fd: opened.fd, state: stopped(opened.state) };
      },
      stateNow: (fd) => stopped(localFiles.stateNow(fd)),
    });
    const tier = disk.tier({ files });
    await tier.get("a");
    assert.equal(textOf(tier.getQuick("a")), "head: body");
    await localFiles.remove(disk.pathOf("a"));
    assert.equal(tier.getQuick("a"), undefined);
  });

  test("does not answer by bytes that somebody has changed in their place", async () => {
    await using disk = await aDisk();
    await disk.store(["a", "head", "body"]);
    // The check counts for more than once only of a file that is no longer new.
    disk.advance(1_000);
    const tier = disk.tier();
    await tier.get("a");
    await using file = await open(disk.pathOf("a"), "r+");
    await file.write("B", (await file.stat()).size - 4);
    assert.equal(tier.getQuick("a"), undefined);
    assert.equal(await tier.get("a"), undefined);
    assert.equal(tier.stats().corrupt, 1);
  });

  test("checks bytes again after ten seconds: a disk decays without telling anybody", async () => {
    await using disk = await aDisk();
    await disk.store(["a", "head", "body"]);
    disk.advance(1_000);
    let decayed = false;
    const readNow: typeof localFiles.readNow = (fd, into, position) => {
      const bytes = localFiles.readNow(fd, into, position);
      if (decayed) into[0] = 0;
      return bytes;
    };
    const tier = disk.tier({ files: filesWith({ readNow }) });
    await tier.get("a");
    decayed = true;
    disk.advance(10_000);
    assert.equal(tier.getQuick("a"), undefined);
    assert.equal(tier.stats().corrupt, 1);
  });

  test("is of as many files as may be open, and of those in use rather than of others", async () => {
    await using disk = await aDisk();
    const keys = ["a", "b", "c", "d"];
    await disk.store(...keys.map((key) => [key, "head", "body"] as const));
    let opened = 0;
    const openNow: typeof localFiles.openNow = (path) => {
      opened += 1;
      return localFiles.openNow(path);
    };
    const tier = disk.tier({ openFilesMax: 3, files: filesWith({ openNow }) });
    for (const key of ["a", "b", "c"]) await tier.get(key);
    tier.getQuick("a");
    await tier.get("d");
    assert.equal(tier.stats().openFiles, 3);
    for (const key of ["a", "c", "d"]) tier.getQuick(key);
    assert.equal(opened, 0);
    tier.getQuick("b");
    assert.equal(opened, 1);
    assert.equal(tier.stats().openFiles, 3);
  });

  test("is of no file that nobody has asked for in a minute, and none that was removed", async () => {
    await using disk = await aDisk();
    await disk.store(["a", "head", "body"], ["b", "head", "body"], ["c", "head", "body"]);
    const tier = disk.tier();
    await tier.get("a");
    disk.advance(60_001);
    await tier.get("b");
    await tier.get("c");
    await localFiles.remove(disk.pathOf("b"));
    tier.sweep();
    assert.equal(tier.stats().openFiles, 1);
    assert.equal(textOf(tier.getQuick("c")), "head: body");
  });

  test("leaves slow disks to the thread pool for a while", async () => {
    await using disk = await aDisk();
    await disk.store(["a", "head", "body"]);
    const readNow: typeof localFiles.readNow = (...read) => {
      disk.advance(21);
      return localFiles.readNow(...read);
    };
    let inputs = 0;
    const tier = disk.tier({ files: filesWith({ readNow, inputs: () => (inputs += 1) }) });
    await tier.get("a");
    assert.equal(textOf(tier.getQuick("a")), "head: body");
    assert.equal(tier.getQuick("a"), "unknown");
    assert.equal(textOf(await tier.get("a")), "head: body");
    disk.advance(10_000);
    assert.equal(textOf(tier.getQuick("a")), "head: body");
  });

  test("rests for a second where it waited for long, and nobody says for what", async () => {
    await using disk = await aDisk();
    await disk.store(["a", "head", "body"]);
    let tookMs = 51;
    const readNow: typeof localFiles.readNow = (...read) => {
      disk.advance(tookMs);
      return localFiles.readNow(...read);
    };
    const files = filesWith({ readNow, inputs: () => 7, preemptions: () => 7 });
    const tier = disk.tier({ files });
    await tier.get("a");
    textOf(tier.getQuick("a"));
    tookMs = 0;
    assert.equal(tier.getQuick("a"), "unknown");
    disk.advance(1_000);
    assert.equal(textOf(tier.getQuick("a")), "head: body");
  });

  test("takes a long wait for no disk's where the processor was taken from it, up to half a second", async () => {
    await using disk = await aDisk();
    await disk.store(["a", "head", "body"]);
    let tookMs = 500;
    const readNow: typeof localFiles.readNow = (...read) => {
      disk.advance(tookMs);
      return localFiles.readNow(...read);
    };
    let preemptions = 0;
    const counts = { inputs: () => 7, preemptions: () => (preemptions += 1) };
    const tier = disk.tier({ files: filesWith({ readNow, ...counts }) });
    await tier.get("a");
    textOf(tier.getQuick("a"));
    assert.equal(textOf(tier.getQuick("a")), "head: body");
    tookMs = 501;
    textOf(tier.getQuick("a"));
    assert.equal(tier.getQuick("a"), "unknown");
  });

  test("takes a wait for a turn of the processor for no slow disk", async () => {
    await using disk = await aDisk();
    await disk.store(["a", "head", "body"]);
    const readNow: typeof localFiles.readNow = (...read) => {
      disk.advance(21);
      return localFiles.readNow(...read);
    };
    const tier = disk.tier({ files: filesWith({ readNow, inputs: () => 7 }) });
    await tier.get("a");
    textOf(tier.getQuick("a"));
    assert.equal(textOf(tier.getQuick("a")), "head: body");
  });
});
