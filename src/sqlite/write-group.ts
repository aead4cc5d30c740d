import type { DatabaseSync } from "node:sqlite";
import { admit } from "#registry/admit.ts";
import { accountCertificateWrites } from "./account-certificate-writes.ts";
import { accountWrites } from "./account-writes.ts";
import { acmeAccountWrites } from "./acme-account-writes.ts";
import { certificateJobWrites } from "./certificate-job-writes.ts";
import { certificateWrites } from "./certificate-writes.ts";
import { challengeWrites } from "./challenge-writes.ts";
import { collectionWrites } from "./collection-writes.ts";
import { endpointWrites } from "./endpoint-writes.ts";
import type { FeedRecord, WriteContext } from "./feed-log.ts";
import { localCaWrites } from "./local-ca-store.ts";
import { ociWrites } from "./oci-writes.ts";
import { registryContentWrites } from "./registry-content-writes.ts";
import { registryDeliveryWrites } from "./registry-deliveries.ts";
import { registrySettingsWrites } from "./registry-settings.ts";
import { registryWrites } from "./registry-writes.ts";
import { settingsWrites } from "./settings-writes.ts";
import { spaceWrites } from "./space-writes.ts";
import type { WriteGroup, WriteOutcome, WriteRequest } from "./write-message.ts";

/**
 * Runs what was waiting as one transaction, so that many writers share an fsync. Each write is a
 * savepoint: one that fails undoes itself and nothing else. When the commit fails, all have.
 */
export function writeGroupRunner(db: DatabaseSync, now: () => number) {
  const writes: Readonly<Record<string, (...args: never[]) => unknown>> = {
    ...accountCertificateWrites(db),
    ...accountWrites(db),
    ...acmeAccountWrites(db),
    ...certificateJobWrites(db),
    ...certificateWrites(db),
    ...challengeWrites(db),
    ...collectionWrites(db),
    ...endpointWrites(db),
    ...localCaWrites(db),
    ...ociWrites(db, admit),
    ...registryContentWrites(db),
    ...registryDeliveryWrites(db),
    ...registrySettingsWrites(db),
    ...registryWrites(db),
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
