import type { DatabaseSync } from "node:sqlite";
import { statements } from "./connection.ts";
import { feedLog, type WriteContext } from "./feed-log.ts";
import type { EdgeRow } from "./rows.ts";

/** Tells the edges of an endpoint as it is now, whatever of it was changed. */
export function endpointPuts(db: DatabaseSync): (id: string, context: WriteContext) => number {
  const sql = statements(db, "endpoints.sql");
  const append = feedLog(db);
  return (id, context) => {
    const row = sql("edgeEndpoint").get(id) as unknown as EdgeRow;
    return append({ kind: "endpoint-put", row }, context);
  };
}
