import type { AccountStore } from "#account/account.ts";
import { operatorAccountRoutes } from "#account/operator-routes.ts";
import { accountRoutes } from "#account/routes.ts";
import { type Home, homeRoutes } from "#api/home-routes.ts";
import type { AnyRoute } from "#api/route.ts";
import { type Backup, backupRoute } from "#backup/route.ts";
import type { EndpointService } from "#cdn/endpoint-service.ts";
import { type Explainer, explainRoute } from "#cdn/explain-routes.ts";
import { cdnRoutes } from "#cdn/routes.ts";
import type { CertificateService } from "#certificate/certificate-service.ts";
import { platformCertificateRoutes } from "#certificate/platform-routes.ts";
import { certificateRoutes } from "#certificate/routes.ts";
import type { Clock } from "#clock.ts";
import type { Logger } from "#log.ts";
import { allRegistryRoutes, type RegistryRouteParts } from "#registry/routes.ts";
import { spaceRoutes } from "#space/routes.ts";
import type { SpaceService } from "#space/space-service.ts";
import { type MetricsParts, metricsRoute } from "#usage/routes.ts";

export interface RouteParts {
  readonly accounts: AccountStore;
  readonly endpoints: EndpointService;
  readonly certificates: CertificateService;
  readonly explainer: Explainer;
  readonly spaces: SpaceService;
  readonly registry: RegistryRouteParts;
  readonly backup: Backup;
  readonly metrics: MetricsParts;
  /** Asked at each request: ports are known once everything listens. */
  readonly home: () => Home;
  /** The Spaces domain that origins are shown under. */
  readonly spacesDomain: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Every route of the control plane: what the door serves and the OpenAPI document lists. */
export function allRoutes(parts: RouteParts): readonly AnyRoute[] {
  const routes = [
    ...accountRoutes(parts.accounts, parts.clock),
    ...cdnRoutes(parts.endpoints),
    ...certificateRoutes(parts.certificates),
    ...platformCertificateRoutes(parts.certificates),
    explainRoute(parts.endpoints, parts.explainer),
    ...operatorAccountRoutes(parts.accounts, parts.clock),
    ...spaceRoutes(parts.spaces, parts.spacesDomain),
    ...allRegistryRoutes(parts.registry),
    backupRoute(parts.backup, parts.log),
    metricsRoute(parts.metrics),
  ];
  return [...routes, ...homeRoutes(parts.home, routes)];
}
