import type { Admit } from "#oci/admission.ts";
import type { Digest } from "#oci/digest.ts";
import type { ManifestReference } from "#oci/manifest.ts";
import type { Reference } from "#oci/name.ts";
import type { DeletedReference, Place, PushedManifest, PutManifest } from "#oci/store.ts";
import type { Statements } from "./connection.ts";
import type { WriteContext } from "./feed-log.ts";
import { admission, ensureRepository, findPlace } from "./oci-place.ts";

/** A client mends one at a time; the rest is only noise. */
const MISSING_SHOWN_MAX = 20;

/** Writes of manifests and tags. */
export function ociManifestWrites(sql: Statements, admit: Admit) {
  return {
    "manifest.protect": (place: Place, digest: Digest, until: number): boolean => {
      const repository = findPlace(sql, place)?.repositoryId;
      if (repository === undefined) return false;
      return sql("protectManifest").run({ repository, digest, until }).changes > 0;
    },

    "manifest.put": (place: Place, pushed: PushedManifest, { now }: WriteContext): PutManifest => {
      const found = findPlace(sql, place);
      if (found === undefined) return { kind: "no-registry" };
      const changedTags = movedTags(sql, found.repositoryId, pushed);
      const answer = admission(sql, admit, found, { addedBytes: 0, changedTags });
      if (answer.kind === "refused") return answer;
      const references = pushed.manifest.references.map((reference) => ({
        reference,
        sizeBytes: sizeThere(sql, found.repositoryId, reference),
      }));
      const missing = references.filter(({ sizeBytes }) => sizeBytes === undefined);
      if (missing.length > 0) {
        const shown = missing.slice(0, MISSING_SHOWN_MAX);
        return { kind: "missing", references: shown.map(({ reference }) => reference) };
      }
      const repositoryId = ensureRepository(sql, found, place, now);
      const sized = references.map(({ reference: { kind, digest }, sizeBytes = 0 }) => ({
        kind,
        digest,
        sizeBytes,
      }));
      write(sql, repositoryId, pushed, sized, now);
      for (const { kind, digest } of sized) {
        if (kind === "blob") sql("endProtection").run(repositoryId, digest, place.tokenId);
      }
      for (const tag of pushed.tags) sql("putTag").run(repositoryId, tag, pushed.digest, now);
      return { kind: "put" };
    },

    "manifest.delete-reference": (place: Place, reference: Reference): DeletedReference => {
      const found = findPlace(sql, place);
      const repositoryId = found?.repositoryId;
      if (found === undefined || repositoryId === undefined) return { kind: "no-manifest" };
      const changedTags = tagsOf(sql, repositoryId, reference);
      const answer = admission(sql, admit, found, { addedBytes: 0, changedTags });
      // What is over a limit may always get smaller.
      if (answer.kind === "refused" && answer.reason === "immutable-tag") return answer;
      const { changes } =
        reference.kind === "tag"
          ? sql("deleteTag").run(repositoryId, reference.tag)
          : sql("deleteManifest").run(repositoryId, reference.digest);
      return { kind: changes > 0 ? "deleted" : "no-manifest" };
    },
  };
}

/** The size of what the repository has for it, which a manifest may misstate; undefined: nothing. */
function sizeThere(
  sql: Statements,
  repositoryId: number | undefined,
  { kind, digest }: ManifestReference,
): number | undefined {
  if (repositoryId === undefined) return undefined;
  const row = sql(kind === "blob" ? "blob" : "hasManifest").get(repositoryId, digest);
  return row === undefined ? undefined : Number(row["size_bytes"]);
}

/** Tags that are there and point elsewhere. */
function movedTags(
  sql: Statements,
  repositoryId: number | undefined,
  { tags, digest }: PushedManifest,
): readonly string[] {
  if (repositoryId === undefined) return [];
  return tags.filter((tag) => {
    const current = sql("tag").get(repositoryId, tag)?.["digest"];
    return current !== undefined && current !== digest;
  });
}

function tagsOf(sql: Statements, repositoryId: number, reference: Reference): readonly string[] {
  if (reference.kind === "digest") {
    const rows = sql("tagsOfManifest").all(repositoryId, reference.digest);
    return rows.map((row) => String(row["name"]));
  }
  return sql("tag").get(repositoryId, reference.tag) === undefined ? [] : [reference.tag];
}

function write(
  sql: Statements,
  repositoryId: number,
  { digest, content, manifest }: PushedManifest,
  references: readonly ManifestReference[],
  now: number,
): void {
  const isKnown = sql("hasManifest").get(repositoryId, digest) !== undefined;
  const blobs = references.filter(({ kind }) => kind === "blob");
  sql("putManifest").run(
    repositoryId,
    digest,
    manifest.mediaType,
    manifest.artifactType ?? null,
    manifest.subject ?? null,
    manifest.annotations === undefined ? null : JSON.stringify(manifest.annotations),
    content,
    blobs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    now,
    now,
  );
  // The same octets refer to the same.
  if (isKnown) return;
  for (const { kind, digest: referred, sizeBytes } of references) {
    sql("insertReference").run(repositoryId, digest, referred, kind, sizeBytes);
  }
}
