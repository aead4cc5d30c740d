import { z } from "zod";
import type { AnyRoute } from "./route.ts";

type Json = Readonly<Record<string, unknown>>;

const ProblemBody = z.object({
  id: z.string(),
  message: z.string(),
  request_id: z.uuid().optional(),
});

/** The API as OpenAPI 3.1, read off the same values that the door runs. */
export function openApiDocument(routes: readonly AnyRoute[], version: string): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const route of routes) {
    const path = route.path.replaceAll(/:(\w+)/g, "{$1}");
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route) };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Atoll",
      version,
      description: "A CDN behind DigitalOcean's API v2, and what Atoll adds under /atoll.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/" }],
    components: {
      securitySchemes: { bearer: { type: "http", scheme: "bearer" } },
      schemas: { problem: schemaOf(ProblemBody, "output") },
    },
    paths,
  };
}

function operation(route: AnyRoute): Json {
  const { access } = route;
  const scopes = typeof access === "object" ? [access.scope] : [];
  const content =
    route.reply === undefined
      ? {}
      : { content: { "application/json": { schema: schemaOf(route.reply, "output") } } };
  return {
    operationId: route.operationId,
    summary: route.summary,
    tags: [route.tag],
    ...(access === "public" ? {} : { security: [{ bearer: scopes }] }),
    ...parameters(route),
    ...requestBody(route),
    responses: {
      [route.status]: { description: route.status === 204 ? "Done." : "The result.", ...content },
      default: {
        description: "What went wrong.",
        content: { "application/json": { schema: { $ref: "#/components/schemas/problem" } } },
      },
    },
  };
}

function parameters(route: AnyRoute): Json {
  const inPath = [...route.path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
  const query = route.query ?? z.object({});
  // What a handler gets says more of a parameter than "text"; whether it may be left out, the input.
  const { properties = {} } = schemaOf(query, "output") as { readonly properties?: Json };
  const { required = [] } = schemaOf(query, "input") as { readonly required?: readonly string[] };
  const inQuery = Object.entries(properties).map(([name, schema]) => ({
    name,
    in: "query",
    required: required.includes(name),
    schema,
  }));
  const all = [...inPath, ...inQuery];
  return all.length === 0 ? {} : { parameters: all };
}

function requestBody(route: AnyRoute): Json {
  if (route.body === undefined) return {};
  if (route.body === "stream") {
    return { requestBody: { content: { "application/octet-stream": {} } } };
  }
  const type = route.bodyType === "form" ? "application/x-www-form-urlencoded" : "application/json";
  return {
    requestBody: {
      required: true,
      content: { [type]: { schema: schemaOf(route.body, "input") } },
    },
  };
}

function schemaOf(schema: z.ZodType, io: "input" | "output"): Json {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io, target: "draft-2020-12" });
  return json;
}
