import assert from "node:assert/strict";
import { stat, utimes } from "node:fs/promises";
import { describe, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import * as fc from "fast-check";
import { localFiles } from "#edge/disk/entry-files.ts";
import { SLICE_BYTES } from "#edge/limits.ts";
import { aDisk, filesWith, textOf } from "./support.ts";

describe("the disk tier", () => {
  test("has what was put, after a restart too", async () => {
    await using disk = await aDisk();
    const tier = disk.tier();
    tier.put("a", Buffer.from("head"), [Buffer.from("bo"), Buffer.from("dy")]);
    assert.equal(textOf(await tier.get("a")), "head: body");
    await tier.close();
    assert.equal(textOf(await disk.tier().get("a")), "head: body");
    assert.equal(await disk.tier().get("b"), undefined);
  });

  test("has any key, head and body up to their limits as they were put", async () => {
    await using disk = await aDisk();
    const entry = fc.tuple(
      fc.string({ unit: "binary", maxLength: 200 }),
      fc.string({ maxLength: 5_000 }),
      fc.constantFrom(0, 1, 60_000, 70_000, SLICE_BYTES),
    );
    await fc.assert(
      fc.asyncProperty(entry, async ([key, head, length]) => {
        fc.pre(key.isWellFormed() && head !== "unreadable");
        const body = Buffer.alloc(length, `${head}.`);
        await disk.store([key, head, body]);
        const tier = disk.tier();
        assert.deepEqual(await tier.get(key), { head, body });
        assert.deepEqual(tier.getQuick(key), { head, body });
        await tier.close();
      }),
      { numRuns: 30 },
    );
  });

  test("has heads that are longer than what is read first", async () => {
    await using disk = await aDisk();
    const head = "h".repeat(100_000);
    await disk.store(["a", head, "body"]);
    assert.equal(textOf(await disk.tier().get("a")), `${head}: body`);
  });

  test("is shared by workers: what one has written the others find", async () => {
    await using disk = await aDisk();
    const other = disk.tier();
    assert.equal(await other.get("a"), undefined);
    await disk.store(["a", "head", "body"]);
    assert.equal(textOf(await other.get("a")), "head: body");
  });

  test("has the last of what was put under a key, and writes only that", async () => {
    await using disk = await aDisk();
    const tier = disk.tier();
    for (const body of ["1", "2", "3"]) tier.put("a", Buffer.from("head"), [Buffer.from(body)]);
    assert.equal(textOf(tier.getQuick("a")), "head: 3");
    await tier.close();
    assert.equal(tier.stats().written, 1);
    assert.equal(textOf(await disk.tier().get("a")), "head: 3");
  });

  test("has nothing of what was deleted, from the moment of that on", async () => {
    await using disk = await aDisk();
    await disk.store(["a", "head", "body"]);
    const tier = disk.tier();
    await tier.get("a");
    tier.delete("a");
    assert.equal(tier.getQuick("a"), undefined);
    assert.equal(await tier.get("a"), undefined);
    await tier.close();
    assert.equal(await disk.tier().get("a"), undefined);
  });

  test("does not answer by what was deleted while it was read", async () => {
    await using disk = await aDisk();
    await disk.store(["a", "head", "body"]);
    const reached = Promise.withResolvers<void>();
    const letOn = Promise.withResolvers<void>();
    const tier = disk.tier({
      files: filesWith({
        open: async (path) => {
          const opened = await localFiles.open(path);
          reached.resolve();
          await letOn.promise;
          return opened;
        },
      }),
    });
    const reading = tier.get("a");
    await reached.promise;
    tier.delete("a");
    letOn.resolve();
    assert.equal(await reading, undefined);
  });

  test("has what was put last and not deleted since, whatever is done in between", async () => {
    const step = fc.record({
      kind: fc.constantFrom("put", "delete", "get", "get quickly", "wait", "restart"),
      key: fc.constantFrom("a", "b", "c"),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        await using disk = await aDisk();
        const model = new Map<string, string>();
        let tier = disk.tier({ openFilesMax: 2 });
        for (const [i, { kind, key }] of steps.entries()) {
          if (kind === "put") {
            tier.put(key, Buffer.from("head"), [Buffer.from(`${i}`)]);
            model.set(key, `head: ${i}`);
          } else if (kind === "delete") {
            tier.delete(key);
            model.delete(key);
          } else if (kind === "get") {
            assert.equal(textOf(await tier.get(key)), model.get(key));
          } else if (kind === "get quickly") {
            const entry = tier.getQuick(key);
            if (entry !== "unknown") assert.equal(textOf(entry), model.get(key));
          } else if (kind === "wait") {
            await nextTurn();
          } else {
            await tier.close();
            tier = disk.tier({ openFilesMax: 2 });
          }
        }
      }),
      { numRuns: 200 },
    );
  });

  test("reads a key once for all who ask at one time", async () => {
    await using disk = await aDisk();
    await disk.store(["a", "head", "body"]);
    const tier = disk.tier();
    const entries = await Promise.all(Array.from({ length: 1_000 }, () => tier.get("a")));
    assert.deepEqual(new Set(entries.map(textOf)), new Set(["head: body"]));
    assert.equal(tier.stats().read, 1);
  });

  test("reports by how much more or less the disk is used, in its blocks", async () => {
    await using disk = await aDisk();
    const reports: number[] = [];
    const tier = disk.tier({ grew: (bytes) => reports.push(bytes) });
    tier.put("a", Buffer.from("head"), [Buffer.alloc(5_000)]);
    await tier.close();
    const next = disk.tier({ grew: (bytes) => reports.push(bytes) });
    next.put("a", Buffer.from("head"), [Buffer.alloc(100)]);
    await next.close();
    const last = disk.tier({ grew: (bytes) => reports.push(bytes) });
    last.delete("a");
    last.delete("b");
    await last.close();
    assert.deepEqual(reports, [8_192, -4_096, -4_096]);
  });

  test("notes use in the file, once an hour", async () => {
    await using disk = await aDisk();
    await disk.store(["a", "head", "body"]);
    const minutesAgo = async (minutes: number): Promise<number> => {
      const written = new Date(disk.now() - minutes * 60_000);
      await utimes(disk.pathOf("a"), written, written);
      const tier = disk.tier();
      await tier.get("a");
      await tier.close();
      return Math.round((disk.now() - (await stat(disk.pathOf("a"))).mtimeMs) / 60_000);
    };
    assert.equal(await minutesAgo(59), 59);
    assert.equal(await minutesAgo(61), 0);
  });
});
