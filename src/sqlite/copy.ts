import { backup } from "node:sqlite";
import type { Digest } from "#oci/digest.ts";
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

/** What a database refers to outside itself: files of objects, and blobs by their digests. */
export interface Referred {
  readonly object: (file: string) => string;
  readonly blob: (digest: Digest) => string;
}

/** The paths of all that a database refers to, each as its owner says where it is. */
export function* filesOf(path: string, place: Referred): Generator<string> {
  using db = openForReading(path);
  for (const row of statements(db, "spaces.sql")("files").iterate()) {
    yield place.object(String(row["file"]));
  }
  for (const row of statements(db, "oci.sql")("blobs").iterate()) {
    yield place.blob(row["digest"] as Digest);
  }
}
