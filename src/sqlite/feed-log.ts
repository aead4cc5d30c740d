import { FEED_ROWS_KEPT } from "#limits.ts";
import type { Statements } from "./connection.ts";
import type { EdgeRow } from "./rows.ts";

export type RecordedChange =
  | { readonly kind: "endpoint-put"; readonly row: EdgeRow }
  | { readonly kind: "endpoint-delete"; readonly id: string }
  | { readonly kind: "purge"; readonly id: string; readonly patterns: readonly string[] };

/** A feed entry as the writer thread hands it over: credentials are still sealed. */
export type FeedRecord = RecordedChange & { readonly number: number };

/** What a write is given besides its arguments. */
export interface WriteContext {
  /** Milliseconds since the epoch, at the start of the transaction. */
  readonly now: number;
  /** Told to the edges once the transaction is durable. */
  record(record: FeedRecord): void;
}

/** Numbers a change in the transaction that makes it. Old rows go; numbers never come again. */
export function append(sql: Statements, change: RecordedChange, context: WriteContext): number {
  const id = change.kind === "endpoint-put" ? change.row.id : change.id;
  const { lastInsertRowid } = sql("appendFeed").run(change.kind, id, context.now);
  const number = Number(lastInsertRowid);
  sql("trimFeed").run(number - FEED_ROWS_KEPT);
  context.record({ ...change, number });
  return number;
}
