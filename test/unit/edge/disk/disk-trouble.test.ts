import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdir, rm } from "node:fs/promises";
import { describe, test } from "node:test";
import { promisify } from "node:util";
import { localFiles } from "#edge/disk/entry-files.ts";
import { SLICE_BYTES } from "#edge/limits.ts";
import { until } from "../../../support/until.ts";
import { aDisk, contentOf, filesWith, systemError, textOf } from "./support.ts";

const run = promisify(execFile);
const HEAD = Buffer.from("head");
const BODY = [Buffer.from("body")];

describe("reading from a disk in trouble", () => {
  test("finds nothing where the disk fails, says so, and leaves it alone after a while", async () => {
    await using disk = await aDisk();
    await disk.store(["a", "head", "body"]);
    let attempts = 0;
    let broken = true;
    const tier = disk.tier({
      files: filesWith({
        open: (path) => {
          attempts += 1;
          return broken ? Promise.reject(systemError("EIO")) : localFiles.open(path);
        },
      }),
    });
    for (let i = 0; i < 10; i += 1) assert.equal(await tier.get("a"), undefined);
    assert.equal(attempts, 5);
    const { failed, skipped } = tier.stats();
    assert.deepEqual({ failed, skipped }, { failed: 5, skipped: 5 });
    disk.advance(5_000);
    for (let i = 0; i < 10; i += 1) await tier.get("a");
    assert.equal(attempts, 6);
    broken = false;
    disk.advance(9_999);
    assert.equal(await tier.get("a"), undefined);
    disk.advance(1);
    assert.equal(textOf(await tier.get("a")), "head: body");
    assert.equal(textOf(tier.getQuick("a")), "head: body");
  });

  test("waits two seconds at most, and then asks a disk that hangs nothing for a while", async () => {
    await using disk = await aDisk();
    await disk.store(["a", "head", "body"], ["b", "head", "body"]);
    const hanging = Promise.withResolvers<undefined>();
    const tier = disk.tier({
      files: filesWith({
        open: (path) => (path === disk.pathOf("a") ? hanging.promise : localFiles.open(path)),
      }),
    });
    await tier.get("b");
    const reading = tier.get("a");
    disk.advance(1_999);
    tier.sweep();
    assert.equal(textOf(await tier.get("b")), "head: body");
    disk.advance(1);
    tier.sweep();
    assert.equal(await reading, undefined);
    assert.equal(await tier.get("b"), undefined);
    assert.equal(tier.getQuick("b"), undefined);
    assert.equal(disk.lines.at(-1)?.message, "disk read took too long");
    hanging.resolve(undefined);
    disk.advance(5_000);
    assert.equal(textOf(await tier.get("b")), "head: body");
  });

  test("keeps two reads with the disk and some more waiting; whoever comes then finds nothing", async () => {
    await using disk = await aDisk();
    const hanging = Promise.withResolvers<undefined>();
    let running = 0;
    const open = (): Promise<undefined> => {
      running += 1;
      return hanging.promise;
    };
    const tier = disk.tier({ files: filesWith({ open }) });
    const reads = Array.from({ length: 128 }, (_, i) => tier.get(`${i}`));
    assert.equal(await tier.get("one more"), undefined);
    assert.equal(running, 2);
    assert.equal(tier.stats().skipped, 1);
    hanging.resolve(undefined);
    await Promise.all(reads);
    assert.equal(running, 128);
  });

  test("makes do with fewer open files when the process may open no more", async () => {
    await using disk = await aDisk();
    const keys = Array.from({ length: 10 }, (_, i) => `${i}`);
    await disk.store(...keys.map((key) => [key, "head", "body"] as const));
    let allowed = 10;
    const open: typeof localFiles.open = (path) => {
      allowed -= 1;
      return allowed < 0 ? Promise.reject(systemError("EMFILE")) : localFiles.open(path);
    };
    const tier = disk.tier({ files: filesWith({ open }) });
    for (const key of keys) await tier.get(key);
    for (let i = 0; i < 10; i += 1) await tier.get("absent");
    assert.equal(tier.stats().skipped, 0);
    assert.equal(tier.stats().openFiles, 0);
  });

  test("logs a flood of corrupt files in one line, and counts the others", async () => {
    await using disk = await aDisk();
    const keys = Array.from({ length: 5 }, (_, i) => `${i}`);
    await disk.store(...keys.map((key) => [key, "unreadable", "body"] as const));
    const tier = disk.tier();
    for (const key of keys.slice(0, 4)) await tier.get(key);
    assert.equal(disk.lines.length, 1);
    disk.advance(10_000);
    await tier.get("4");
    assert.deepEqual(
      disk.lines.map((line) => line["times_unlogged"]),
      [0, 3],
    );
  });
});

