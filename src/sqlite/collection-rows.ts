import type { Collection, CollectionStatus, CollectionType } from "#registry/collection.ts";

export interface CollectionRow {
  readonly uuid: string;
  readonly registry_id: number;
  readonly type: string;
  readonly status: string;
  readonly blobs_deleted: number;
  readonly freed_bytes: number;
  readonly created_at: number;
  readonly updated_at: number;
}

export function toCollection(row: CollectionRow): Collection {
  return {
    uuid: row.uuid,
    registryId: row.registry_id,
    type: row.type as CollectionType,
    status: row.status as CollectionStatus,
    blobsDeleted: row.blobs_deleted,
    freedBytes: row.freed_bytes,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
