import assert from "node:assert/strict";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { describe, test } from "node:test";
import { crc32 } from "node:zlib";
import { aDisk, contentOf, textOf } from "./support.ts";

const KEY = "19f06b6a /style.css";

describe("an entry's file", () => {
  test("has the key, the head and the body, and what they are checked by", async () => {
    await using disk = await aDisk();
    await disk.store([KEY, "head", "body"]);
    const file = await readFile(disk.pathOf(KEY));
    assert.equal(file.toString("latin1", 0, 4), "ATL1");
    assert.equal(file.readUInt32BE(4), crc32(file.subarray(8, -4)));
    assert.deepEqual(
      [8, 12, 16].map((at) => file.readUInt32BE(at)),
      [KEY.length, 4, 4],
    );
    assert.equal(file.readUInt32BE(20), crc32("body"));
    assert.equal(file.readDoubleBE(24), disk.now());
    assert.equal(file.toString("latin1", 32), `${KEY}headbody`);
  });

  test("is named by the hash of its key, in one of 256 folders", async () => {
    await using disk = await aDisk();
    // printf %s "19f06b6a /style.css" | sha256sum
    assert.equal(disk.pathOf(KEY), `${disk.root}/25/9c4b996ee7fc3b59fe97920f163a98`);
  });

  test("is absent when any bit of it is another: removed, counted, logged", async () => {
    await using disk = await aDisk();
    await disk.store([KEY, "head", "body"]);
    const path = disk.pathOf(KEY);
    const whole = await readFile(path);
    for (let bit = 0; bit < whole.length * 8; bit += 1) {
      const tier = disk.tier();
      const flipped = Buffer.from(whole);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      await writeFile(path, flipped);
      assert.equal(await tier.get(KEY), undefined, `bit ${bit}`);
      await tier.close();
      assert.equal(tier.stats().corrupt, 1, `bit ${bit}`);
      assert.equal(await contentOf(path), undefined, `bit ${bit}`);
    }
    const lines = disk.lines.filter(({ message }) => message === "disk entry is corrupt");
    assert.equal(lines.length, whole.length * 8);
    assert.equal(lines[0]?.["name"], "259c4b996ee7fc3b59fe97920f163a98");
  });

  test("is absent when it ends early, wherever, or has more than it says", async () => {
    await using disk = await aDisk();
    await disk.store([KEY, "head", "body"]);
    const path = disk.pathOf(KEY);
    const whole = await readFile(path);
    const shorter = Array.from(whole, (_, length) => whole.subarray(0, length));
    for (const content of [...shorter, Buffer.concat([whole, Buffer.of(0)])]) {
      const tier = disk.tier();
      const reason = content.length < whole.length ? "truncated" : "wrong lengths";
      await writeFile(path, content);
      assert.equal(await tier.get(KEY), undefined, `${content.length} bytes`);
      assert.equal(disk.lines.at(-1)?.["reason"], reason);
      await tier.close();
    }
  });

  test("is believed in no length above its bound, not even with the right checksum", async () => {
    await using disk = await aDisk();
    await disk.store([KEY, "head", "body"]);
    const path = disk.pathOf(KEY);
    const whole = await readFile(path);
    const reasons: unknown[] = [];
    for (const at of [8, 12, 16]) {
      const lying = Buffer.from(whole);
      lying.writeUInt32BE(0xff_ff_ff_ff, at);
      lying.writeUInt32BE(crc32(lying.subarray(8, -4)), 4);
      await writeFile(path, lying);
      await disk.tier().get(KEY);
      reasons.push(disk.lines.at(-1)?.["reason"]);
    }
    assert.deepEqual(reasons, ["wrong lengths", "wrong lengths", "wrong lengths"]);
  });

  test("is absent where another key is looked for, as it would be if two had one name", async () => {
    await using disk = await aDisk();
    await disk.store([KEY, "head", "body"]);
    const elsewhere = disk.pathOf("19f06b6a /other.css");
    await mkdir(dirname(elsewhere), { recursive: true });
    await copyFile(disk.pathOf(KEY), elsewhere);
    const tier = disk.tier();
    assert.equal(await tier.get("19f06b6a /other.css"), undefined);
    assert.equal(disk.lines.at(-1)?.["reason"], "another key");
    assert.equal(textOf(await tier.get(KEY)), "head: body");
    await tier.close();
    assert.equal(await contentOf(elsewhere), undefined);
  });

  test("is not removed when another has been put in its place since it was read", async () => {
    await using disk = await aDisk();
    await disk.store([KEY, "unreadable", "body"]);
    const tier = disk.tier({
      decodeHead: (head) => {
        if (head.toString() === "new") return "new";
        tier.put(KEY, Buffer.from("new"), [Buffer.from("body")]);
        return undefined;
      },
    });
    assert.equal(await tier.get(KEY), undefined);
    await tier.close();
    assert.equal(textOf(await disk.tier().get(KEY)), "new: body");
  });

  test("is absent when its head is not one that the codec knows", async () => {
    await using disk = await aDisk();
    await disk.store([KEY, "unreadable", "body"]);
    assert.equal(await disk.tier().get(KEY), undefined);
    assert.equal(disk.lines.at(-1)?.["reason"], "unreadable head");
  });
});
