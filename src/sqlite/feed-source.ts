import { setImmediate as nextTurn } from "node:timers/promises";
import type { EdgeEndpoint, FeedEntry } from "#feed/entry.ts";
import type { SnapshotPart } from "#feed/hub.ts";
import type { KeptPurge } from "#feed/message.ts";
import { openForReading, statements } from "./connection.ts";
import type { FeedRecord } from "./feed-log.ts";
import type { EdgeRow } from "./rows.ts";

/** Rows of one turn: a few milliseconds of this thread. */
const PART_ROWS = 1_000;

/** An edge's view of a row; credentials are opened here, on their way to the workers. */
export type ToEdgeEndpoint = (row: EdgeRow) => EdgeEndpoint;

/** The records of a transaction as the edges get them. */
export function toEntries(
  records: readonly FeedRecord[],
  toEdgeEndpoint: ToEdgeEndpoint,
): readonly FeedEntry[] {
  return records.map((record) =>
    record.kind === "endpoint-put"
      ? { kind: record.kind, number: record.number, endpoint: toEdgeEndpoint(record.row) }
      : record,
  );
}

/** The state of one moment: a read transaction of a connection of its own. */
export async function* readSnapshot(
  path: string,
  toEdgeEndpoint: ToEdgeEndpoint,
): AsyncGenerator<SnapshotPart> {
  using db = openForReading(path);
  const sql = statements(db, "endpoints.sql");
  db.exec("BEGIN");
  const { number } = sql("lastNumber").get() as { number: number };
  let after = 0;
  for (;;) {
    const rows = sql("edgeEndpointsAfter").all(after, PART_ROWS) as unknown as (EdgeRow & {
      number: number;
    })[];
    const last = rows.at(-1);
    if (last === undefined) break;
    yield { kind: "part", endpoints: rows.map(toEdgeEndpoint), purges: [] };
    after = last.number;
    await nextTurn();
  }
  // An endpoint's purges in the order in which they came.
  let from: readonly [string, number, string] = ["", 0, ""];
  for (;;) {
    const rows = sql("purgesAfter").all(...from, PART_ROWS) as unknown as {
      endpoint_id: string;
      pattern: string;
      number: number;
    }[];
    const last = rows.at(-1);
    if (last === undefined) break;
    const purges = rows.map(
      (row): KeptPurge => ({ id: row.endpoint_id, pattern: row.pattern, number: row.number }),
    );
    yield { kind: "part", endpoints: [], purges };
    from = [last.endpoint_id, last.number, last.pattern];
    await nextTurn();
  }
  yield { kind: "end", number };
}
