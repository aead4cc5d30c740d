import { backup } from "node:sqlite";
import { openForReading, statements } from "./connection.ts";
import { lastNumber } from "./feed-log.ts";

/** Copies the database while it is in use; what was committed by then is in the copy, whole. */
export async function copyDatabase(
  path: string,
  target: string,
): Promise<{ readonly feedNumber: number }> {
  using source = openForReading(path);
  // A reader that has begun stays on its snapshot: without one, each commit starts the copy anew.
  source.exec("BEGIN; SELECT count(*) FROM account;");
  await backup(source, target);
  using copy = openForReading(target);
  return { feedNumber: lastNumber(copy) };
}

/** Names of the object files that a database refers to. */
export function* filesOf(path: string): Generator<string> {
  using db = openForReading(path);
  for (const row of statements(db, "spaces.sql")("files").iterate()) yield String(row["file"]);
}
