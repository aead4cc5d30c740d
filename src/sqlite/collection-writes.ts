import type { DatabaseSync } from "node:sqlite";
import { type Collection, type CollectionStatus, isActive } from "#registry/collection.ts";
import type { NewCollection } from "#registry/collection-store.ts";
import { COLLECTIONS_KEPT } from "#registry/limits.ts";
import { type CollectionRow, toCollection } from "./collection-rows.ts";
import { collectionSteps } from "./collection-steps.ts";
import { statements } from "./connection.ts";
import type { WriteContext } from "./feed-log.ts";

/** The writes behind `CollectionStore`, each run inside a transaction of the writer thread. */
export function collectionWrites(db: DatabaseSync) {
  const sql = statements(db, "collections.sql");

  function found(statement: "latest" | "collection", key: number | string) {
    const row = sql(statement).get(key);
    return row === undefined ? undefined : toCollection(row as unknown as CollectionRow);
  }

  function statusOf(uuid: string): CollectionStatus | undefined {
    return found("collection", uuid)?.status;
  }

  return {
    "collection.start": (
      { uuid, registryId, type }: NewCollection,
      { now }: WriteContext,
    ): Collection | "active" | "registry-missing" => {
      if (sql("liveRegistry").get(registryId) === undefined) return "registry-missing";
      const latest = found("latest", registryId);
      if (latest !== undefined && isActive(latest)) return "active";
      sql("insertCollection").run(uuid, registryId, type, now, now);
      sql("forgetOldest").run({ registry: registryId, kept: COLLECTIONS_KEPT });
      const counts = { blobsDeleted: 0, freedBytes: 0 };
      const times = { createdAt: now, updatedAt: now };
      return { uuid, registryId, type, status: "requested", ...counts, ...times };
    },

    "collection.cancel": (
      registryId: number,
      uuid: string,
      { now }: WriteContext,
    ): Collection | "ended" | "missing" => {
      const collection = found("collection", uuid);
      if (collection?.registryId !== registryId) return "missing";
      if (!isActive(collection)) return "ended";
      sql("setStatus").run("cancelling", now, uuid);
      return { ...collection, status: "cancelling", updatedAt: now };
    },

    "collection.advance": (
      uuid: string,
      status: CollectionStatus,
      { now }: WriteContext,
    ): CollectionStatus | undefined => {
      const current = statusOf(uuid);
      if (current === undefined || current === status) return current;
      if (current === "cancelling" && isActive({ status })) return current;
      sql("setStatus").run(status, now, uuid);
      return status;
    },

    ...collectionSteps(sql, statusOf),
  };
}
