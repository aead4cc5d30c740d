import type { DatabaseSync } from "node:sqlite";
import { answerPurpose } from "#acme/answers.ts";
import { urlSecretsPurpose } from "#cdn/settings.ts";
import { nextKeyPurpose } from "#certificate/job.ts";
import { keyPurpose } from "#certificate/serving.ts";
import { KEY_CHECK_PURPOSE } from "#master-key.ts";
import { parseSettings } from "#registry/settings.ts";
import { webhookPurpose } from "#registry/webhook.ts";
import type { Seal } from "#seal.ts";
import { credentialsPurpose } from "#space/space-service.ts";
import { accountKeyPurpose } from "./acme-account-store.ts";
import { LOCAL_CA_KEY_PURPOSE } from "./local-ca-store.ts";

/** A column of secrets, and what each is sealed for. */
interface SealedColumn {
  readonly table: string;
  readonly column: string;
  /** What makes a row's purpose. */
  readonly names: readonly string[];
  purpose(...names: readonly string[]): string;
}

/** Every one that there is: a test compares them with the schema. */
export const SEALED_COLUMNS: readonly SealedColumn[] = [
  {
    table: "space",
    column: "sealed_credentials",
    names: ["name", "region"],
    purpose: (name = "", region = "") => credentialsPurpose(name, region),
  },
  byId("endpoint", "sealed_url_secrets", "id", urlSecretsPurpose),
  byId("certificate", "sealed_key", "id", keyPurpose),
  byId("account_certificate", "sealed_key", "id", keyPurpose),
  byId("certificate_job", "sealed_key", "certificate_id", nextKeyPurpose),
  byId("acme_account", "sealed_key", "directory", accountKeyPurpose),
  byId("challenge", "sealed_answer", "id", answerPurpose),
  { table: "local_ca", column: "sealed_key", names: [], purpose: () => LOCAL_CA_KEY_PURPOSE },
  { table: "master_key", column: "sealed_check", names: [], purpose: () => KEY_CHECK_PURPOSE },
];

function byId(
  table: string,
  column: string,
  id: string,
  purpose: (id: string) => string,
): SealedColumn {
  return { table, column, names: [id], purpose: (name = "") => purpose(name) };
}

/**
 * Seals all secrets anew, in one transaction. @returns how many there were
 * @throws Error when one does not open: then nothing has changed
 */
export function resealAll(db: DatabaseSync, before: Seal, after: Seal): number {
  const reseal: Reseal = (sealed, purpose) => after.seal(before.open(sealed, purpose), purpose);
  db.exec("BEGIN IMMEDIATE");
  try {
    let total = resealWebhooks(db, reseal);
    for (const column of SEALED_COLUMNS) total += resealColumn(db, column, reseal);
    db.exec("COMMIT");
    return total;
  } catch (error) {
    db.exec("ROLLBACK");
    throw error;
  }
}

type Reseal = (sealed: Uint8Array, purpose: string) => Uint8Array;

function resealColumn(db: DatabaseSync, column: SealedColumn, reseal: Reseal): number {
  const update = db.prepare(`UPDATE ${column.table} SET ${column.column} = ? WHERE rowid = ?`);
  const secrets = secretsOf(db, column);
  for (const { rowId, sealed, purpose } of secrets) {
    const { changes } = update.run(reseal(sealed, purpose), rowId);
    if (changes !== 1) throw new Error(`A row of ${column.table} was not found again`);
  }
  return secrets.length;
}

/** Those of registries are in their settings, one for each webhook. */
function resealWebhooks(db: DatabaseSync, reseal: Reseal): number {
  let total = 0;
  const update = db.prepare("UPDATE registry SET settings = ? WHERE id = ?");
  const rows = db.prepare("SELECT id, settings FROM registry WHERE settings IS NOT NULL").all();
  for (const { id = null, settings: text } of rows) {
    const settings = parseSettings(String(text));
    if (settings.webhooks === undefined) continue;
    const webhooks = settings.webhooks.map((webhook) => {
      const sealed = reseal(
        Buffer.from(webhook.sealedSecret, "base64"),
        webhookPurpose(webhook.id),
      );
      return Object.assign({}, webhook, { sealedSecret: Buffer.from(sealed).toString("base64") });
    });
    update.run(JSON.stringify({ ...settings, webhooks }), id);
    total += webhooks.length;
  }
  return total;
}

/**
 * Keeps something by which the master key is known again. A database from before has none yet, but
 * may have secrets: they tell as well. @throws Error when they are under another key
 */
export function keepKeyCheck(db: DatabaseSync, seal: Seal): void {
  if (db.prepare("SELECT 1 FROM master_key").get() !== undefined) return;
  for (const column of SEALED_COLUMNS) {
    const [first] = secretsOf(db, column, 1);
    if (first !== undefined) seal.open(first.sealed, first.purpose);
  }
  const check = seal.seal("the master key fits", KEY_CHECK_PURPOSE);
  db.prepare("INSERT INTO master_key (id, sealed_check) VALUES (1, ?)").run(check);
}

interface Secret {
  readonly rowId: number;
  readonly sealed: Uint8Array;
  readonly purpose: string;
}

/** All at once: a row that is written must not come a second time. */
function secretsOf(db: DatabaseSync, column: SealedColumn, limit = -1): readonly Secret[] {
  const names = column.names.map((name) => `, ${name}`).join("");
  const rows = db
    .prepare(
      `SELECT rowid AS row_id, ${column.column} AS sealed${names} FROM ${column.table}
       WHERE ${column.column} IS NOT NULL LIMIT ?`,
    )
    .all(limit);
  return rows.map((row) => ({
    // By another name: SQLite gives it that of the column that is one with it.
    rowId: Number(row["row_id"]),
    sealed: row["sealed"] as Uint8Array,
    purpose: column.purpose(...column.names.map((name) => String(row[name]))),
  }));
}
