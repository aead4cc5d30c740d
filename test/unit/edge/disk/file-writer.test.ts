import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { FileWriter } from "#edge/disk/file-writer.ts";

const BLOCK = 4_096;

interface Folder extends AsyncDisposable {
  readonly path: string;
}

async function aFolder(): Promise<Folder> {
  const path = await mkdtemp(join(tmpdir(), "atoll-writer-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

describe("the thread that writes", () => {
  test("writes more than one batch has room for, each file whole and under its own name", async () => {
    await using folder = await aFolder();
    const writer = new FileWriter();
    const bodies = Array.from({ length: 300 }, (_, i) => Buffer.alloc(20_000 + i, `${i} `));
    const grew = await Promise.all(
      bodies.map((body, i) =>
        writer.write(
          [body.subarray(0, 7), body.subarray(7)],
          `${folder.path}/tmp/${i}`,
          `${folder.path}/${i % 16}/${i}`,
        ),
      ),
    );
    assert(grew.every((bytes) => bytes === 5 * BLOCK));
    for (const [i, body] of bodies.entries()) {
      assert.deepEqual(await readFile(`${folder.path}/${i % 16}/${i}`), body);
    }
    assert.deepEqual(await readdir(`${folder.path}/tmp`), []);
  });

  test("says what a file that is replaced, or removed, no longer takes", async () => {
    await using folder = await aFolder();
    const writer = new FileWriter();
    const path = `${folder.path}/a`;
    await writeFile(path, Buffer.alloc(3 * BLOCK));
    assert.equal(
      await writer.write([Buffer.alloc(BLOCK)], `${folder.path}/tmp/1`, path),
      -2 * BLOCK,
    );
    assert.equal(await writer.remove(path), BLOCK);
    assert.equal(await writer.remove(path), 0);
  });

  test("goes on after what failed, and tells by which error", async () => {
    await using folder = await aFolder();
    const writer = new FileWriter();
    await mkdir(`${folder.path}/taken/full`, { recursive: true });
    const outcomes = await Promise.allSettled([
      writer.write([Buffer.from("a")], `${folder.path}/tmp/1`, `${folder.path}/taken`),
      writer.write([Buffer.from("b")], `${folder.path}/tmp/2`, `${folder.path}/b`),
    ]);
    const [failed, done] = outcomes;
    assert(failed?.status === "rejected" && failed.reason.code === "EISDIR");
    assert.equal(done?.status, "fulfilled");
    assert.deepEqual(await readdir(`${folder.path}/tmp`), []);
  });
});
