import { backup } from "node:sqlite";
import { openForReading, statements } from "./connection.ts";

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
  const { number } = statements(copy, "endpoints.sql")("lastNumber").get() as { number: number };
  return { feedNumber: number };
}

/** Names of the object files that a database refers to. */
export function* filesOf(path: string): Generator<string> {
  using db = openForReading(path);
  for (const row of statements(db, "spaces.sql")("files").iterate()) yield String(row["file"]);
}
