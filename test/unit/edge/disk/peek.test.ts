import assert from "node:assert/strict";
import { statSync, writeFileSync } from "node:fs";
import { describe, test } from "node:test";
import { aDisk, filesWith, systemError } from "./support.ts";

describe("a look at an entry on disk", () => {
  test("has its head and how long its body is, and leaves no trace", async () => {
    await using disk = await aDisk();
    await disk.store(["key", "head", "body of it"]);
    const tier = disk.tier();
    const file = disk.pathOf("key");
    const before = [statSync(file).mtimeMs, JSON.stringify(tier.stats())];
    // A hit would be noted in the file by now.
    disk.advance(10 * 3_600_000);
    assert.deepEqual(await tier.peek("key"), { head: "head", bodyBytes: 10 });
    assert.equal(await tier.peek("absent"), undefined);
    assert.deepEqual([statSync(file).mtimeMs, JSON.stringify(tier.stats())], before);
    assert.equal(tier.stats().openFiles, 0);
  });

  test("has what is on its way there", async () => {
    await using disk = await aDisk();
    const tier = disk.tier();
    tier.put("key", Buffer.from("head"), [Buffer.from("bo"), Buffer.from("dy")]);
    assert.deepEqual(await tier.peek("key"), { head: "head", bodyBytes: 4 });
    tier.delete("key");
    assert.equal(await tier.peek("key"), undefined);
  });

  test("finds nothing in what is corrupt, and lets it lie", async () => {
    await using disk = await aDisk();
    await disk.store(["key", "head", "body"]);
    writeFileSync(disk.pathOf("key"), "no entry at all");
    const tier = disk.tier();
    assert.equal(await tier.peek("key"), undefined);
    assert.equal(tier.stats().corrupt, 0);
    assert.equal(statSync(disk.pathOf("key")).size, 15);
  });

  test("says when the disk does not", async () => {
    await using disk = await aDisk();
    const open = (): never => {
      throw systemError("EIO");
    };
    const tier = disk.tier({ files: filesWith({ open }) });
    assert.equal(await tier.peek("key"), "unknown");
    assert.equal(tier.stats().failed, 0);
    assert.deepEqual(disk.lines, []);
  });
});
