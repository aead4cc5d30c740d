import {
  type Certificate,
  type CertificateEvent,
  type CertificateState,
  type CertificateType,
  type Issued,
  PLATFORM_ACCOUNT,
} from "#certificate/certificate.ts";
import type { Job, OpenOrder } from "#certificate/job.ts";
import type { Renewal } from "#certificate/renewal.ts";

/** Columns of an account's certificate as SQLite gives them. */
export interface AccountCertificateRow {
  readonly id: string;
  readonly account_id: number | null;
  readonly name: string;
  readonly custom_domain: string | null;
  readonly type: CertificateType;
  readonly dns_names: string;
  readonly state: CertificateState;
  readonly created_at: number;
  readonly issuer: string | null;
  readonly not_before: number | null;
  readonly not_after: number | null;
  readonly sha1: string | null;
  readonly chain: string | null;
}

export interface JobRow extends AccountCertificateRow {
  readonly due_at: number | null;
  readonly failures: number;
  readonly failing_since: number | null;
  readonly rotation: number;
  readonly order_issuer: string | null;
  readonly order_url: string | null;
  readonly next_key: Uint8Array | null;
  readonly renewal: string | null;
}

export function toCertificate(row: AccountCertificateRow): Certificate {
  const issued = issuedOf(row);
  return {
    id: row.id,
    accountId: row.account_id ?? PLATFORM_ACCOUNT,
    name: row.name,
    ...(row.custom_domain === null ? {} : { customDomain: row.custom_domain }),
    type: row.type,
    dnsNames: JSON.parse(row.dns_names) as string[],
    state: row.state,
    createdAt: row.created_at,
    ...(issued === undefined ? {} : { issued }),
  };
}

/** All of its columns are NULL until something was issued. */
function issuedOf(row: AccountCertificateRow): Issued | undefined {
  const { issuer, not_before: notBefore, not_after: notAfter, sha1, chain } = row;
  if (notBefore === null || notAfter === null || sha1 === null || chain === null) return undefined;
  return { ...(issuer === null ? {} : { issuer }), notBefore, notAfter, sha1, chain };
}

export function toJob(row: JobRow): Job {
  const order = orderOf(row);
  return {
    certificate: toCertificate(row),
    ...(row.due_at === null ? {} : { dueAt: row.due_at }),
    failures: row.failures,
    ...(row.failing_since === null ? {} : { failingSince: row.failing_since }),
    rotation: row.rotation,
    ...(order === undefined ? {} : { order }),
    ...(row.renewal === null ? {} : { renewal: JSON.parse(row.renewal) as Renewal }),
  };
}

function orderOf(row: JobRow): OpenOrder | undefined {
  const { order_issuer: issuer, order_url: url, next_key: sealedKey } = row;
  if (issuer === null || url === null || sealedKey === null) return undefined;
  return { issuer, url, sealedKey };
}

export function toEvent({ kind, message, at }: CertificateEvent): CertificateEvent {
  return { kind, message, at };
}
