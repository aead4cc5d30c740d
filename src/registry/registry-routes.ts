import { z } from "zod";
import { type AnyRoute, type Context, route } from "#api/route.ts";
import type { Clock } from "#clock.ts";
import { FAMILIES, type Family, findRegistry, ONLY, RegistryParams, SEVERAL } from "./family.ts";
import { ALL_REGIONS, nameMistake, REGIONS } from "./name.ts";
import type { Registry } from "./registry.ts";
import type { RegistryService } from "./registry-service.ts";
import { TIER_SLUGS } from "./tier.ts";
import { OnlyRegistryView, RegistryView, registryView, subscriptionView } from "./views.ts";

const EXPECTED_NAME = nameMistake("") ?? "";

const NameBody = z.object({
  name: z.string({ error: EXPECTED_NAME }).refine((name) => nameMistake(name) === undefined, {
    error: ({ input }) => nameMistake(String(input)) ?? EXPECTED_NAME,
  }),
});

/** What both families' creates have. `""` is as absent: clients of Go send it for what is not set. */
function createBody(regions: readonly string[]) {
  return NameBody.extend({
    subscription_tier_slug: z
      .enum([...TIER_SLUGS, ""], { error: `expected one of ${TIER_SLUGS.join(", ")}` })
      .optional(),
    region: z.enum([...regions, ""], { error: `expected one of ${regions.join(", ")}` }).optional(),
  });
}

/** Registries themselves, in both families. */
export function registryRoutes(service: RegistryService, clock: Clock): readonly AnyRoute[] {
  return [
    ...onlyRegistryRoutes(service, clock),
    ...FAMILIES.map((family) => validateName(service, family)),
    listRegistries(service, clock),
    createRegistry(service, clock),
  ];
}

/** What `/v2/registry` means by itself. */
function onlyRegistryRoutes(service: RegistryService, clock: Clock): readonly AnyRoute[] {
  const view = (registry: Registry) => ({
    ...registryView(registry, clock.now()),
    subscription: subscriptionView(service.subscription(registry.accountId)),
  });
  const find = ({ caller }: Context): Registry => service.findOnly(caller.accountId);
  const common = { path: ONLY.base, tag: ONLY.tag } as const;
  const reply = z.object({ registry: OnlyRegistryView });
  return [
    route({
      ...common,
      operationId: "registry_get",
      method: "GET",
      summary: "Show the account's only registry",
      access: { scope: "registry:read" },
      status: 200,
      reply,
      find,
      handle: ({ found }) => ({ registry: view(found) }),
    }),
    route({
      ...common,
      operationId: "registry_create",
      method: "POST",
      summary: "Create a registry",
      access: { scope: "registry:create" },
      status: 201,
      body: createBody(REGIONS),
      reply,
      handle: async ({ caller, body }) => ({
        registry: view(await service.create(caller.accountId, body)),
      }),
    }),
    route({
      ...common,
      operationId: "registry_delete",
      method: "DELETE",
      summary: "Delete the account's only registry, and all that it has",
      access: { scope: "registry:delete" },
      status: 204,
      find,
      handle: ({ found }) => service.delete(found).then(() => undefined),
    }),
  ];
}

function validateName(service: RegistryService, { base, prefix, tag }: Family) {
  return route({
    operationId: `${prefix}_validate_name`,
    method: "POST",
    path: `${base}/validate-name`,
    summary: "Ask whether a registry could have a name",
    tag,
    access: { scope: "registry:create" },
    status: 204,
    body: NameBody,
    handle: ({ body }) => {
      service.refuseTaken(body.name);
      return undefined;
    },
  });
}

/** After every route whose path has a word in the name's place: the first that fits is taken. */
export function namedRegistryRoutes(service: RegistryService, clock: Clock): readonly AnyRoute[] {
  const find = findRegistry(service);
  return [
    route({
      operationId: "registries_get",
      method: "GET",
      path: `${SEVERAL.base}/:registry_name`,
      summary: "Show a registry",
      tag: SEVERAL.tag,
      access: { scope: "registry:read" },
      status: 200,
      params: RegistryParams,
      reply: z.object({ registry: RegistryView }),
      find,
      handle: ({ found }) => ({ registry: registryView(found, clock.now()) }),
    }),
    route({
      operationId: "registries_delete",
      method: "DELETE",
      path: `${SEVERAL.base}/:registry_name`,
      summary: "Delete a registry, and all that it has",
      tag: SEVERAL.tag,
      access: { scope: "registry:delete" },
      status: 204,
      params: RegistryParams,
      find,
      handle: ({ found }) => service.delete(found).then(() => undefined),
    }),
  ];
}

/**
 * CONTRACT §4: Terraform's data source asks for `/v2/registries/`, a registry without a name, reads
 * `registry` of the answer, and crashes without it. So that one has both.
 */
function listRegistries(service: RegistryService, clock: Clock) {
  return route({
    operationId: "registries_list",
    method: "GET",
    path: SEVERAL.base,
    summary: "List the account's registries",
    tag: SEVERAL.tag,
    access: { scope: "registry:read" },
    status: 200,
    reply: z.object({
      registries: z.array(RegistryView),
      total_storage_usage_bytes: z.int(),
      registry: RegistryView.partial().optional(),
    }),
    handle: ({ caller, url }) => {
      const found = service.list(caller.accountId);
      const registries = found.map((registry) => registryView(registry, clock.now()));
      return {
        registries,
        total_storage_usage_bytes: found.reduce((sum, each) => sum + each.storageBytes, 0),
        ...(url.pathname.endsWith("/") ? { registry: registries[0] ?? {} } : {}),
      };
    },
  });
}

function createRegistry(service: RegistryService, clock: Clock) {
  return route({
    operationId: "registries_create",
    method: "POST",
    path: SEVERAL.base,
    summary: "Create a registry",
    tag: SEVERAL.tag,
    access: { scope: "registry:create" },
    status: 201,
    body: createBody(ALL_REGIONS),
    reply: z.object({ registry: RegistryView }),
    handle: async ({ caller, body }) => ({
      registry: registryView(await service.create(caller.accountId, body), clock.now()),
    }),
  });
}
