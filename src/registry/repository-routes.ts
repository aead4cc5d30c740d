import { z } from "zod";
import { listPage, PageLinks, PageMeta, PageQuery } from "#api/page.ts";
import { type AnyRoute, route } from "#api/route.ts";
import {
  FAMILIES,
  type Family,
  findRegistry,
  ONLY,
  RegistryParams,
  RepositoryParams,
  SEVERAL,
} from "./family.ts";
import { listTokenPage, TokenPageQuery } from "./page-token.ts";
import type { Registry } from "./registry.ts";
import type { RegistryService } from "./registry-service.ts";
import type { Repository, RepositoryStore } from "./repository.ts";
import type { RepositoryService } from "./repository-service.ts";
import { manifestView, RepositoryV2View, RepositoryView, tagView } from "./views.ts";

const Page = { links: PageLinks, meta: PageMeta };

/** Repositories of a registry. Names with slashes come escaped (see `raw-path.ts`). */
export function repositoryRoutes(
  registries: RegistryService,
  repositories: RepositoryService,
): readonly AnyRoute[] {
  const find = findRegistry(registries);
  return [
    listRepositories(repositories, find),
    ...FAMILIES.map((family) => listRepositoriesV2(repositories, find, family)),
    route({
      operationId: "registries_delete_repository",
      method: "DELETE",
      path: `${SEVERAL.base}/:registry_name/repositories/:repository_name`,
      summary: "Delete a repository with all that is in it",
      tag: SEVERAL.tag,
      access: { scope: "registry:delete" },
      status: 204,
      params: RepositoryParams,
      find,
      handle: ({ found, params }) =>
        repositories.delete(found, params.repository_name).then(() => undefined),
    }),
  ];
}

type Find = ReturnType<typeof findRegistry>;

/** doctl crashes on a repository without `latest_tag`: those without a tag are left out. */
function listRepositories(repositories: RepositoryService, find: Find) {
  return route({
    operationId: "registry_list_repositories",
    method: "GET",
    path: `${ONLY.base}/:registry_name/repositories`,
    summary: "List the repositories that have tags",
    tag: ONLY.tag,
    access: { scope: "registry:read" },
    status: 200,
    params: RegistryParams,
    query: PageQuery,
    reply: z.object({ repositories: z.array(RepositoryView), ...Page }),
    find,
    handle: ({ found, query, url }) => {
      const { store } = repositories;
      const { rows, ...page } = listPage(url, query, (offset, limit) =>
        store.pageOfTaggedRepositories(found.id, offset, limit),
      );
      return { repositories: rows.flatMap((each) => repositoryView(store, found, each)), ...page };
    },
  });
}

/** Nothing, when its last tag has gone since the page was read. */
function repositoryView(
  store: RepositoryStore,
  registry: Registry,
  repository: Repository,
): z.input<typeof RepositoryView>[] {
  const latest = store.latestTag(repository.id);
  if (latest === undefined) return [];
  return [
    {
      registry_name: registry.name,
      name: repository.name,
      latest_tag: tagView(latest, { registry, repository }),
      tag_count: repository.tagCount,
    },
  ];
}

function listRepositoriesV2(
  repositories: RepositoryService,
  find: Find,
  { base, prefix, tag }: Family,
) {
  return route({
    operationId: `${prefix}_list_repositoriesV2`,
    method: "GET",
    path: `${base}/:registry_name/repositoriesV2`,
    summary: "List the repositories",
    tag,
    access: { scope: "registry:read" },
    status: 200,
    params: RegistryParams,
    query: TokenPageQuery,
    reply: z.object({ repositories: z.array(RepositoryV2View), ...Page }),
    find,
    handle: ({ found, query, url }) => {
      const { store } = repositories;
      const { rows, ...page } = listTokenPage(url, query, (offset, limit) =>
        store.pageOfRepositories(found.id, offset, limit),
      );
      return { repositories: rows.map((each) => repositoryV2View(store, found, each)), ...page };
    },
  });
}

function repositoryV2View(
  store: RepositoryStore,
  registry: Registry,
  repository: Repository,
): z.input<typeof RepositoryV2View> {
  const latest = store.latestManifest(repository.id);
  return {
    registry_name: registry.name,
    name: repository.name,
    ...(latest === undefined
      ? {}
      : { latest_manifest: manifestView(latest, { registry, repository }) }),
    tag_count: repository.tagCount,
    manifest_count: repository.manifestCount,
  };
}
