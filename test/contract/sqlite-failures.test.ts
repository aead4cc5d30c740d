import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdtempDisposableSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { copyDatabase } from "#sqlite/copy.ts";
import { Writer } from "#sqlite/writer.ts";
import { openTemporaryStorage } from "./temporary-storage.ts";

describe("the writer thread", () => {
  test("refuses what comes after its death, and can still be disposed of", async () => {
    using folder = mkdtempDisposableSync(join(tmpdir(), "atoll-writer-"));
    const died = Promise.withResolvers<Error>();
    // No migration was run: the thread cannot even prepare its statements' tables.
    const missing = join(folder.path, "no", "such", "folder", "atoll.db");
    await using writer = new Writer(missing, () => undefined, died.resolve);
    const first = writer.run("token.delete", 1, "x");
    await assert.rejects(first, /writer thread ended/);
    assert.match((await died.promise).message, /writer thread ended/);
    await assert.rejects(writer.run("token.delete", 1, "x"), /writer thread ended/);
  });
});

describe("a copy of the database", () => {
  test("comes to its end while writes go on all the time", async () => {
    await using storage = await openTemporaryStorage();
    const account = await storage.accounts.createAccount({
      uuid: randomUUID(),
      email: "owner@localhost",
      name: "owner",
      createdAt: 1,
    });
    assert(account !== "email-taken");
    const token = () => ({
      id: randomUUID(),
      accountId: account.id,
      name: "n".repeat(4_000),
      scopes: ["write"],
      createdAt: 1,
      hash: Buffer.from(randomUUID()),
    });
    for (let group = 0; group < 20; group += 1) {
      await Promise.all(Array.from({ length: 100 }, () => storage.accounts.createToken(token())));
    }
    const writing = new AbortController();
    const writes = (async () => {
      while (!writing.signal.aborted) await storage.accounts.createToken(token());
    })();
    using folder = mkdtempDisposableSync(join(tmpdir(), "atoll-copy-"));
    const copied = copyDatabase(storage.database, join(folder.path, "copy.db"));
    const { feedNumber } = await copied;
    writing.abort();
    await writes;
    assert.equal(feedNumber, 0);
  });
});
