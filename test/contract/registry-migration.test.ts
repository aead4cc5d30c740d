import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, test } from "node:test";
import { migrate } from "#sqlite/migrate.ts";

const MIGRATIONS = join(import.meta.dirname, "../../migrations");
const folder = mkdtempSync(join(tmpdir(), "atoll-migrations-"));
after(() => rmSync(folder, { recursive: true }));

/** A database as it was before the migration of that name. */
function databaseBefore(name: string): DatabaseSync {
  const first = readdirSync(MIGRATIONS).find((file) => file.endsWith(name));
  for (const file of readdirSync(MIGRATIONS)) {
    if (first !== undefined && file < first) cpSync(join(MIGRATIONS, file), join(folder, file));
  }
  const db = new DatabaseSync(":memory:", { enableForeignKeyConstraints: true });
  migrate(db, folder);
  return db;
}

test("a registry that was there keeps what it has, its usage, and the end of its blobs", () => {
  using db = databaseBefore("_registry_bounds.sql");
  db.exec(`
    INSERT INTO account (id, uuid, email, name, created_at) VALUES (1, 'u', 'e', 'n', 0);
    INSERT INTO token (id, account_id, hash, name, scopes, created_at)
      VALUES ('t', 1, x'01', 'n', '[]', 0);
    INSERT INTO registry (id, account_id, name, region, created_at) VALUES (7, 1, 'r', 'nyc3', 0);
    INSERT INTO repository (id, registry_id, name, created_at) VALUES (1, 7, 'a', 0), (2, 7, 'b', 0);
    INSERT INTO blob (digest, size_bytes, created_at) VALUES ('sha256:x', 10, 0), ('sha256:y', 5, 0);
    INSERT INTO repository_blob VALUES (1, 'sha256:x', 7, 0, ''), (2, 'sha256:x', 7, 9, '*'),
      (2, 'sha256:y', 7, 0, '');
    INSERT INTO manifest VALUES (1, 'sha256:m', 'x', NULL, NULL, NULL, x'00', 0, 0, 0);
    INSERT INTO tag VALUES (1, 'v1', 'sha256:m', 0), (1, 'v2', 'sha256:m', 0);
  `);
  const usage = () =>
    db.prepare("SELECT storage_bytes FROM registry_usage").get()?.["storage_bytes"];
  assert.equal(usage(), 15);
  const blobs = () => db.prepare("SELECT * FROM repository_blob").all();
  const before = blobs();
  migrate(db);
  assert.deepEqual(blobs(), before);
  assert.equal(usage(), 15);
  const counts = db.prepare("SELECT tags, manifests FROM repository ORDER BY id").all();
  assert.deepEqual(
    counts.map(({ tags, manifests }) => [tags, manifests]),
    [
      [2, 1],
      [0, 0],
    ],
  );
  db.exec("DELETE FROM repository WHERE id = 2");
  assert.equal(usage(), 10);
  db.exec("DELETE FROM repository_blob; DELETE FROM repository");
  const orphans = db.prepare("SELECT digest FROM blob_orphan ORDER BY digest").all();
  assert.deepEqual(
    orphans.map(({ digest }) => digest),
    ["sha256:x", "sha256:y"],
  );
  assert.deepEqual(db.prepare("PRAGMA foreign_key_check").all(), []);
});
