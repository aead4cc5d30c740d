import type { DatabaseSync } from "node:sqlite";
import type { Collection } from "#registry/collection.ts";
import type { CollectionStore } from "#registry/collection-store.ts";
import { type CollectionRow, toCollection } from "./collection-rows.ts";
import { statements } from "./connection.ts";
import type { Writer } from "./writer.ts";

/** Reads come from this thread's own connection, which sees every write that was acknowledged. */
export function sqliteCollections(db: DatabaseSync, writer: Writer): CollectionStore {
  const sql = statements(db, "collections.sql");

  function one(name: string, ...values: readonly (number | string)[]): Collection | undefined {
    const row = sql(name).get(...values);
    return row === undefined ? undefined : toCollection(row as unknown as CollectionRow);
  }

  return {
    start: (collection) => writer.run("collection.start", collection),
    latest: (registryId) => one("latest", registryId),
    find: (registryId, uuid) => {
      const collection = one("collection", uuid);
      return collection?.registryId === registryId ? collection : undefined;
    },
    page: (registryId, offset, limit) => ({
      rows: (
        sql("pageOfCollections").all(registryId, limit, offset) as unknown as CollectionRow[]
      ).map(toCollection),
      total: Number(sql("countCollections").get(registryId)?.["total"]),
    }),
    cancel: (registryId, uuid) => writer.run("collection.cancel", registryId, uuid),

    next: () => one("next"),
    advance: (uuid, status) => writer.run("collection.advance", uuid, status),
    repositoriesOf: (registryId) =>
      sql("repositories")
        .all(registryId)
        .map((row) => Number(row["id"])),
    removeManifests: (uuid, cursor, limit) =>
      writer.run("collection.manifests", uuid, cursor, limit),
    removeBlobs: (uuid, cursor, limit) => writer.run("collection.blobs", uuid, cursor, limit),
    shrinkDeleted: (limit) => writer.run("collection.shrink-deleted", limit),

    orphans: (limit) =>
      sql("orphans")
        .all(limit)
        .map((row) => String(row["digest"])),
    forgetBlobs: (digests) => writer.run("collection.forget-blobs", digests),
    settleOrphans: (digests) => writer.run("collection.settle-orphans", digests),
  };
}
