import { z } from "zod";
import { listPage, PageLinks, PageMeta, PageQuery } from "#api/page.ts";
import { type AnyRoute, type Context, route } from "#api/route.ts";
import { OBJECTS_LISTED_MAX } from "#limits.ts";
import { Problem } from "#problem.ts";
import { corsRoutes } from "./cors-routes.ts";
import { isRegion, isSpaceName, originHost } from "./name.ts";
import { checkKey, objectHead } from "./object-head.ts";
import type { Space, SpaceUsage, StoredObject } from "./space.ts";
import type { SpaceService } from "./space-service.ts";
import { isUpstreamTemplate, UpstreamCredentials } from "./upstream.ts";

const SpaceView = z.object({
  name: z.string(),
  region: z.string(),
  origin: z.hostname(),
  upstream: z.string().optional(),
  object_count: z.int(),
  size_bytes: z.int(),
  created_at: z.iso.datetime(),
});

const ObjectView = z.object({
  key: z.string(),
  size_bytes: z.int(),
  etag: z.string(),
  content_type: z.string(),
  cache_control: z.string().optional(),
  last_modified: z.iso.datetime(),
});

const EXPECTED_NAME = "expected 3 to 63 lower-case letters, digits and inner dashes";
const EXPECTED_REGION = "expected three letters and a digit, as nyc3";
const EXPECTED_LIMIT = `expected a number, 1 to ${OBJECTS_LISTED_MAX}`;
const EXPECTED_UPSTREAM =
  "expected an http(s) URL without query, as https://{space}.{region}.digitaloceanspaces.com";

const CreateBody = z.object({
  name: z.string({ error: EXPECTED_NAME }).refine(isSpaceName, EXPECTED_NAME),
  region: z.string({ error: EXPECTED_REGION }).refine(isRegion, EXPECTED_REGION),
  upstream: z
    .string({ error: EXPECTED_UPSTREAM })
    .refine(isUpstreamTemplate, EXPECTED_UPSTREAM)
    .optional(),
  credentials: UpstreamCredentials.optional(),
});

const SpaceParams = z.object({ region: z.string(), name: z.string() });
const KeyQuery = z.object({ key: z.string({ error: "expected the object's key" }) });
const ListQuery = z.object({
  prefix: z.string().default(""),
  after: z.string().default(""),
  limit: z
    .string()
    .regex(/^[0-9]{1,9}$/, EXPECTED_LIMIT)
    .transform(Number)
    .pipe(z.int().min(1, EXPECTED_LIMIT).max(OBJECTS_LISTED_MAX, EXPECTED_LIMIT))
    .default(OBJECTS_LISTED_MAX),
});

type FindContext = Context & { readonly params: z.output<typeof SpaceParams> };

/** Spaces and their embedded objects: ours, for the `atoll` command (the S3 API comes later). */
export function spaceRoutes(service: SpaceService, domain: string): readonly AnyRoute[] {
  const find = ({ caller, params }: FindContext): Space =>
    service.find(caller.accountId, params.region, params.name);
  return [
    createSpace(service, domain),
    listSpaces(service, domain),
    deleteSpace(service, find),
    putObject(service, find),
    deleteObject(service, find),
    listObjects(service, find),
    ...corsRoutes(service, find),
  ];
}

type Find = (context: FindContext) => Space;

function createSpace(service: SpaceService, domain: string) {
  return route({
    operationId: "atoll_space_create",
    method: "POST",
    path: "/atoll/v1/spaces",
    summary: "Make a Space, embedded or in front of another store",
    tag: "Atoll",
    access: { scope: "space:create" },
    status: 201,
    body: CreateBody,
    reply: z.object({ space: SpaceView }),
    handle: async ({ caller, body }) => {
      // Where the edges connect to is for the operator alone to say: it may be any host of his network.
      if (body.upstream !== undefined && !caller.operator) {
        throw new Problem("forbidden", "upstream: only the operator's credential may set it");
      }
      if (body.credentials !== undefined && body.upstream === undefined) {
        throw new Problem("unprocessable_entity", "credentials: expected together with upstream");
      }
      return { space: spaceView(await service.create(caller.accountId, body), domain) };
    },
  });
}

