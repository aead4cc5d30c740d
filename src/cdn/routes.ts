import { z } from "zod";
import { listPage, PageLinks, PageMeta, PageQuery } from "#api/page.ts";
import { type AnyRoute, type Context, route } from "#api/route.ts";
import type { StoredEntry } from "#feed/message.ts";
import { notFound } from "#problem.ts";
import { originHost } from "#space/name.ts";
import { timeText } from "#time-text.ts";
import { DEFAULT_TTL, type Endpoint, endpointHost, TTLS } from "./endpoint.ts";
import type { EndpointService } from "./endpoint-service.ts";
import { settingsRoutes } from "./settings-routes.ts";

const EXPECTED_TTL = `expected one of ${TTLS.join(", ")}`;

const EndpointView = z.object({
  id: z.uuid(),
  origin: z.hostname(),
  endpoint: z.hostname(),
  created_at: z.iso.datetime(),
  ttl: z.literal(TTLS),
  certificate_id: z.string().optional(),
  custom_domain: z.hostname().optional(),
});
const EndpointReply = z.object({ endpoint: EndpointView });

const text = (expected: string) => z.string({ error: expected });
const certificateId = text("expected a certificate's id").max(255, "expected a certificate's id");
const customDomain = text("expected a domain name").max(253, "expected a domain name");

const CreateBody = z.object({
  origin: text("expected a Space's host, as static-images.nyc3.digitaloceanspaces.com").max(255, {
    error: "invalid origin: expected a host of at most 255 characters",
  }),
  // CONTRACT §2: godo always sends ttl, 0 for "not given".
  ttl: z.literal([...TTLS, 0], { error: EXPECTED_TTL }).default(DEFAULT_TTL),
  custom_domain: customDomain.optional(),
  certificate_id: certificateId.optional(),
});

const UpdateBody = z.object({
  ttl: z.literal(TTLS, { error: EXPECTED_TTL }).optional(),
  custom_domain: customDomain.optional(),
  certificate_id: certificateId.optional(),
});

const files = z.array(text("expected a path"), { error: "expected a list of paths" });
const PurgeBody = z.object({
  files,
  soft: z.boolean({ error: "expected true or false" }).default(false),
});
const PreviewBody = z.object({ files });
const PreviewReply = z.object({
  matches: z.array(
    z.object({
      path: z.string(),
      bytes: z.int().min(0),
      // Of those, what is there: of what is kept in slices, some may be.
      stored_bytes: z.int().min(0).optional(),
      tier: z.literal(["memory", "disk"]),
    }),
  ),
  total: z.int().min(0),
  truncated: z.boolean(),
});

const IdParams = z.object({ cdn_id: z.string() });

type FindContext = Context & { readonly params: z.output<typeof IdParams> };
type Find = (context: FindContext) => Endpoint;

const COMMON = { tag: "CDN", limiter: "cdn" } as const;

/** The six operations of CONTRACT §2, and ours beside them. */
export function cdnRoutes(service: EndpointService): readonly AnyRoute[] {
  const find: Find = ({ caller, params }) => {
    const endpoint = service.find(caller.accountId, params.cdn_id);
    if (endpoint === undefined) throw notFound();
    return endpoint;
  };
  return [
    listEndpoints(service),
    createEndpoint(service),
    getEndpoint(find),
    updateEndpoint(service, find),
    deleteEndpoint(service, find),
    purgeCache(service, find),
    previewPurge(service, find),
    ...settingsRoutes(service, find),
  ];
}

function listEndpoints(service: EndpointService) {
  return route({
    ...COMMON,
    operationId: "cdn_list_endpoints",
    method: "GET",
    path: "/v2/cdn/endpoints",
    summary: "List the account's CDN endpoints, the oldest first",
    access: { scope: "cdn:read" },
    status: 200,
    query: PageQuery,
    reply: z.object({ endpoints: z.array(EndpointView), links: PageLinks, meta: PageMeta }),
    handle: ({ caller, query, url }) => {
      const { rows, ...page } = listPage(url, query, (offset, limit) =>
        service.page(caller.accountId, offset, limit),
      );
      return { endpoints: rows.map(endpointView), ...page };
    },
  });
}

