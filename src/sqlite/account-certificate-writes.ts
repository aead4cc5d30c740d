import { randomUUID } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import { type Certificate, PLATFORM_ACCOUNT } from "#certificate/certificate.ts";
import { CERTIFICATES_PER_ACCOUNT_MAX } from "#certificate/limits.ts";
import { accountCertificates } from "./account-certificates.ts";
import type { WriteContext } from "./feed-log.ts";

/** The writes behind `CertificateStore`, each run inside a transaction of the writer thread. */
export function accountCertificateWrites(db: DatabaseSync) {
  const { sql, insert, remove } = accountCertificates(db);
  return {
    "account-certificate.create": (
      certificate: Certificate,
      sealedKey: Uint8Array | undefined,
      context: WriteContext,
    ): "created" | "name-taken" | "too-many" => {
      const { accountId, name, issued } = certificate;
      if (sql("byName").get(accountId, name) !== undefined) return "name-taken";
      const total = Number(sql("count").get(accountId)?.["total"]);
      if (total >= CERTIFICATES_PER_ACCOUNT_MAX) return "too-many";
      const isWhole = issued !== undefined && sealedKey !== undefined;
      insert(certificate, isWhole ? { ...issued, sealedKey } : undefined, context);
      return "created";
    },

    "account-certificate.own": (
      names: readonly string[],
      context: WriteContext,
    ): { readonly number?: number } => {
      const before = new Map(
        sql("ownNames")
          .all()
          .map((row) => [String(row["custom_domain"]), String(row["id"])]),
      );
      const wanted = new Set(names);
      let number: number | undefined;
      for (const [name, id] of before) {
        if (!wanted.has(name)) number = remove(id, context) ?? number;
      }
      for (const name of wanted) {
        // It was an endpoint's before it was ours, and stays so: a domain may be set at any time.
        const isTaken = before.has(name) || sql("byCustomDomain").get(name) !== undefined;
        if (!isTaken) insert(ownCertificate(name, context.now), undefined, context);
      }
      return number === undefined ? {} : { number };
    },

    "account-certificate.delete": (
      accountId: number,
      id: string,
      context: WriteContext,
    ): "deleted" | "missing" | "in-use" => {
      const row = sql("find").get(accountId, id);
      if (row === undefined) return "missing";
      const isAutomatic = row["custom_domain"] !== null;
      if (isAutomatic || sql("endpointOfCertificate").get(id) !== undefined) return "in-use";
      remove(id, context);
      return "deleted";
    },
  };
}

function ownCertificate(name: string, now: number): Certificate {
  return {
    id: randomUUID(),
    accountId: PLATFORM_ACCOUNT,
    name,
    customDomain: name,
    type: "lets_encrypt",
    dnsNames: [name],
    state: "pending",
    createdAt: now,
  };
}