describe("writing to a disk in trouble", () => {
  test("drops what does not fit a full disk, with what it was to replace, and reads on", async () => {
    await using disk = await aDisk();
    await disk.store(["a", "old", "body"], ["b", "head", "body"]);
    let attempts = 0;
    let full = true;
    const write: typeof localFiles.write = (...file) => {
      attempts += 1;
      return full ? Promise.reject(systemError("ENOSPC")) : localFiles.write(...file);
    };
    const tier = disk.tier({ files: filesWith({ write }) });
    tier.put("a", HEAD, BODY);
    await until(
      "the old one is gone",
      async () => (await contentOf(disk.pathOf("a"))) === undefined,
    );
    tier.put("c", HEAD, BODY);
    assert.equal(await tier.get("a"), undefined);
    assert.equal(await tier.get("c"), undefined);
    assert.equal(textOf(await tier.get("b")), "head: body");
    assert.equal(attempts, 1);
    assert.equal(tier.stats().dropped, 2);
    assert.equal(disk.lines[0]?.message, "disk write failed");
    full = false;
    disk.advance(5_000);
    tier.put("c", HEAD, BODY);
    await tier.close();
    assert.equal(textOf(await disk.tier().get("c")), "head: body");
  });

  test("fills a disk and goes on, keeping no part of what does not fit", async (t) => {
    await using disk = await aDisk();
    try {
      await run("mount", ["-t", "tmpfs", "-o", "size=256k", "none", disk.folder]);
    } catch {
      t.skip("only who may mount has a disk that is small enough");
      return;
    }
    try {
      const tier = disk.tier();
      for (let i = 0; i < 20; i += 1) tier.put(`${i}`, HEAD, [Buffer.alloc(30_000, `${i}`)]);
      await tier.close();
      const { written, dropped } = tier.stats();
      assert(written >= 5 && dropped >= 5, `${written} written, ${dropped} dropped`);
      const reader = disk.tier();
      for (let i = 0; i < 20; i += 1) await reader.get(`${i}`);
      await reader.close();
      const { read, corrupt } = reader.stats();
      assert.deepEqual({ read, corrupt }, { read: written, corrupt: 0 });
      assert.equal(disk.lines[0]?.message, "disk write failed");
      const unfinished = (await readdir(disk.root)).filter((name) => name.startsWith("tmp-"));
      for (const name of unfinished) assert.deepEqual(await readdir(`${disk.root}/${name}`), []);
    } finally {
      await run("umount", ["--lazy", disk.folder]);
    }
  });

  test("counts what fails together once, tries one alone then, and rests if that goes on", async () => {
    await using disk = await aDisk();
    let attempts = 0;
    const write = (): Promise<number> => {
      attempts += 1;
      return Promise.reject(systemError("EMFILE"));
    };
    const tier = disk.tier({ files: filesWith({ write }) });
    for (let i = 0; i < 10; i += 1) tier.put(`together ${i}`, HEAD, BODY);
    await until("all have failed", () => tier.stats().dropped === 10);
    assert.equal(attempts, 10);
    for (let i = 0; i < 10; i += 1) tier.put(`alone ${i}`, HEAD, BODY);
    await until("all are dropped", () => tier.stats().dropped === 20);
    assert.equal(attempts, 14);
  });

  test("leaves nothing of a write that failed", async () => {
    await using disk = await aDisk();
    const unfinished = `${disk.root}/tmp-0-0/1`;
    const parts = [Buffer.from("part"), Buffer.from("part")];
    await assert.rejects(localFiles.write(parts, unfinished, "/dev/null/no/folder"), {
      code: "ENOTDIR",
    });
    assert.equal(await contentOf(unfinished), undefined);
  });

  test("goes on when the folder was removed, and makes it again", async () => {
    await using disk = await aDisk();
    const tier = disk.tier();
    tier.put("a", HEAD, BODY);
    await until("it is written", () => tier.stats().written === 1);
    await tier.get("a");
    await rm(disk.folder, { recursive: true });
    assert.equal(tier.getQuick("a"), undefined);
    assert.equal(await tier.get("a"), undefined);
    tier.put("b", HEAD, BODY);
    await until("it is written", () => tier.stats().written === 2);
    assert.equal(textOf(await disk.tier().get("b")), "head: body");
    assert.equal(tier.stats().dropped, 0);
  });

  test("drops what comes faster than the disk takes it", async () => {
    await using disk = await aDisk();
    const slow = Promise.withResolvers<void>();
    const write: typeof localFiles.write = async (...file) => {
      await slow.promise;
      return localFiles.write(...file);
    };
    const tier = disk.tier({ files: filesWith({ write }) });
    const slice = [Buffer.alloc(SLICE_BYTES)];
    for (let i = 0; i < 40; i += 1) tier.put(`${i}`, HEAD, slice);
    assert.equal(tier.stats().dropped, 9);
    assert(tier.stats().queuedBytes <= 32 * SLICE_BYTES);
    slow.resolve();
    await tier.close();
    assert.equal(tier.stats().written, 31);
    assert.equal(tier.stats().queuedBytes, 0);
  });

  test("drops what is put while the disk is too full, until there is room", async () => {
    await using disk = await aDisk();
    await disk.store(["a", "old", "body"]);
    const tier = disk.tier();
    tier.hold(true);
    tier.put("a", HEAD, BODY);
    tier.hold(false);
    tier.put("b", HEAD, BODY);
    await tier.close();
    assert.equal(await disk.tier().get("a"), undefined);
    assert.equal(textOf(await disk.tier().get("b")), "head: body");
  });

  test("takes no longer than it may for what waits when it stops", async () => {
    await using disk = await aDisk();
    const hanging = Promise.withResolvers<number>();
    const begun = Promise.withResolvers<void>();
    const write = (): Promise<number> => {
      begun.resolve();
      return hanging.promise;
    };
    const tier = disk.tier({ files: filesWith({ write }) });
    tier.put("a", HEAD, BODY);
    await begun.promise;
    assert.equal(textOf(await tier.get("a")), "head: body");
    await tier.close(1);
    assert.equal(tier.stats().written, 0);
    hanging.resolve(0);
  });
});