function createEndpoint(service: EndpointService) {
  return route({
    ...COMMON,
    operationId: "cdn_create_endpoint",
    method: "POST",
    path: "/v2/cdn/endpoints",
    summary: "Serve a Space through the edge",
    access: { scope: "cdn:create" },
    status: 201,
    body: CreateBody,
    reply: EndpointReply,
    handle: async ({ caller, body }) => ({
      endpoint: endpointView(await service.create(caller.accountId, body)),
    }),
  });
}

function getEndpoint(find: Find) {
  return route({
    ...COMMON,
    operationId: "cdn_get_endpoint",
    method: "GET",
    path: "/v2/cdn/endpoints/:cdn_id",
    summary: "Show a CDN endpoint",
    access: { scope: "cdn:read" },
    status: 200,
    params: IdParams,
    reply: EndpointReply,
    find,
    handle: ({ found }) => ({ endpoint: endpointView(found) }),
  });
}

function updateEndpoint(service: EndpointService, find: Find) {
  return route({
    ...COMMON,
    operationId: "cdn_update_endpoints",
    method: "PUT",
    path: "/v2/cdn/endpoints/:cdn_id",
    summary: "Change an endpoint's lifetime, custom domain or certificate; what is absent stays",
    access: { scope: "cdn:update" },
    status: 200,
    params: IdParams,
    body: UpdateBody,
    reply: EndpointReply,
    find,
    handle: async ({ found, body }) => ({
      endpoint: endpointView(await service.update(found, body)),
    }),
  });
}

function deleteEndpoint(service: EndpointService, find: Find) {
  return route({
    ...COMMON,
    operationId: "cdn_delete_endpoint",
    method: "DELETE",
    path: "/v2/cdn/endpoints/:cdn_id",
    summary: "Stop serving a Space through the edge",
    access: { scope: "cdn:delete" },
    status: 204,
    params: IdParams,
    find,
    handle: ({ found }) => service.delete(found),
  });
}

function purgeCache(service: EndpointService, find: Find) {
  return route({
    ...COMMON,
    operationId: "cdn_purge_cache",
    method: "DELETE",
    path: "/v2/cdn/endpoints/:cdn_id/cache",
    summary:
      "Drop stored responses by path, wildcard, path with query string, or tag; or make them stale",
    access: { scope: "cdn:delete" },
    status: 204,
    params: IdParams,
    body: PurgeBody,
    find,
    handle: ({ caller, found, body }) => service.purge(caller, found, body.files, body),
  });
}

function previewPurge(service: EndpointService, find: Find) {
  return route({
    ...COMMON,
    operationId: "atoll_cdn_purge_preview",
    method: "POST",
    path: "/v2/cdn/endpoints/:cdn_id/cache/preview",
    summary: "Show what is stored that a purge would drop; nothing is changed",
    access: { scope: "cdn:read" },
    status: 200,
    params: IdParams,
    body: PreviewBody,
    reply: PreviewReply,
    find,
    handle: async ({ found, body }) => {
      const { matches, ...rest } = await service.preview(found, body.files);
      return { matches: matches.map(matchView), ...rest };
    },
  });
}

function matchView({ storedBytes, ...match }: StoredEntry) {
  return { ...match, ...(storedBytes === undefined ? {} : { stored_bytes: storedBytes }) };
}

/** The one mapper from our names to the wire's. */
function endpointView(endpoint: Endpoint): z.input<typeof EndpointView> {
  return {
    id: endpoint.id,
    origin: originHost(endpoint.origin),
    endpoint: endpointHost(endpoint.origin),
    // CONTRACT §1: second precision.
    created_at: timeText(endpoint.createdAt),
    ttl: endpoint.ttl,
    ...(endpoint.certificateId === undefined ? {} : { certificate_id: endpoint.certificateId }),
    ...(endpoint.customDomain === undefined ? {} : { custom_domain: endpoint.customDomain }),
  };
}
