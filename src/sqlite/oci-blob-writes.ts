import type { Admit } from "#oci/admission.ts";
import type { Digest } from "#oci/digest.ts";
import { PROTECTION_MS } from "#oci/limits.ts";
import type { MountedBlob, MountSource, Place } from "#oci/store.ts";
import type { Statements } from "./connection.ts";
import type { WriteContext } from "./feed-log.ts";
import { admission, ensureRepository, type FoundPlace, findPlace } from "./oci-place.ts";

/** Writes of blobs that are there. */
export function ociBlobWrites(sql: Statements, admit: Admit) {
  return {
    "blob.protect": (
      place: Place,
      digest: Digest,
      until: number,
      { now }: WriteContext,
    ): boolean => {
      const repositoryId = findPlace(sql, place)?.repositoryId;
      if (repositoryId === undefined) return false;
      const { tokenId: token } = place;
      const values = { repository: repositoryId, digest, until, token, now };
      return sql("protectBlob").run(values).changes > 0;
    },

    "blob.mount": (
      place: Place,
      digest: Digest,
      source: MountSource,
      { now }: WriteContext,
    ): MountedBlob => {
      const found = findPlace(sql, place);
      if (found === undefined) return { kind: "no-registry" };
      if (!sourceHas(sql, place.accountId, digest, source)) return { kind: "no-blob" };
      const isNew = sql("registryHasBlob").get(digest, found.registryId) === undefined;
      const sizeBytes = Number(sql("blobRow").get(digest)?.["size_bytes"]);
      const answer = admission(sql, admit, found, { addedBytes: isNew ? sizeBytes : 0 });
      if (answer.kind === "refused") return answer;
      const repositoryId = ensureRepository(sql, found, place, now);
      linkBlob(sql, { ...found, repositoryId }, place, digest, now);
      return { kind: "mounted" };
    },

    "blob.delete": (place: Place, digest: Digest): boolean => {
      const repositoryId = findPlace(sql, place)?.repositoryId;
      if (repositoryId === undefined) return false;
      return sql("unlinkBlob").run(repositoryId, digest).changes > 0;
    },

    "blob.corrupt": (digest: Digest, { now }: WriteContext): void => {
      sql("markCorrupt").run(now, digest);
    },
  };
}

/** Gives a repository a blob, and keeps it for a manifest that is about to come. */
export function linkBlob(
  sql: Statements,
  { registryId, repositoryId }: FoundPlace & { readonly repositoryId: number },
  { tokenId }: Place,
  digest: Digest,
  now: number,
): void {
  sql("linkBlob").run({
    repository: repositoryId,
    digest,
    registry: registryId,
    until: now + PROTECTION_MS,
    token: tokenId,
    now,
  });
}

function sourceHas(
  sql: Statements,
  accountId: number,
  digest: Digest,
  source: MountSource,
): boolean {
  if (source.kind === "any") return sql("accountHasBlob").get(digest, accountId) !== undefined;
  const { registry, repository } = source.name;
  const from = sql("repositoryOf").get(accountId, registry, repository)?.["id"] as
    | number
    | undefined;
  return from !== undefined && sql("blob").get(from, digest) !== undefined;
}
