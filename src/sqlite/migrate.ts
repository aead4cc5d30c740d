import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";

const DIRECTORY = join(import.meta.dirname, "../../migrations");

/**
 * Applies `0001_name.sql`, `0002_name.sql`, … once each, in order, all or nothing.
 * @throws Error when one fails, or when the database is of a newer Atoll
 */
export function migrate(db: DatabaseSync, directory = DIRECTORY): void {
  const names = readdirSync(directory)
    .filter((name) => /^\d{4}_.+\.sql$/.test(name))
    .toSorted();
  const { user_version: version } = db.prepare("PRAGMA user_version").get() as {
    user_version: number;
  };
  if (version > names.length) {
    throw new Error(
      `Cannot open the database: a newer Atoll made it (schema ${version}, this one knows ` +
        `${names.length}). Start that version, or restore a backup.`,
    );
  }
  for (const [index, name] of names.entries()) {
    if (index < version) continue;
    db.exec("BEGIN IMMEDIATE");
    try {
      db.exec(readFileSync(join(directory, name), "utf8"));
      db.exec(`PRAGMA user_version = ${index + 1}`);
      db.exec("COMMIT");
    } catch (cause) {
      db.exec("ROLLBACK");
      throw new Error(`Cannot apply migration ${name}`, { cause });
    }
  }
}
