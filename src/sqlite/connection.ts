import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";

/** What a busy checkpoint or backup may hold a connection up for. */
const BUSY_TIMEOUT_MS = 5_000;

/** The one connection that writes: an acknowledged write survives a power cut (ADR 2). */
export function openForWriting(path: string): DatabaseSync {
  const db = new DatabaseSync(path, {
    timeout: BUSY_TIMEOUT_MS,
    enableForeignKeyConstraints: true,
  });
  db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
  return db;
}

export function openForReading(path: string): DatabaseSync {
  return new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS, readOnly: true });
}

/** Finds a statement by its name in the file that it was made for. */
export type Statements = (name: string) => StatementSync;

/**
 * The statements of a `.sql` file beside this one, each prepared at its first use. A statement
 * begins at a line `-- name: itsName` and ends at the next one.
 */
export function statements(db: DatabaseSync, file: `${string}.sql`): Statements {
  const texts = namedTexts(readFileSync(join(import.meta.dirname, file), "utf8"));
  const prepared = new Map<string, StatementSync>();
  return (name) => {
    const known = prepared.get(name);
    if (known !== undefined) return known;
    const text = texts.get(name);
    if (text === undefined) throw new Error(`No statement ${name} in ${file}`);
    const statement = db.prepare(text);
    prepared.set(name, statement);
    return statement;
  };
}

function namedTexts(file: string): ReadonlyMap<string, string> {
  const parts = file.split(/^-- name: (\w+)$/m);
  const texts = new Map<string, string>();
  for (let index = 1; index < parts.length; index += 2) {
    texts.set(parts[index] ?? "", parts[index + 1] ?? "");
  }
  return texts;
}
