import type { DatabaseSync } from "node:sqlite";
import {
  type Certificate,
  type IssuedWithKey,
  PLATFORM_ACCOUNT,
} from "#certificate/certificate.ts";
import type { Happened, JobProgress } from "#certificate/job.ts";
import { EVENT_LENGTH_MAX, EVENTS_MAX } from "#certificate/limits.ts";
import { type Statements, statements } from "./connection.ts";
import { feedLog, type WriteContext } from "./feed-log.ts";
import type { CertificateRow } from "./rows.ts";

/** What several writes do with accounts' certificates, inside their own transaction. */
export interface AccountCertificates {
  readonly sql: Statements;
  /** Adds it with the first page of its story; a managed one is due at once. */
  readonly insert: (
    certificate: Certificate,
    issued: IssuedWithKey | undefined,
    context: WriteContext,
  ) => void;
  /** Takes it away, from the edges too. @returns the change's number, if they had it */
  readonly remove: (id: string, context: WriteContext) => number | undefined;
  /**
   * Brings what the edges serve of it in line with what was issued and who needs it: it is shown for
   * the custom domains that it is attached to, and for no other of its names, which may be another
   * account's. @returns the change's number, if there was one
   */
  readonly serve: (id: string, context: WriteContext) => number | undefined;
  readonly putJob: (id: string, progress: JobProgress) => void;
  readonly note: (id: string, happened: Happened, context: WriteContext) => void;
}

/** For use inside a write: nothing here begins a transaction. */
export function accountCertificates(db: DatabaseSync): AccountCertificates {
  const sql = statements(db, "account-certificates.sql");
  const serving = statements(db, "certificates.sql");
  const append = feedLog(db);

  const withdraw = (id: string, context: WriteContext): number | undefined => {
    if (serving("deleteCertificate").run(id).changes === 0) return undefined;
    return append({ kind: "certificate-delete", id }, context);
  };
  const putJob: AccountCertificates["putJob"] = (id, progress) => {
    const { dueAt, failures, failingSince, rotation, order, renewal } = progress;
    sql("putJob").run(
      id,
      dueAt ?? null,
      failures,
      failingSince ?? null,
      rotation,
      order?.issuer ?? null,
      order?.url ?? null,
      order?.sealedKey ?? null,
      renewal === undefined ? null : JSON.stringify(renewal),
    );
  };
  const note: AccountCertificates["note"] = (id, { kind, message }, { now }) => {
    sql("insertEvent").run(id, kind, message.slice(0, EVENT_LENGTH_MAX), now);
    sql("trimEvents").run(id, id, EVENTS_MAX);
  };
  return {
    sql,
    insert: (certificate, issued, context) => {
      const { id, type, dnsNames } = certificate;
      insertRow(sql, certificate, issued);
      if (type === "lets_encrypt") putJob(id, { dueAt: context.now, failures: 0, rotation: 0 });
      note(id, { kind: "created", message: `for ${dnsNames.join(", ")}` }, context);
    },
    remove: (id, context) => {
      for (const statement of ["deleteEvents", "deleteJob", "delete"]) sql(statement).run(id);
      return withdraw(id, context);
    },
    serve: (id, context) => {
      const row = sql("toServe").get(id) as ToServeRow | undefined;
      const names = row === undefined ? [] : namesToServe(sql, id, row);
      if (row === undefined || names.length === 0) return withdraw(id, context);
      const before = serving("certificate").get(id) as CertificateRow | undefined;
      const json = JSON.stringify(names);
      if (before?.names === json && before.chain === row.chain) return undefined;
      const ownName = row.account_id === null ? row.custom_domain : null;
      // The local CA's, until now: a name of the platform's own has one.
      for (const other of serving("othersOfOwnName").all(ownName, id)) {
        withdraw(String(other["id"]), context);
      }
      serving("putCertificate").run(id, ownName, json, row.chain, row.sealed_key, row.not_after);
      const now = serving("certificate").get(id) as unknown as CertificateRow;
      return append({ kind: "certificate-put", row: now }, context);
    },
    putJob,
    note,
  };
}

interface ToServeRow {
  readonly account_id: number | null;
  readonly custom_domain: string | null;
  readonly chain: string;
  readonly sealed_key: Uint8Array;
  readonly not_after: number;
}

function namesToServe(sql: Statements, id: string, row: ToServeRow): readonly string[] {
  if (row.custom_domain !== null) return [row.custom_domain];
  return sql("domainsOfCertificate")
    .all(id)
    .map((each) => String(each["custom_domain"]));
}

function insertRow(
  sql: Statements,
  certificate: Certificate,
  issued: IssuedWithKey | undefined,
): void {
  sql("insert").run(
    certificate.id,
    certificate.accountId === PLATFORM_ACCOUNT ? null : certificate.accountId,
    certificate.name,
    certificate.customDomain ?? null,
    certificate.type,
    JSON.stringify(certificate.dnsNames),
    certificate.state,
    certificate.createdAt,
    issued?.issuer ?? null,
    issued?.notBefore ?? null,
    issued?.notAfter ?? null,
    issued?.sha1 ?? null,
    issued?.chain ?? null,
    issued?.sealedKey ?? null,
  );
}
