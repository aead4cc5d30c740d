import type { DatabaseSync } from "node:sqlite";
import {
  type CertificateCounts,
  type CertificateEvent,
  type CertificateState,
  type CertificateStore,
  PLATFORM_ACCOUNT,
} from "#certificate/certificate.ts";
import type { JobStore } from "#certificate/job.ts";
import {
  type AccountCertificateRow,
  type JobRow,
  toCertificate,
  toEvent,
  toJob,
} from "./certificate-rows.ts";
import { statements } from "./connection.ts";
import type { Writer } from "./writer.ts";

/** Reads come from this thread's own connection, which sees every write that was acknowledged. */
export function sqliteAccountCertificates(db: DatabaseSync, writer: Writer): CertificateStore {
  const sql = statements(db, "account-certificates.sql");
  return {
    create: (certificate, sealedKey) =>
      writer.run("account-certificate.create", certificate, sealedKey),
    own: () =>
      sql("ownNames")
        .all()
        .map((row) => ({ name: String(row["custom_domain"]), isIssued: row["is_issued"] === 1 })),
    setOwn: (names) => writer.run("account-certificate.own", names),
    delete: (accountId, id) => writer.run("account-certificate.delete", accountId, id),
    find: (accountId, id) => {
      const row = sql("find").get(ownerOf(accountId), id) as AccountCertificateRow | undefined;
      return row && toCertificate(row);
    },
    page: (accountId, { name, automatic = false }, offset, limit) => {
      const { which, values } = pageOf(accountId, name, automatic);
      const rows = sql(`page${which}`).all(...values, limit, offset);
      return {
        rows: (rows as unknown as AccountCertificateRow[]).map(toCertificate),
        total: Number(sql(`count${which}`).get(...values)?.["total"]),
      };
    },
    events: (id) => (sql("events").all(id) as unknown as CertificateEvent[]).map(toEvent),
    counts: () => toCounts(sql("counts").all() as unknown as CountRow[]),
  };
}

/** The platform's own have no account in their rows. */
function ownerOf(accountId: number): number | null {
  return accountId === PLATFORM_ACCOUNT ? null : accountId;
}

/** Which statements have it; each finds its rows by an index. */
function pageOf(accountId: number, name: string | undefined, automatic: boolean) {
  if (automatic) {
    return { which: "OfAll", values: [ownerOf(accountId), name ?? null, name ?? null] };
  }
  if (name !== undefined) return { which: "OfName", values: [accountId, name] };
  return { which: "", values: [accountId] };
}

interface CountRow {
  readonly state: CertificateState;
  readonly total: number;
  readonly soonest_end: number | null;
}

function toCounts(rows: readonly CountRow[]): CertificateCounts {
  const states = { pending: 0, verified: 0, error: 0 };
  for (const { state, total } of rows) states[state] = total;
  const soonestEnd = rows.find(({ state }) => state === "verified")?.soonest_end ?? undefined;
  return { states, ...(soonestEnd === undefined ? {} : { soonestEnd }) };
}

/** Reads come from this thread's own connection, likewise. */
export function sqliteJobs(db: DatabaseSync, writer: Writer): JobStore {
  const sql = statements(db, "account-certificates.sql");
  return {
    due: (now, limit) => (sql("dueJobs").all(now, limit) as unknown as JobRow[]).map(toJob),
    nextDue: () => (sql("nextDue").get()?.["due_at"] as number | null | undefined) ?? undefined,
    find: (id) => {
      const row = sql("job").get(id) as JobRow | undefined;
      return row && toJob(row);
    },
    abandoned: (limit) =>
      sql("abandonedOrders")
        .all(limit)
        .map((row) => ({ issuer: String(row["issuer"]), url: String(row["url"]) })),
    forget: (url) => writer.run("certificate-job.forget-order", url),
    save: (id, progress, more = {}) => writer.run("certificate-job.save", id, progress, more),
    issued: (id, issued, progress, happened) =>
      writer.run("certificate-job.issued", id, issued, progress, happened),
  };
}