function listSpaces(service: SpaceService, domain: string) {
  return route({
    operationId: "atoll_space_list",
    method: "GET",
    path: "/atoll/v1/spaces",
    summary: "List the account's Spaces",
    tag: "Atoll",
    access: { scope: "space:read" },
    status: 200,
    query: PageQuery,
    reply: z.object({ spaces: z.array(SpaceView), links: PageLinks, meta: PageMeta }),
    handle: ({ caller, query, url }) => {
      const { rows, ...page } = listPage(url, query, (offset, limit) =>
        service.page(caller.accountId, offset, limit),
      );
      return { spaces: rows.map((space) => spaceView(space, domain)), ...page };
    },
  });
}

function deleteSpace(service: SpaceService, find: Find) {
  return route({
    operationId: "atoll_space_delete",
    method: "DELETE",
    path: "/atoll/v1/spaces/:region/:name",
    summary: "Remove an empty Space that nothing serves",
    tag: "Atoll",
    access: { scope: "space:delete" },
    status: 204,
    params: SpaceParams,
    find,
    handle: ({ found }) => service.delete(found),
  });
}

function putObject(service: SpaceService, find: Find) {
  return route({
    operationId: "atoll_object_put",
    method: "PUT",
    path: "/atoll/v1/spaces/:region/:name/object",
    summary: "Store an object; what the key had before is replaced as a whole",
    tag: "Atoll",
    access: { scope: "space:update" },
    status: 200,
    params: SpaceParams,
    query: KeyQuery,
    body: "stream",
    reply: z.object({ object: ObjectView }),
    find,
    handle: async ({ found, query, request }) => {
      checkKey(query.key);
      const head = objectHead(request.headers);
      const bytes = request.body ?? new Blob([]).stream();
      const stored = await service.put(found, query.key, head, bytes, request.signal);
      return { object: objectView(stored) };
    },
  });
}

function deleteObject(service: SpaceService, find: Find) {
  return route({
    operationId: "atoll_object_delete",
    method: "DELETE",
    path: "/atoll/v1/spaces/:region/:name/object",
    summary: "Remove an object",
    tag: "Atoll",
    access: { scope: "space:delete" },
    status: 204,
    params: SpaceParams,
    query: KeyQuery,
    find,
    handle: ({ found, query }) => service.remove(found, query.key),
  });
}

function listObjects(service: SpaceService, find: Find) {
  return route({
    operationId: "atoll_object_list",
    method: "GET",
    path: "/atoll/v1/spaces/:region/:name/objects",
    summary: "List objects in the order of their keys",
    tag: "Atoll",
    access: { scope: "space:read" },
    status: 200,
    params: SpaceParams,
    query: ListQuery,
    reply: z.object({ objects: z.array(ObjectView), next: z.string().optional() }),
    find,
    handle: ({ found, query }) => {
      const page = service.list(found, query);
      return { ...page, objects: page.objects.map(objectView) };
    },
  });
}

function spaceView(space: SpaceUsage, domain: string): z.input<typeof SpaceView> {
  return {
    name: space.name,
    region: space.region,
    origin: originHost({ name: space.name, region: space.region, domain }),
    ...(space.upstream === undefined ? {} : { upstream: space.upstream }),
    object_count: space.objectCount,
    size_bytes: space.sizeBytes,
    created_at: new Date(space.createdAt).toISOString(),
  };
}

function objectView(object: StoredObject): z.input<typeof ObjectView> {
  return {
    key: object.key,
    size_bytes: object.sizeBytes,
    etag: object.etag,
    content_type: object.contentType,
    ...(object.cacheControl === undefined ? {} : { cache_control: object.cacheControl }),
    last_modified: new Date(object.lastModified).toISOString(),
  };
}
