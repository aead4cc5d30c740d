import type { DatabaseSync } from "node:sqlite";
import type { CertificateState, IssuedWithKey } from "#certificate/certificate.ts";
import type { Happened, JobProgress } from "#certificate/job.ts";
import { accountCertificates } from "./account-certificates.ts";
import type { WriteContext } from "./feed-log.ts";

/** The writes behind `JobStore`, each run inside a transaction of the writer thread. */
export function certificateJobWrites(db: DatabaseSync) {
  const { sql, serve, putJob, note } = accountCertificates(db);
  const isThere = (id: string): boolean => sql("job").get(id) !== undefined;
  return {
    "certificate-job.save": (
      id: string,
      progress: JobProgress,
      more: { readonly happened?: Happened; readonly state?: CertificateState },
      context: WriteContext,
    ): "saved" | "gone" => {
      if (!isThere(id)) return "gone";
      putJob(id, progress);
      if (more.state !== undefined) sql("setState").run(more.state, id);
      if (more.happened !== undefined) note(id, more.happened, context);
      return "saved";
    },

    "certificate-job.forget-order": (url: string): void => {
      sql("forgetOrder").run(url);
    },

    "certificate-job.issued": (
      id: string,
      issued: IssuedWithKey,
      progress: JobProgress,
      happened: Happened,
      context: WriteContext,
    ): { readonly number?: number } | "gone" => {
      if (!isThere(id)) return "gone";
      const { issuer, notBefore, notAfter, sha1, chain, sealedKey } = issued;
      sql("setIssued").run(issuer ?? null, notBefore, notAfter, sha1, chain, sealedKey, id);
      putJob(id, progress);
      note(id, happened, context);
      const number = serve(id, context);
      return number === undefined ? {} : { number };
    },
  };
}
