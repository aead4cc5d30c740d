import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { existsSync, mkdtempDisposableSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, test } from "node:test";
import { keyPurpose } from "#certificate/serving.ts";
import { adoptNextKey, KEY_CHECK_PURPOSE, openMasterKey, writeNextKey } from "#master-key.ts";
import { parseSettings } from "#registry/settings.ts";
import { webhookPurpose } from "#registry/webhook.ts";
import { type Seal, sealUnder } from "#seal.ts";
import { openForWriting } from "#sqlite/connection.ts";
import { migrate } from "#sqlite/migrate.ts";
import { keepKeyCheck, resealAll, SEALED_COLUMNS } from "#sqlite/sealed-columns.ts";

/** A folder with a place for a key and one for a database. */
function openPlace() {
  const folder = mkdtempDisposableSync(join(tmpdir(), "atoll-key-"));
  const file = join(folder.path, "master.key");
  const database = join(folder.path, "atoll.db");
  const place = { file, database, isOurs: true };
  /** A database under the key that is there, with one secret of its own. */
  const fill = (seal: Seal): void => {
    using db = openForWriting(database);
    migrate(db);
    keepKeyCheck(db, seal);
    db.prepare(
      `INSERT INTO certificate (id, names, chain, sealed_key, not_after) VALUES ('1', '[]', '', ?, 0)`,
    ).run(seal.seal("private key", keyPurpose("1")));
    db.exec("INSERT INTO account VALUES (1, 'u', 'owner@localhost', 'owner', 0)");
    const sealedSecret = Buffer.from(seal.seal("signed", webhookPurpose("w"))).toString("base64");
    const settings = {
      webhooks: [{ id: "w", url: "https://a.example", events: [], sealedSecret }],
    };
    db.prepare(
      `INSERT INTO registry (account_id, name, region, settings, created_at)
       VALUES (1, 'r', 'nyc3', ?, 0)`,
    ).run(JSON.stringify(settings));
  };
  const webhookSecret = (seal: Seal): string => {
    using db = new DatabaseSync(database);
    const text = String(db.prepare("SELECT settings FROM registry").get()?.["settings"]);
    const [webhook] = parseSettings(text).webhooks ?? [];
    return seal.open(Buffer.from(webhook?.sealedSecret ?? "", "base64"), webhookPurpose("w"));
  };
  const secret = (seal: Seal): string => {
    using db = new DatabaseSync(database);
    const row = db.prepare("SELECT sealed_key FROM certificate").get();
    return seal.open(row?.["sealed_key"] as Uint8Array, keyPurpose("1"));
  };
  return {
    ...place,
    place,
    fill,
    secret,
    webhookSecret,
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
}

describe("the master key", () => {
  test("is made with an empty data folder, and the same from then on", async () => {
    using world = openPlace();
    const key = await openMasterKey(world.place);
    assert.equal(key.byteLength, 32);
    world.fill(sealUnder(key));
    assert.deepEqual(Buffer.from(await openMasterKey(world.place)), Buffer.from(key));
  });

  test("that is missing ends the start: a new one could open nothing", async () => {
    using world = openPlace();
    world.fill(sealUnder(await openMasterKey(world.place)));
    rmSync(world.file);
    await assert.rejects(openMasterKey(world.place), /master\.key is missing\. Bring it back/);
    assert(!existsSync(world.file));
  });

  test("that is another one's ends the start, and so does what is no key", async () => {
    using world = openPlace();
    world.fill(sealUnder(await openMasterKey(world.place)));
    writeFileSync(world.file, randomBytes(32).toString("base64"));
    await assert.rejects(openMasterKey(world.place), /sealed under another one/);
    writeFileSync(world.file, "key");
    await assert.rejects(openMasterKey(world.place), /expected 32 bytes in base64/);
  });

  test("that somebody else brings is never made here", async () => {
    using world = openPlace();
    const brought = { ...world.place, isOurs: false };
    await assert.rejects(openMasterKey(brought), /is missing.*openssl rand -base64 32/);
    writeFileSync(world.file, `${randomBytes(32).toString("base64")}\n`);
    assert.equal((await openMasterKey(brought)).byteLength, 32);
  });

  test("is told from another one in a database that had no check value yet", async () => {
    using world = openPlace();
    world.fill(sealUnder(await openMasterKey(world.place)));
    using db = openForWriting(world.database);
    db.exec("DELETE FROM master_key");
    assert.throws(() => keepKeyCheck(db, sealUnder(randomBytes(32))), /master key does not fit/);
  });
});

describe("a rotation of the master key", () => {
  test("seals every secret anew, and nothing opens under the key before", async () => {
    using world = openPlace();
    const before = sealUnder(await openMasterKey(world.place));
    world.fill(before);
    const after = sealUnder(await writeNextKey(world.file));
    {
      using db = openForWriting(world.database);
      assert.equal(resealAll(db, before, after), 3);
    }
    await adoptNextKey(world.file);
    const seal = sealUnder(await openMasterKey(world.place));
    assert.equal(world.secret(seal), "private key");
    assert.equal(world.webhookSecret(seal), "signed");
    assert.throws(() => world.secret(before), /does not fit/);
  });

  test("that was killed before its transaction is as if it had not been", async () => {
    using world = openPlace();
    const key = await openMasterKey(world.place);
    world.fill(sealUnder(key));
    await writeNextKey(world.file);
    assert.deepEqual(Buffer.from(await openMasterKey(world.place)), Buffer.from(key));
    assert(!existsSync(`${world.file}.next`));
  });

  test("that was killed after its transaction is finished by the next start", async () => {
    using world = openPlace();
    const before = sealUnder(await openMasterKey(world.place));
    world.fill(before);
    const next = await writeNextKey(world.file);
    {
      using db = openForWriting(world.database);
      resealAll(db, before, sealUnder(next));
    }
    assert.equal(world.secret(sealUnder(await openMasterKey(world.place))), "private key");
    assert.equal(readFileSync(world.file, "utf8").trim(), Buffer.from(next).toString("base64"));
  });

  test("changes nothing when one secret does not open", async () => {
    using world = openPlace();
    const seal = sealUnder(await openMasterKey(world.place));
    world.fill(seal);
    using db = openForWriting(world.database);
    db.exec("UPDATE certificate SET sealed_key = zeroblob(64)");
    assert.throws(() => resealAll(db, seal, sealUnder(randomBytes(32))), /does not fit/);
    const check = db.prepare("SELECT sealed_check FROM master_key").get()?.["sealed_check"];
    assert.doesNotThrow(() => seal.open(check as Uint8Array, KEY_CHECK_PURPOSE));
  });

  test("knows of every sealed column that there is", () => {
    using db = new DatabaseSync(":memory:");
    migrate(db);
    const columns = db
      .prepare(
        `SELECT schema.name || '.' || info.name AS place
         FROM sqlite_schema AS schema JOIN pragma_table_info(schema.name) AS info
         WHERE schema.type = 'table' AND info.name LIKE 'sealed%' ORDER BY place`,
      )
      .all()
      .map((row) => String(row["place"]));
    const known = SEALED_COLUMNS.map(({ table, column }) => `${table}.${column}`);
    assert.deepEqual(known.toSorted(), columns);
  });
});