describe("removing from a disk in trouble", () => {
  test("is tried until it is done, and what is to be removed is absent all the time", async () => {
    await using disk = await aDisk();
    await disk.store(["a", "head", "body"]);
    let readOnly = true;
    const remove: typeof localFiles.remove = (path) =>
      readOnly ? Promise.reject(systemError("EROFS")) : localFiles.remove(path);
    const tier = disk.tier({ files: filesWith({ remove }) });
    tier.delete("a");
    await until("it was tried", () => disk.lines.length === 1);
    assert.equal(await tier.get("a"), undefined);
    assert.notEqual(await contentOf(disk.pathOf("a")), undefined);
    readOnly = false;
    disk.advance(1_000);
    tier.sweep();
    await until("it is gone", async () => (await contentOf(disk.pathOf("a"))) === undefined);
  });

  test("past what can be remembered, is of all that was there before", async () => {
    await using disk = await aDisk();
    await disk.store(["old", "head", "body"]);
    const remove = (): Promise<number> => Promise.reject(systemError("EROFS"));
    const tier = disk.tier({ files: filesWith({ remove }) });
    await tier.get("old");
    for (let i = 0; i < 1_100; i += 1) tier.delete(`${i} ${"k".repeat(16_000)}`);
    assert.equal(await tier.get("old"), undefined);
    disk.advance(1);
    await disk.store(["new", "head", "body"]);
    assert.equal(textOf(await tier.get("new")), "head: body");
    assert(disk.lines.some(({ message }) => message.startsWith("too many disk entries")));
  });
});
