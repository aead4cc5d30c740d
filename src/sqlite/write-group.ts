import type { DatabaseSync } from "node:sqlite";
import { accountWrites } from "./account-writes.ts";
import { certificateWrites } from "./certificate-writes.ts";
import { endpointWrites } from "./endpoint-writes.ts";
import type { FeedRecord, WriteContext } from "./feed-log.ts";
import { settingsWrites } from "./settings-writes.ts";
import { spaceWrites } from "./space-writes.ts";
import type { WriteGroup, WriteOutcome, WriteRequest } from "./write-message.ts";

/**
 * Runs what was waiting as one transaction, so that many writers share an fsync. Each write is a
 * savepoint: one that fails undoes itself and nothing else. When the commit fails, all have.
 */
export function writeGroupRunner(db: DatabaseSync, now: () => number) {
  const writes: Readonly<Record<string, (...args: never[]) => unknown>> = {
    ...accountWrites(db),
    ...certificateWrites(db),
    ...endpointWrites(db),
    ...settingsWrites(db),
    ...spaceWrites(db),
  };

  function runOne(request: WriteRequest, records: FeedRecord[], at: number): WriteOutcome {
    const { id, name } = request;
    const own: FeedRecord[] = [];
    const context: WriteContext = { now: at, record: (record) => own.push(record) };
    db.exec("SAVEPOINT one");
    try {
      const write = writes[name] as (...args: readonly unknown[]) => unknown;
      const value = write(...request.arguments, context);
      db.exec("RELEASE one");
      records.push(...own);
      return { id, kind: "done", value };
    } catch (error) {
      db.exec("ROLLBACK TO one; RELEASE one");
      return { id, kind: "failed", error };
    }
  }

  return (requests: readonly WriteRequest[]): WriteGroup => {
    try {
      db.exec("BEGIN IMMEDIATE");
      const records: FeedRecord[] = [];
      const at = now();
      const outcomes = requests.map((request) => runOne(request, records, at));
      db.exec("COMMIT");
      return { outcomes, records };
    } catch (error) {
      if (db.isTransaction) db.exec("ROLLBACK");
      const outcomes = requests.map(({ id }): WriteOutcome => ({ id, kind: "failed", error }));
      return { outcomes, records: [] };
    }
  };
}
