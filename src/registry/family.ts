import { z } from "zod";
import type { Context } from "#api/route.ts";
import type { Registry } from "./registry.ts";
import type { RegistryService } from "./registry-service.ts";
import type { Repository } from "./repository.ts";
import type { RepositoryService } from "./repository-service.ts";

/**
 * DigitalOcean has the same operations twice (CONTRACT §4): for accounts with one registry, and for
 * those with several.
 */
export interface Family {
  readonly base: "/v2/registry" | "/v2/registries";
  /** How its operations' names begin. */
  readonly prefix: "registry" | "registries";
  readonly tag: string;
}

export const ONLY: Family = { base: "/v2/registry", prefix: "registry", tag: "Container Registry" };

export const SEVERAL: Family = {
  base: "/v2/registries",
  prefix: "registries",
  tag: "Container Registries",
};

export const FAMILIES = [ONLY, SEVERAL] as const;

export const RegistryParams = z.object({ registry_name: z.string() });

export const RepositoryParams = RegistryParams.extend({ repository_name: z.string() });

type In<P extends z.ZodType> = Context & { readonly params: z.output<P> };

/** @throws Problem("not_found") also when it is another account's */
export function findRegistry(service: RegistryService) {
  return ({ caller, params }: In<typeof RegistryParams>): Registry =>
    service.find(caller.accountId, params.registry_name);
}

/** What the path of a repository's tags and manifests names. */
export interface FoundRepository {
  readonly registry: Registry;
  readonly repository: Repository;
}

/** @throws Problem("not_found") also when its registry is another account's */
export function findRepository(registries: RegistryService, repositories: RepositoryService) {
  return ({ caller, params }: In<typeof RepositoryParams>): FoundRepository => {
    const registry = registries.find(caller.accountId, params.registry_name);
    return { registry, repository: repositories.find(registry, params.repository_name) };
  };
}
