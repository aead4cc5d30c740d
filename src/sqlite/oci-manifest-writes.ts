import type { Admit } from "#oci/admission.ts";
import { isMet, type WriteCondition } from "#oci/conditions.ts";
import type { Digest } from "#oci/digest.ts";
import type { ManifestReference } from "#oci/manifest.ts";
import type { Reference } from "#oci/name.ts";
import type { DeletedReference, Place, PushedManifest, PutManifest } from "#oci/store.ts";
import type { Statements } from "./connection.ts";
import type { WriteContext } from "./feed-log.ts";
import { admission, ensureRepository, findPlace, type WriteFacts } from "./oci-place.ts";
import type { TellWebhooks } from "./registry-deliveries.ts";

/** A client mends one at a time; the rest is only noise. */
const MISSING_SHOWN_MAX = 20;

/** Writes of manifests and tags. */
export function ociManifestWrites(sql: Statements, admit: Admit, tell: TellWebhooks) {
  return {
    "manifest.protect": (place: Place, digest: Digest, until: number): boolean => {
      const repository = findPlace(sql, place)?.repositoryId;
      if (repository === undefined) return false;
      return sql("protectManifest").run({ repository, digest, until }).changes > 0;
    },

    "manifest.put": (place: Place, pushed: PushedManifest, { now }: WriteContext): PutManifest => {
      const found = findPlace(sql, place);
      if (found === undefined) return { kind: "no-registry" };
      const answer = admission(sql, admit, found, factsOf(sql, found.repositoryId, pushed));
      if (answer.kind === "refused") return answer;
      const references = sizedReferences(sql, found.repositoryId, pushed);
      if (references.kind === "missing") return references;
      const current = currentDigest(sql, found.repositoryId, pushed.reference);
      if (!isMet(pushed.condition, current)) return { kind: "condition-failed", current };
      const repositoryId = ensureRepository(sql, found, place, now);
      write(sql, repositoryId, pushed, references.sized, now);
      for (const { kind, digest } of references.sized) {
        if (kind === "blob") sql("endProtection").run(repositoryId, digest, place.tokenId);
      }
      for (const tag of pushed.tags) sql("putTag").run(repositoryId, tag, pushed.digest, now);
      const tags = pushed.tags.map((name) => ({ name, digest: pushed.digest }));
      tell(repositoryId, "push", tags, now);
      return { kind: "put" };
    },

    "manifest.delete-reference": (
      place: Place,
      reference: Reference,
      condition: WriteCondition,
      { now }: WriteContext,
    ): DeletedReference => {
      const found = findPlace(sql, place);
      const current = currentDigest(sql, found?.repositoryId, reference);
      if (found?.repositoryId === undefined || current === undefined) {
        return { kind: "no-manifest" };
      }
      if (!isMet(condition, current)) return { kind: "condition-failed", current };
      const { repositoryId } = found;
      const changedTags = tagsOf(sql, repositoryId, reference);
      const answer = admission(sql, admit, found, { changedTags });
      // What is over a limit may always get smaller.
      if (answer.kind === "refused" && answer.reason === "immutable-tag") return answer;
      if (reference.kind === "tag") sql("deleteTag").run(repositoryId, reference.tag);
      else sql("deleteManifest").run(repositoryId, current);
      const tags = changedTags.map((name) => ({ name, digest: current }));
      tell(repositoryId, "delete", tags, now);
      return { kind: "deleted", digest: current };
    },
  };
}

/** What a reference names at this moment; undefined: nothing. */
function currentDigest(
  sql: Statements,
  repositoryId: number | undefined,
  reference: Reference,
): Digest | undefined {
  if (repositoryId === undefined) return undefined;
  if (reference.kind === "tag") {
    return sql("tag").get(repositoryId, reference.tag)?.["digest"] as Digest | undefined;
  }
  const { digest } = reference;
  return sql("hasManifest").get(repositoryId, digest) === undefined ? undefined : digest;
}

type SizedReferences =
  | { readonly kind: "there"; readonly sized: readonly ManifestReference[] }
  | Extract<PutManifest, { readonly kind: "missing" }>;

/** All that a manifest refers to, as large as it is and not as it says, or what is missing of it. */
function sizedReferences(
  sql: Statements,
  repositoryId: number | undefined,
  { manifest }: PushedManifest,
): SizedReferences {
  const missing: ManifestReference[] = [];
  const sized: ManifestReference[] = [];
  for (const reference of manifest.references) {
    const sizeBytes = sizeThere(sql, repositoryId, reference);
    if (sizeBytes === undefined) missing.push(reference);
    else sized.push({ kind: reference.kind, digest: reference.digest, sizeBytes });
  }
  if (missing.length === 0) return { kind: "there", sized };
  return { kind: "missing", references: missing.slice(0, MISSING_SHOWN_MAX) };
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

/** Which of its tags are new, and which are there and point elsewhere. */
function factsOf(
  sql: Statements,
  repositoryId: number | undefined,
  { tags, digest }: PushedManifest,
): WriteFacts {
  if (repositoryId === undefined) return { addedTags: tags.length, addedManifests: 1 };
  const now = tags.map((tag) => ({
    tag,
    digest: sql("tag").get(repositoryId, tag)?.["digest"] as string | undefined,
  }));
  const there = now.filter((each) => each.digest !== undefined);
  return {
    addedTags: now.length - there.length,
    addedManifests: sql("hasManifest").get(repositoryId, digest) === undefined ? 1 : 0,
    changedTags: there.filter((each) => each.digest !== digest).map(({ tag }) => tag),
  };
}

/** The tags that go with what is deleted. */
function tagsOf(sql: Statements, repositoryId: number, reference: Reference): readonly string[] {
  if (reference.kind === "tag") return [reference.tag];
  const rows = sql("tagsOfManifest").all(repositoryId, reference.digest);
  return rows.map((row) => String(row["name"]));
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
