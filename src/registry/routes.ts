import type { AnyRoute } from "#api/route.ts";
import type { Clock } from "#clock.ts";
import { collectionRoutes } from "./collection-routes.ts";
import type { CollectionService } from "./collection-service.ts";
import { contentRoutes } from "./content-routes.ts";
import { credentialRoutes } from "./credential-routes.ts";
import type { CredentialParts } from "./credentials.ts";
import { namedRegistryRoutes, registryRoutes } from "./registry-routes.ts";
import type { RegistryService } from "./registry-service.ts";
import { repositoryRoutes } from "./repository-routes.ts";
import type { RepositoryService } from "./repository-service.ts";
import type { Retainer } from "./retainer.ts";
import { retentionRoutes } from "./retention-routes.ts";
import { registrySettingsRoutes, type SettingsParts } from "./settings-routes.ts";
import { subscriptionRoutes } from "./subscription-routes.ts";

export interface RegistryRouteParts {
  readonly registries: RegistryService;
  readonly repositories: RepositoryService;
  readonly collections: CollectionService;
  readonly credentials: CredentialParts;
  readonly settings: Omit<SettingsParts, "registries">;
  readonly retainer: Retainer;
  readonly clock: Clock;
}

/** DigitalOcean's management of registries, in both of its families (CONTRACT §4). */
export function allRegistryRoutes(parts: RegistryRouteParts): readonly AnyRoute[] {
  const { registries, repositories, collections, credentials, settings, retainer, clock } = parts;
  return [
    ...registryRoutes(registries, clock),
    ...subscriptionRoutes(registries),
    ...credentialRoutes(registries, credentials),
    ...repositoryRoutes(registries, repositories),
    ...contentRoutes(registries, repositories),
    ...collectionRoutes(registries, collections),
    ...registrySettingsRoutes({ registries, ...settings }),
    ...retentionRoutes({ registries, retainer }),
    ...namedRegistryRoutes(registries, clock),
  ];
}
