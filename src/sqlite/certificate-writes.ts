import type { DatabaseSync } from "node:sqlite";
import type { ServingCertificate } from "#certificate/serving.ts";
import { statements } from "./connection.ts";
import { feedLog, type WriteContext } from "./feed-log.ts";
import type { CertificateRow } from "./rows.ts";

/** The writes behind `ServingCertificateStore`, each run inside a transaction of the writer thread. */
export function certificateWrites(db: DatabaseSync) {
  const sql = statements(db, "certificates.sql");
  const append = feedLog(db);
  return {
    "certificate.put": (certificate: ServingCertificate, context: WriteContext): number => {
      sql("putCertificate").run(
        certificate.id,
        certificate.ownName ?? null,
        JSON.stringify(certificate.names),
        certificate.chain,
        certificate.sealedKey,
        certificate.notAfter,
      );
      const row = sql("certificate").get(certificate.id) as unknown as CertificateRow;
      return append({ kind: "certificate-put", row }, context);
    },

    "certificate.delete": (id: string, context: WriteContext): number | undefined => {
      if (sql("deleteCertificate").run(id).changes === 0) return undefined;
      return append({ kind: "certificate-delete", id }, context);
    },
  };
}
