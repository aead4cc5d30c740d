import type { DatabaseSync } from "node:sqlite";
import { FEED_ROWS_KEPT } from "#limits.ts";
import { statements } from "./connection.ts";
import type { CertificateRow, ChallengeRow, EdgeRow } from "./rows.ts";

type RecordedChange =
  | { readonly kind: "endpoint-put"; readonly row: EdgeRow }
  | { readonly kind: "endpoint-delete"; readonly id: string }
  | {
      readonly kind: "purge";
      readonly id: string;
      readonly patterns: readonly string[];
      readonly soft?: boolean;
    }
  | { readonly kind: "certificate-put"; readonly row: CertificateRow }
  | { readonly kind: "certificate-delete"; readonly id: string }
  | { readonly kind: "challenge-put"; readonly row: ChallengeRow }
  | { readonly kind: "challenge-delete"; readonly id: string };

/** A feed entry as the writer thread hands it over: credentials and keys are still sealed. */
export type FeedRecord = RecordedChange & { readonly number: number };

/** What a write is given besides its arguments. */
export interface WriteContext {
  /** Milliseconds since the epoch, at the start of the transaction. */
  readonly now: number;
  /** Told to the edges once the transaction is durable. */
  record(record: FeedRecord): void;
}

/** Numbers a change in the transaction that makes it. */
type Append = (change: RecordedChange, context: WriteContext) => number;

/** The log's end, to append to. Old rows go; numbers never come again. */
export function feedLog(db: DatabaseSync): Append {
  const sql = statements(db, "feed.sql");
  return (change, context) => {
    const id = "row" in change ? change.row.id : change.id;
    const { lastInsertRowid } = sql("appendFeed").run(change.kind, id, context.now);
    const number = Number(lastInsertRowid);
    sql("trimFeed").run(number - FEED_ROWS_KEPT);
    context.record({ ...change, number });
    return number;
  };
}

/** The number of the newest change. */
export function lastNumber(db: DatabaseSync): number {
  return Number(statements(db, "feed.sql")("lastNumber").get()?.["number"]);
}
