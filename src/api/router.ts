import { Hono } from "hono";
import { getPathNoStrict } from "hono/utils/url";
import type { Door } from "./door.ts";
import type { AnyRoute, RoutesOfPath } from "./route.ts";

/** What the server hands over with each request: the peer's address. */
interface Peer {
  readonly address: string;
}

export type Handler = (request: Request, peer: Peer) => Promise<Response>;

/** What a path is to be routed by, where a client writes it in a way of its own. */
type Canonical = (method: string, path: string) => string;

/** Mounts the routes by their paths, so that a wrong method is told from a wrong path. */
export function createRouter(
  routes: readonly AnyRoute[],
  door: Door,
  canonical: Canonical = (_, path) => path,
): Handler {
  const app = new Hono<{ Bindings: Peer }>({
    getPath: (request) => canonical(request.method, getPathNoStrict(request)),
  });
  for (const [path, ofPath] of Map.groupBy(routes, (route) => route.path)) {
    const here = routesOfPath(ofPath);
    app.all(path, (c) =>
      door.pass({
        request: c.req.raw,
        address: c.env.address,
        routes: here,
        params: c.req.param() as Record<string, string>,
      }),
    );
  }
  app.notFound((c) =>
    door.pass({ request: c.req.raw, address: c.env.address, routes: undefined, params: {} }),
  );
  return async (request, peer) => app.fetch(request, peer);
}

function routesOfPath(routes: readonly AnyRoute[]): RoutesOfPath {
  const byMethod = new Map<string, AnyRoute>(routes.map((route) => [route.method, route]));
  const get = byMethod.get("GET");
  if (get !== undefined) byMethod.set("HEAD", get);
  return {
    allow: [...byMethod.keys(), "OPTIONS"].toSorted().join(", "),
    find: (method) => byMethod.get(method),
  };
}
