import type { CollectionStatus } from "#registry/collection.ts";
import type { Cursor, Step } from "#registry/collection-store.ts";
import type { Statements } from "./connection.ts";
import type { WriteContext } from "./feed-log.ts";

/** A collection's work, and that of deletions: each step is one small transaction. */
export function collectionSteps(
  sql: Statements,
  statusOf: (uuid: string) => CollectionStatus | undefined,
) {
  return {
    "collection.manifests": (
      uuid: string,
      { repositoryId, after }: Cursor,
      limit: number,
      { now }: WriteContext,
    ): Step => {
      const status = statusOf(uuid);
      if (status !== "scanning manifests") return { status, removed: 0, next: undefined };
      const rows = sql("manifestsAfter").all(repositoryId, after, limit);
      const removed = rows
        .filter((row) => row["tagged"] === 0)
        .map((row) => removeManifest(sql, repositoryId, String(row["digest"]), now))
        .reduce((sum, count) => sum + count, 0);
      return { status, removed, next: nextAfter(rows, limit) };
    },

    "collection.blobs": (
      uuid: string,
      { repositoryId, after }: Cursor,
      limit: number,
      { now }: WriteContext,
    ): Step => {
      const status = statusOf(uuid);
      if (status !== "deleting unreferenced blobs") return { status, removed: 0, next: undefined };
      const rows = sql("blobsAfter").all(repositoryId, after, limit);
      const freed = rows
        .map((row) => removeBlob(sql, repositoryId, String(row["digest"]), now))
        .filter((size) => size !== undefined);
      const bytes = freed.reduce((sum, size) => sum + size, 0);
      if (freed.length > 0) sql("addCounts").run(freed.length, bytes, now, uuid);
      return { status, removed: freed.length, next: nextAfter(rows, limit) };
    },

    "collection.shrink-deleted": (limit: number): boolean => {
      const repository = sql("deletedRepository").get()?.["id"] as number | undefined;
      // Registries go last: until then what their repositories had is counted as theirs.
      if (repository === undefined) return sql("deleteSomeRegistries").run(limit).changes > 0;
      if (Number(sql("deleteSomeManifests").run({ repository, limit }).changes) > 0) return true;
      if (Number(sql("deleteSomeBlobs").run({ repository, limit }).changes) > 0) return true;
      sql("deleteRepository").run(repository);
      return true;
    },

    "collection.forget-blobs": (digests: readonly string[]): readonly string[] => {
      for (const digest of digests) sql("deleteUnusedBlob").run({ digest });
      return digests.filter((digest) => sql("hasBlob").get(digest) === undefined);
    },

    "collection.settle-orphans": (digests: readonly string[]): void => {
      for (const digest of digests) sql("settleOrphan").run(digest);
    },
  };
}

/** What goes with a manifest that nothing alive keeps; undefined: some manifest keeps it. */
function unkept(
  sql: Statements,
  repository: number,
  digest: string,
  now: number,
): readonly string[] | undefined {
  const keepers: string[] = [];
  // Read one by one: the first that keeps it is near, and ten thousand may follow.
  for (const keeper of sql("keepers").iterate({ repository, digest, now })) {
    if (keeper["keeps"] === 1) return undefined;
    keepers.push(String(keeper["digest"]));
  }
  return keepers;
}

function removeManifest(
  sql: Statements,
  repositoryId: number,
  digest: string,
  now: number,
): number {
  // What keeps nothing alive is kept by nothing alive: it goes as a whole.
  const removable = unkept(sql, repositoryId, digest, now) ?? [];
  for (const each of removable) sql("deleteManifest").run(repositoryId, each);
  return removable.length;
}

/** @returns what the registry has less; undefined when the blob is in use, or protected */
function removeBlob(
  sql: Statements,
  repository: number,
  digest: string,
  now: number,
): number | undefined {
  const size = Number(sql("sizeOfBlob").get(digest)?.["size_bytes"] ?? 0);
  const row = sql("deleteFreeBlob").get({ repository, digest, now });
  if (row === undefined) return undefined;
  const isElsewhere = sql("stillInRegistry").get(digest, Number(row["registry_id"]));
  return isElsewhere === undefined ? size : undefined;
}

/** Where the next slice begins, when this one was full. */
function nextAfter(rows: readonly { digest?: unknown }[], limit: number): string | undefined {
  return rows.length < limit ? undefined : String(rows.at(-1)?.digest);
}
