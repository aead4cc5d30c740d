import { Hono } from "hono";
import { getPathNoStrict } from "hono/utils/url";
import type { Door } from "./door.ts";
import type { AnyRoute, RoutesOfPath } from "./route.ts";

/** What the server hands over with each request. */
interface Peer {
  readonly address: string;
  /** The request's target as it was sent. */
  readonly target: string;
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
        target: c.env.target,
        routes: here,
        params: c.req.param() as Record<string, string>,
      }),
    );
  }
  const refuse = async (request: Request, { address, target }: Peer): Promise<Response> =>
    door.pass({ request, address, target, routes: undefined, params: {} });
  app.notFound((c) => refuse(c.req.raw, c.env));
  return async (request, peer) =>
    hasDotSegment(peer.target) ? refuse(request, peer) : app.fetch(request, peer);
}

/**
 * A URL resolves them (RFC 3986 §5.2.4), and clients send names as they are: to delete a tag that is
 * called `..` must not delete the repository above it.
 */
function hasDotSegment(target: string): boolean {
  return /^[^?]*\/(?:\.|%2e){1,2}(?:[/?]|$)/i.test(target);
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
