import type { Admit } from "#oci/admission.ts";
import type { Algorithm, Digest } from "#oci/digest.ts";
import { OPEN_UPLOADS_PER_ACCOUNT_MAX } from "#oci/limits.ts";
import type { FinishedUpload, Place, StartedUpload } from "#oci/store.ts";
import type { Statements } from "./connection.ts";
import type { WriteContext } from "./feed-log.ts";
import { linkBlob } from "./oci-blob-writes.ts";
import { admission, ensureRepository, findPlace } from "./oci-place.ts";

interface NewUpload {
  readonly id: string;
  readonly algorithm: Algorithm;
  readonly expectedBytes: number;
}

/** Writes of uploads, up to the blob that becomes of one. */
export function ociUploadWrites(sql: Statements, admit: Admit) {
  return {
    "upload.start": (place: Place, upload: NewUpload, { now }: WriteContext): StartedUpload => {
      const found = findPlace(sql, place);
      if (found === undefined) return { kind: "no-registry" };
      const open = Number(sql("countUploads").get(place.accountId)?.["total"]);
      if (open >= OPEN_UPLOADS_PER_ACCOUNT_MAX) return { kind: "too-many-uploads" };
      const answer = admission(sql, admit, found, { addedBytes: upload.expectedBytes });
      if (answer.kind === "refused") return answer;
      const repositoryId = ensureRepository(sql, found, place, now);
      sql("insertUpload").run(upload.id, repositoryId, upload.algorithm, now, now);
      return { kind: "started" };
    },

    "upload.touch": (id: string, { now }: WriteContext): void => {
      sql("touchUpload").run(now, id);
    },

    "upload.finish": (
      place: Place,
      id: string,
      { digest, sizeBytes }: { readonly digest: Digest; readonly sizeBytes: number },
      { now }: WriteContext,
    ): FinishedUpload => {
      const found = findPlace(sql, place);
      const repositoryId = found?.repositoryId;
      if (found === undefined || repositoryId === undefined) return { kind: "no-upload" };
      if (sql("upload").get(repositoryId, id) === undefined) return { kind: "no-upload" };
      // Refused or not, it is over: an upload that cannot become a blob leaves nothing.
      sql("deleteUpload").run(id);
      const isNew = sql("registryHasBlob").get(digest, found.registryId) === undefined;
      const answer = admission(sql, admit, found, { addedBytes: isNew ? sizeBytes : 0 });
      if (answer.kind === "refused") return answer;
      sql("putBlob").run(digest, sizeBytes, now);
      linkBlob(sql, { ...found, repositoryId }, place, digest, now);
      return { kind: "finished" };
    },

    "upload.cancel": (id: string): boolean => sql("deleteUpload").run(id).changes > 0,

    "upload.expire": (before: number, limit: number): readonly string[] =>
      sql("expireUploads")
        .all(before, limit)
        .map((row) => String(row["id"])),
  };
}
