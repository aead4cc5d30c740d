import type { DatabaseSync } from "node:sqlite";
import type { ManifestBlob, RepositoryStore } from "#registry/repository.ts";
import { type Statements, statements } from "./connection.ts";
import {
  type ManifestRow,
  type RepositoryRow,
  type TagRow,
  toRepository,
} from "./registry-rows.ts";
import type { Writer } from "./writer.ts";

/** Reads come from this thread's own connection, which sees every write that was acknowledged. */
export function sqliteRepositories(db: DatabaseSync, writer: Writer): RepositoryStore {
  const sql = statements(db, "registry-content.sql");
  const tagsOf = tagReader(sql);
  const manifestsOf = manifestReader(sql);

  const total = (count: string, owner: number): number => Number(sql(count).get(owner)?.["total"]);
  const rows = (page: string, owner: number, offset: number, limit: number) =>
    sql(page).all(owner, limit, offset);
  const repositories = (page: string, owner: number, offset: number, limit: number) =>
    (rows(page, owner, offset, limit) as unknown as RepositoryRow[]).map(toRepository);

  return {
    findRepository: (registryId, name) => {
      const row = sql("repositoryByName").get(registryId, name);
      return row && toRepository(row as unknown as RepositoryRow);
    },
    pageOfRepositories: (registryId, offset, limit) => ({
      rows: repositories("pageOfRepositories", registryId, offset, limit),
      total: total("countRepositories", registryId),
    }),
    pageOfTaggedRepositories: (registryId, offset, limit) => ({
      rows: repositories("pageOfTaggedRepositories", registryId, offset, limit),
      total: total("countTaggedRepositories", registryId),
    }),
    deleteRepository: (registryId, name) =>
      writer.run("registry.delete-repository", registryId, name),

    pageOfTags: (id, offset, limit) => ({
      rows: tagsOf(id, rows("pageOfTags", id, offset, limit)),
      total: total("countTags", id),
    }),
    latestTag: (id) => tagsOf(id, sql("latestTag").all(id))[0],
    deleteTag: (repositoryId, name) => writer.run("registry.delete-tag", repositoryId, name),
    pageOfManifests: (id, offset, limit) => ({
      rows: manifestsOf(id, rows("pageOfManifests", id, offset, limit)),
      total: total("countManifests", id),
    }),
    latestManifest: (id) => manifestsOf(id, rows("pageOfManifests", id, 0, 1))[0],
    deleteManifest: (repositoryId, digest) =>
      writer.run("registry.delete-manifest", repositoryId, digest),
  };
}

function blobsOf(sql: Statements, repository: number, digest: string): readonly ManifestBlob[] {
  return sql("blobsOfManifest")
    .all({ repository, digest })
    .map((blob) => ({ digest: String(blob["digest"]), sizeBytes: Number(blob["size_bytes"]) }));
}

function tagReader(sql: Statements) {
  return (repositoryId: number, rows: readonly unknown[]) =>
    (rows as readonly TagRow[]).map(({ name, digest, updated_at }) => ({
      name,
      digest,
      blobsBytes: blobsOf(sql, repositoryId, digest).reduce((sum, blob) => sum + blob.sizeBytes, 0),
      updatedAt: updated_at,
    }));
}

function manifestReader(sql: Statements) {
  return (repositoryId: number, rows: readonly unknown[]) =>
    (rows as readonly ManifestRow[]).map(({ digest, updated_at }) => ({
      digest,
      blobs: blobsOf(sql, repositoryId, digest),
      tags: sql("tagsOfManifest")
        .all(repositoryId, digest)
        .map((tag) => String(tag["name"])),
      updatedAt: updated_at,
    }));
}
