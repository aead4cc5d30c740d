import type { z } from "zod";
import type { Principal } from "./principal.ts";

/** What a handler may know of a request beyond its validated members. */
export interface Context {
  readonly caller: Principal;
  readonly requestId: string;
  /** IP address of the connection's other end. */
  readonly peerAddress: string;
  /** The request as it came; its body is unread only where the route says `body: "stream"`. */
  readonly request: Request;
  /** Scheme and authority that links in the reply are built on (CONTRACT §1.5). */
  readonly url: URL;
}

/** Who may call: anybody, any token, the operator only, or tokens with a scope. */
type Access = "public" | "token" | "operator" | { readonly scope: string };

interface Input<P, Q, B, T> extends Context {
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  /** What `find` returned: the object that the path names. */
  readonly found: T;
}

/**
 * A route is a value: the door runs it, and the OpenAPI document is printed from it.
 * Checks happen in the order of CONTRACT §1.5; `find` is the "object 404" among them.
 */
export interface Route<
  P extends z.ZodType = z.ZodType,
  Q extends z.ZodType = z.ZodType,
  B extends z.ZodType = z.ZodType,
  R extends z.ZodType = z.ZodType,
  T = unknown,
> {
  readonly operationId: string;
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** In Hono's syntax: `/v2/cdn/endpoints/:cdn_id`. */
  readonly path: string;
  readonly summary: string;
  readonly tag: string;
  readonly access: Access;
  /** A limiter of its own besides those of every route (CONTRACT §1.3). */
  readonly limiter?: "cdn";
  readonly status: 200 | 201 | 204;
  readonly params?: P;
  readonly query?: Q;
  /** `stream`: the handler reads `request.body` itself, unbounded by the JSON limit. */
  readonly body?: B | "stream";
  /** How the body is written. */
  readonly bodyType?: "json" | "form";
  readonly reply?: R;
  readonly find?: (context: Context & { readonly params: z.output<P> }) => T;
  readonly handle: (
    input: Input<z.output<P>, z.output<Q>, z.output<B>, T>,
  ) => Promise<z.input<R> | Response> | z.input<R> | Response;
}

/** Identity function: its only work is to let TypeScript infer the schemas. */
export function route<
  P extends z.ZodType,
  Q extends z.ZodType,
  B extends z.ZodType,
  R extends z.ZodType,
  T,
>(definition: Route<P, Q, B, R, T>): Route<P, Q, B, R, T> {
  return definition;
}

/** Routes of unlike shapes in one list. The door only ever hands a route what its schemas made. */
// oxlint-disable-next-line typescript/no-explicit-any -- existential: each route's types fit itself
export type AnyRoute = Route<any, any, any, any, any>;

/** The routes that share one path. */
export interface RoutesOfPath {
  /** The value of `Allow` (RFC 9110 §10.2.1). */
  readonly allow: string;
  /** HEAD finds GET's route. */
  find(method: string): AnyRoute | undefined;
}
