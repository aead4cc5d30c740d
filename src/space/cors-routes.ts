import { z } from "zod";
import { type AnyRoute, type Context, route } from "#api/route.ts";
import { CorsBody, CorsView, corsRules, corsView } from "./cors.ts";
import type { Space } from "./space.ts";
import type { SpaceService } from "./space-service.ts";

const SpaceParams = z.object({ region: z.string(), name: z.string() });

type Find = (context: Context & { readonly params: z.output<typeof SpaceParams> }) => Space;

const COMMON = {
  tag: "Atoll",
  path: "/atoll/v1/spaces/:region/:name/cors",
  params: SpaceParams,
} as const;

/** A Space's rules for requests from other origins, all at once as in S3. */
export function corsRoutes(service: SpaceService, find: Find): readonly AnyRoute[] {
  return [
    route({
      ...COMMON,
      operationId: "atoll_space_cors_get",
      method: "GET",
      summary: "Show the rules for requests from other origins",
      access: { scope: "space:read" },
      status: 200,
      reply: CorsView,
      find,
      handle: ({ found }) => corsView(found.cors ?? []),
    }),
    route({
      ...COMMON,
      operationId: "atoll_space_cors_put",
      method: "PUT",
      summary: "Replace the rules for requests from other origins",
      access: { scope: "space:update" },
      status: 200,
      body: CorsBody,
      reply: CorsView,
      find,
      handle: async ({ found, body }) => {
        const rules = corsRules(body);
        await service.changeCors(found, rules);
        return corsView(rules);
      },
    }),
    route({
      ...COMMON,
      operationId: "atoll_space_cors_delete",
      method: "DELETE",
      summary: "Remove the rules: from then on the origin's own answers stand",
      access: { scope: "space:update" },
      status: 204,
      find,
      handle: ({ found }) => service.changeCors(found, undefined),
    }),
  ];
}
