import assert from "node:assert/strict";
import { mkdtempDisposable, readdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { rotate } from "#usage/log-rotation.ts";

describe("a log file that is ours", () => {
  test("stays while it is within its limit", async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "atoll-"));
    await writeFile(join(folder.path, "access.log"), "0123456789");
    await rotate(join(folder.path, "access.log"), 10);
    assert.deepEqual(await readdir(folder.path), ["access.log"]);
  });

  test("takes the place of the one before past it, so that there are two at most", async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "atoll-"));
    const path = join(folder.path, "access.log");
    for (const text of ["the first.", "the second"]) {
      await writeFile(path, text);
      await rotate(path, 9);
    }
    assert.deepEqual(await readdir(folder.path), ["access.log.1"]);
    assert.equal(await readFile(`${path}.1`, "utf8"), "the second");
  });

  test("may be missing: nothing has been answered yet", async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "atoll-"));
    await rotate(join(folder.path, "access.log"), 9);
    assert.deepEqual(await readdir(folder.path), []);
  });
});
