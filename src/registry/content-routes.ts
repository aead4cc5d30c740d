import { z } from "zod";
import { listPage, PageLinks, PageMeta, PageQuery } from "#api/page.ts";
import { type AnyRoute, route } from "#api/route.ts";
import { FAMILIES, type Family, findRepository, RepositoryParams } from "./family.ts";
import type { RegistryService } from "./registry-service.ts";
import type { RepositoryService } from "./repository-service.ts";
import { ManifestView, manifestView, TagView, tagView } from "./views.ts";

const TagParams = RepositoryParams.extend({ repository_tag: z.string() });
const ManifestParams = RepositoryParams.extend({ manifest_digest: z.string() });

/** Tags and manifests of a repository, the same in both families. */
export function contentRoutes(
  registries: RegistryService,
  repositories: RepositoryService,
): readonly AnyRoute[] {
  const find = findRepository(registries, repositories);
  return FAMILIES.flatMap((family) => [
    listTags(repositories, find, family),
    deleteTag(repositories, find, family),
    listManifests(repositories, find, family),
    deleteManifest(repositories, find, family),
  ]);
}

type Find = ReturnType<typeof findRepository>;

function pathOf({ base }: Family): string {
  return `${base}/:registry_name/repositories/:repository_name`;
}

function listTags(service: RepositoryService, find: Find, family: Family) {
  return route({
    operationId: `${family.prefix}_list_repositoryTags`,
    method: "GET",
    path: `${pathOf(family)}/tags`,
    summary: "List a repository's tags",
    tag: family.tag,
    access: { scope: "registry:read" },
    status: 200,
    params: RepositoryParams,
    query: PageQuery,
    reply: z.object({ tags: z.array(TagView), links: PageLinks, meta: PageMeta }),
    find,
    handle: ({ found, query, url }) => {
      const { rows, ...page } = listPage(url, query, (offset, limit) =>
        service.store.pageOfTags(found.repository.id, offset, limit),
      );
      return { tags: rows.map((tag) => tagView(tag, found)), ...page };
    },
  });
}

function deleteTag(service: RepositoryService, find: Find, family: Family) {
  return route({
    operationId: `${family.prefix}_delete_repositoryTag`,
    method: "DELETE",
    path: `${pathOf(family)}/tags/:repository_tag`,
    summary: "Delete a tag; its manifest stays",
    tag: family.tag,
    access: { scope: "registry:delete" },
    status: 204,
    params: TagParams,
    find,
    handle: ({ found, params }) =>
      service.deleteTag(found.repository, params.repository_tag).then(() => undefined),
  });
}

function listManifests(service: RepositoryService, find: Find, family: Family) {
  return route({
    operationId: `${family.prefix}_list_repositoryManifests`,
    method: "GET",
    path: `${pathOf(family)}/digests`,
    summary: "List a repository's manifests, the latest first",
    tag: family.tag,
    access: { scope: "registry:read" },
    status: 200,
    params: RepositoryParams,
    query: PageQuery,
    reply: z.object({ manifests: z.array(ManifestView), links: PageLinks, meta: PageMeta }),
    find,
    handle: ({ found, query, url }) => {
      const { rows, ...page } = listPage(url, query, (offset, limit) =>
        service.store.pageOfManifests(found.repository.id, offset, limit),
      );
      return { manifests: rows.map((manifest) => manifestView(manifest, found)), ...page };
    },
  });
}

function deleteManifest(service: RepositoryService, find: Find, family: Family) {
  return route({
    operationId: `${family.prefix}_delete_repositoryManifest`,
    method: "DELETE",
    path: `${pathOf(family)}/digests/:manifest_digest`,
    summary: "Delete a manifest with its tags; blobs stay until a garbage collection",
    tag: family.tag,
    access: { scope: "registry:delete" },
    status: 204,
    params: ManifestParams,
    find,
    handle: ({ found, params }) =>
      service.deleteManifest(found.repository, params.manifest_digest).then(() => undefined),
  });
}
