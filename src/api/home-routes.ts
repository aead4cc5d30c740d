import { z } from "zod";
import { openApiDocument } from "./openapi-document.ts";
import { type AnyRoute, route } from "./route.ts";

/** Where this installation's parts are, for whoever asks at the front door. */
export interface Home {
  readonly version: string;
  readonly edge: string;
  readonly edgeTls: string;
  readonly caPem: string;
}

const Document = z.record(z.string(), z.unknown());

/** What anybody may ask: what this is, whether it is well, what it speaks, and whom to trust. */
export function homeRoutes(home: () => Home, others: readonly AnyRoute[]): readonly AnyRoute[] {
  const common = { tag: "Atoll", access: "public", status: 200, method: "GET" } as const;
  const routes: readonly AnyRoute[] = [
    route({
      ...common,
      operationId: "atoll_home",
      path: "/",
      summary: "What this is, and where things are",
      reply: Document,
      handle: ({ url }) => ({
        name: "Atoll",
        version: home().version,
        about: "A CDN behind DigitalOcean's API v2",
        api: `${url.origin}/v2`,
        edge: home().edge,
        edge_tls: home().edgeTls,
        openapi: `${url.origin}/openapi.json`,
        health: `${url.origin}/healthz`,
        ca: `${url.origin}/ca.pem`,
        cdn_endpoints: `${url.origin}/v2/cdn/endpoints`,
      }),
    }),
    route({
      ...common,
      operationId: "atoll_health",
      path: "/healthz",
      summary: "200 once everything answers",
      reply: z.object({ status: z.literal("ok") }),
      handle: () => ({ status: "ok" as const }),
    }),
    route({
      ...common,
      operationId: "atoll_ca",
      path: "/ca.pem",
      summary: "The local CA's certificate",
      handle: () =>
        new Response(home().caPem, { headers: { "content-type": "application/x-pem-file" } }),
    }),
    route({
      ...common,
      operationId: "atoll_openapi",
      path: "/openapi.json",
      summary: "This document",
      reply: Document,
      handle: () => document,
    }),
  ];
  const document = openApiDocument([...others, ...routes], home().version);
  return routes;
}
