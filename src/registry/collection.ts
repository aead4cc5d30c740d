/** CONTRACT §4.3: what a garbage collection removes. */
export const COLLECTION_TYPES = [
  "untagged manifests only",
  "unreferenced blobs only",
  "untagged manifests and unreferenced blobs",
] as const;
export type CollectionType = (typeof COLLECTION_TYPES)[number];

/** What a start without a body means, as with godo. */
export const DEFAULT_COLLECTION_TYPE: CollectionType = "unreferenced blobs only";

export const COLLECTION_STATUSES = [
  "requested",
  "scanning manifests",
  "deleting unreferenced blobs",
  "cancelling",
  "succeeded",
  "failed",
  "cancelled",
] as const;
export type CollectionStatus = (typeof COLLECTION_STATUSES)[number];

export interface Collection {
  readonly uuid: string;
  readonly registryId: number;
  readonly type: CollectionType;
  readonly status: CollectionStatus;
  /** Of the registry: what another one has too is gone here, and stays there. */
  readonly blobsDeleted: number;
  readonly freedBytes: number;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** Whether it is still to be carried out, or ended. */
export function isActive({ status }: Pick<Collection, "status">): boolean {
  return status !== "succeeded" && status !== "failed" && status !== "cancelled";
}

/** Whether a collection of this type looks at manifests. */
export function removesManifests(type: CollectionType): boolean {
  return type !== "unreferenced blobs only";
}

/** Whether it looks at blobs; after manifests, which may have been the last to need them. */
export function removesBlobs(type: CollectionType): boolean {
  return type !== "untagged manifests only";
}
