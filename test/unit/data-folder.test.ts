import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempDisposableSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { diskObjectFiles } from "#disk/object-files.ts";
import { openDataFolder } from "../../src/data-folder.ts";

function temporary() {
  return mkdtempDisposableSync(join(tmpdir(), "atoll-folder-"));
}

function put(...parts: readonly string[]): string {
  const path = join(...parts);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, "somebody's");
  return path;
}

describe("the data folder", () => {
  test("is one server's at a time, and free again when that one has ended", async () => {
    using folder = temporary();
    {
      using first = await openDataFolder(folder.path);
      await first.writeRuntime({});
      await assert.rejects(openDataFolder(folder.path), /another Atoll serves from it/);
    }
    using _second = await openDataFolder(folder.path);
  });

  test("is waited for while whoever has it is about to end", async () => {
    using folder = temporary();
    const first = await openDataFolder(folder.path);
    await first.writeRuntime({});
    await first.removeRuntime();
    const second = openDataFolder(folder.path);
    assert.equal(
      await Promise.race([second, new Promise((resolve) => setImmediate(resolve))]),
      undefined,
    );
    first[Symbol.dispose]();
    using _second = await second;
  });

  test("loses nothing that was not ours", async () => {
    using folder = temporary();
    const kept = [put(folder.path, "tmp", "thesis.txt"), put(folder.path, "notes.tmp")];
    using _opened = await openDataFolder(folder.path);
    assert.deepEqual(kept.filter(existsSync), kept);
  });

  test("is rid of what a crash has left", async () => {
    using folder = temporary();
    const left = [
      put(folder.path, "tmp", "backup-1.db"),
      put(folder.path, "runtime.json.0123456789ab.tmp"),
      put(folder.path, "ca", "ca.key.0123456789ab.tmp"),
    ];
    using _opened = await openDataFolder(folder.path);
    assert.deepEqual(left.filter(existsSync), []);
  });

  test("is refused when its database is gone: objects would be taken for leftovers", async () => {
    using folder = temporary();
    put(folder.path, "objects", "56", "56e93919-5cf0-4cfa-a96e-a513749570ea");
    await assert.rejects(openDataFolder(folder.path), /atoll\.db is gone/);
  });
});

describe("object files", () => {
  test("are swept when nothing refers to them, and nothing else is", async () => {
    using folder = temporary();
    const files = await diskObjectFiles(folder.path);
    const bytes = async function* () {
      yield Buffer.from("abc");
    };
    const { signal } = new AbortController();
    const kept = await files.write(bytes(), 10, signal);
    const orphan = await files.write(bytes(), 10, signal);
    const foreign = [put(folder.path, "photos", "a.jpg"), put(folder.path, ".DS_Store")];
    assert.equal(await files.sweep(new Set([kept.file])), 1);
    assert.equal(await files.open(orphan.file), undefined);
    await using open = await files.open(kept.file);
    assert(open !== undefined);
    assert.deepEqual(foreign.filter(existsSync), foreign);
  });

  test("leave nothing when they are too large or break off", async () => {
    using folder = temporary();
    const files = await diskObjectFiles(folder.path);
    const { signal } = new AbortController();
    const broken = async function* () {
      yield Buffer.from("abc");
      throw new Error("gone");
    };
    await assert.rejects(files.write(broken(), 10, signal), /gone/);
    await assert.rejects(files.write(broken(), 2, signal), /at most 2 bytes/);
    assert.equal(await files.sweep(new Set()), 0);
  });

  test("stay as long as deletions are held", async () => {
    using folder = temporary();
    const files = await diskObjectFiles(folder.path);
    const bytes = async function* () {
      yield Buffer.from("abc");
    };
    const { file } = await files.write(bytes(), 10, new AbortController().signal);
    {
      await using _held = files.holdDeletions();
      await files.remove(file);
      await using open = await files.open(file);
      assert(open !== undefined);
    }
    assert.equal(await files.open(file), undefined);
  });
});
