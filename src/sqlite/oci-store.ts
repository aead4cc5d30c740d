import type { DatabaseSync } from "node:sqlite";
import type { StoredBlob } from "#oci/blob.ts";
import type { Digest } from "#oci/digest.ts";
import type { ContentStore, NamesPage, Referrer, StoredManifest } from "#oci/store.ts";
import type { Upload } from "#oci/upload.ts";
import { type Statements, statements } from "./connection.ts";
import type { Writer } from "./writer.ts";

interface BlobRow {
  readonly size_bytes: number;
  readonly protected_until: number;
  readonly protected_for: string;
}

interface ManifestRow {
  readonly digest: string;
  readonly media_type: string;
  readonly content: Uint8Array;
}

interface ReferrerRow {
  readonly digest: string;
  readonly media_type: string;
  readonly artifact_type: string | null;
  readonly annotations: string | null;
  readonly size_bytes: number;
}

interface UploadRow {
  readonly id: string;
  readonly repository_id: number;
  readonly algorithm: string;
}

/** Reads come from this thread's own connection, which sees every write that was acknowledged. */
export function sqliteContent(db: DatabaseSync, writer: Writer): ContentStore {
  const sql = statements(db, "oci.sql");
  return {
    hasRegistry: (accountId, registry) => sql("registryOf").get(accountId, registry) !== undefined,
    findRepository: (accountId, { registry, repository }) =>
      sql("repositoryOf").get(accountId, registry, repository)?.["id"] as number | undefined,
    findBlob: (repositoryId, digest) => toBlob(sql("blob").get(repositoryId, digest)),
    hasBlobRow: (digest) => sql("blobRow").get(digest) !== undefined,
    findManifest: (repositoryId, reference) =>
      toManifest(
        reference.kind === "tag"
          ? sql("manifestByTag").get(repositoryId, reference.tag)
          : sql("manifest").get(repositoryId, reference.digest),
      ),
    isFreeManifest: (repository, digest, until) =>
      sql("isFreeManifest").get({ repository, digest, until }) !== undefined,
    findUpload: (repositoryId, id) => toUpload(sql("upload").get(repositoryId, id)),
    isUploadOpen: (id) => sql("uploadById").get(id) !== undefined,
    tags: (repository, after, limit) => {
      const row = sql("tags").get({ repository, after, limit: limit + 1 });
      return toPage(JSON.parse(String(row?.["names"])) as string[], limit);
    },
    repositories: (account, after, limit) => catalog(sql, account, after, limit),
    referrers: (repository, subject, artifactType, after, limit) =>
      sql("referrers")
        .all({ repository, subject, type: artifactType ?? null, after, limit })
        .map((row) => toReferrer(row as unknown as ReferrerRow)),
    soundBlobSize: (digest) => {
      const row = sql("blobRow").get(digest);
      return row === undefined || row["corrupt_at"] !== null
        ? undefined
        : Number(row["size_bytes"]);
    },

    startUpload: (place, upload) => writer.run("upload.start", place, upload),
    touchUpload: (id) => writer.run("upload.touch", id),
    finishUpload: (place, id, blob) => writer.run("upload.finish", place, id, blob),
    cancelUpload: (id) => writer.run("upload.cancel", id),
    expireUploads: (before, limit) => writer.run("upload.expire", before, limit),
    protectBlob: (place, digest, until) => writer.run("blob.protect", place, digest, until),
    mountBlob: (place, digest, source) => writer.run("blob.mount", place, digest, source),
    deleteBlob: (place, digest) => writer.run("blob.delete", place, digest),
    markCorrupt: (digest) => writer.run("blob.corrupt", digest),
    protectManifest: (place, digest, until) => writer.run("manifest.protect", place, digest, until),
    putManifest: (place, pushed) => writer.run("manifest.put", place, pushed),
    deleteReference: (place, reference, condition = {}) =>
      writer.run("manifest.delete-reference", place, reference, condition),
  };
}

function toBlob(row: unknown): StoredBlob | undefined {
  if (row === undefined) return undefined;
  const { size_bytes, protected_until, protected_for } = row as BlobRow;
  return {
    sizeBytes: size_bytes,
    protectedUntil: protected_until,
    protectedFor: protected_for,
  };
}

function toManifest(row: unknown): StoredManifest | undefined {
  if (row === undefined) return undefined;
  const { digest, media_type: mediaType, content } = row as ManifestRow;
  return { digest: digest as Digest, mediaType, content };
}

function toUpload(row: unknown): Upload | undefined {
  if (row === undefined) return undefined;
  const { id, repository_id: repositoryId, algorithm } = row as UploadRow;
  return { id, repositoryId, algorithm: algorithm === "sha512" ? "sha512" : "sha256" };
}

function toReferrer(row: ReferrerRow): Referrer {
  return {
    digest: row.digest as Digest,
    mediaType: row.media_type,
    sizeBytes: row.size_bytes,
    ...(row.artifact_type === null ? {} : { artifactType: row.artifact_type }),
    ...(row.annotations === null
      ? {}
      : { annotations: JSON.parse(row.annotations) as Readonly<Record<string, string>> }),
  };
}

/**
 * In the order of full names, of which those of one registry are neighbours: each registry's are read
 * in theirs, from where the page begins to where it ends.
 */
function catalog(sql: Statements, accountId: number, after: string, limit: number): NamesPage {
  const registries = sql("registries")
    .all(accountId)
    .map((row) => ({ id: Number(row["id"]), prefix: `${String(row["name"])}/` }))
    .toSorted((a, b) => (a.prefix < b.prefix ? -1 : 1));
  const found: string[] = [];
  for (const { id, prefix } of registries) {
    const isBegun = after.startsWith(prefix);
    if (!isBegun && prefix < after) continue;
    const from = isBegun ? after.slice(prefix.length) : "";
    const rows = sql("repositoriesAfter").all(id, from, limit + 1 - found.length);
    found.push(...rows.map((row) => prefix + String(row["name"])));
    if (found.length > limit) break;
  }
  return toPage(found, limit);
}

/** One name more than the page was asked for: it tells that there are more. */
function toPage(names: readonly string[], limit: number): NamesPage {
  return { names: names.slice(0, limit), more: names.length > limit };
}
