import { z } from "zod";
import { listPage, PageLinks, PageMeta, PageQuery } from "#api/page.ts";
import { type AnyRoute, route } from "#api/route.ts";
import {
  COLLECTION_STATUSES,
  COLLECTION_TYPES,
  type Collection,
  DEFAULT_COLLECTION_TYPE,
} from "./collection.ts";
import type { CollectionService } from "./collection-service.ts";
import { FAMILIES, type Family, findRegistry, RegistryParams } from "./family.ts";
import type { Registry } from "./registry.ts";
import type { RegistryService } from "./registry-service.ts";
import { timeView } from "./views.ts";

const CollectionView = z.object({
  uuid: z.string(),
  registry_name: z.string(),
  status: z.enum(COLLECTION_STATUSES),
  type: z.enum(COLLECTION_TYPES),
  created_at: z.iso.datetime(),
  updated_at: z.iso.datetime(),
  blobs_deleted: z.int(),
  freed_bytes: z.int(),
});

const CollectionReply = z.object({ garbage_collection: CollectionView });

const EXPECTED_TYPE = `expected one of ${COLLECTION_TYPES.join(", ")}`;

const CollectionParams = RegistryParams.extend({ garbage_collection_uuid: z.string() });

/** CONTRACT §4.3, the same in both families. */
export function collectionRoutes(
  registries: RegistryService,
  collections: CollectionService,
): readonly AnyRoute[] {
  return FAMILIES.flatMap((family) => [
    startCollection(registries, collections, family),
    activeCollection(registries, collections, family),
    listCollections(registries, collections, family),
    cancelCollection(registries, collections, family),
  ]);
}

function startCollection(
  registries: RegistryService,
  collections: CollectionService,
  { base, prefix, tag }: Family,
) {
  return route({
    operationId: `${prefix}_run_garbageCollection`,
    method: "POST",
    path: `${base}/:registry_name/garbage-collection`,
    summary: "Start a garbage collection; pushes and pulls go on meanwhile",
    tag,
    access: { scope: "registry:update" },
    status: 201,
    params: RegistryParams,
    body: z.object({
      type: z.enum([...COLLECTION_TYPES, ""], { error: EXPECTED_TYPE }).optional(),
    }),
    reply: CollectionReply,
    find: findRegistry(registries),
    handle: async ({ found, body }) => {
      const started = await collections.start(found, body.type || DEFAULT_COLLECTION_TYPE);
      return { garbage_collection: collectionView(started, found) };
    },
  });
}

function activeCollection(
  registries: RegistryService,
  collections: CollectionService,
  { base, prefix, tag }: Family,
) {
  return route({
    operationId: `${prefix}_get_garbageCollection`,
    method: "GET",
    path: `${base}/:registry_name/garbage-collection`,
    summary: "Show the garbage collection that is active",
    tag,
    access: { scope: "registry:read" },
    status: 200,
    params: RegistryParams,
    reply: CollectionReply,
    find: findRegistry(registries),
    handle: ({ found }) => ({
      garbage_collection: collectionView(collections.active(found), found),
    }),
  });
}

function listCollections(
  registries: RegistryService,
  collections: CollectionService,
  { base, prefix, tag }: Family,
) {
  return route({
    operationId: `${prefix}_list_garbageCollections`,
    method: "GET",
    path: `${base}/:registry_name/garbage-collections`,
    summary: "List a registry's garbage collections, the latest first",
    tag,
    access: { scope: "registry:read" },
    status: 200,
    params: RegistryParams,
    query: PageQuery,
    reply: z.object({
      garbage_collections: z.array(CollectionView),
      links: PageLinks,
      meta: PageMeta,
    }),
    find: findRegistry(registries),
    handle: ({ found, query, url }) => {
      const { rows, ...page } = listPage(url, query, (offset, limit) =>
        collections.page(found, offset, limit),
      );
      return { garbage_collections: rows.map((each) => collectionView(each, found)), ...page };
    },
  });
}

function cancelCollection(
  registries: RegistryService,
  collections: CollectionService,
  { base, prefix, tag }: Family,
) {
  return route({
    operationId: `${prefix}_update_garbageCollection`,
    method: "PUT",
    path: `${base}/:registry_name/garbage-collection/:garbage_collection_uuid`,
    summary: "Cancel a garbage collection: what it has removed is gone, the rest stays",
    tag,
    access: { scope: "registry:update" },
    status: 200,
    params: CollectionParams,
    body: z.object({ cancel: z.boolean({ error: "expected true or false" }).optional() }),
    reply: CollectionReply,
    find: ({ caller, params }) => {
      const registry = registries.find(caller.accountId, params.registry_name);
      return {
        registry,
        collection: collections.find(registry, params.garbage_collection_uuid),
      };
    },
    handle: async ({ found: { registry, collection }, body }) => {
      const now =
        body.cancel === true ? await collections.cancel(registry, collection.uuid) : collection;
      return { garbage_collection: collectionView(now, registry) };
    },
  });
}

function collectionView(
  collection: Collection,
  registry: Registry,
): z.input<typeof CollectionView> {
  return {
    uuid: collection.uuid,
    registry_name: registry.name,
    status: collection.status,
    type: collection.type,
    created_at: timeView(collection.createdAt),
    updated_at: timeView(collection.updatedAt),
    blobs_deleted: collection.blobsDeleted,
    freed_bytes: collection.freedBytes,
  };
}
