import type { Clock } from "#clock.ts";
import type { Logger } from "#log.ts";
import { Problem } from "#problem.ts";
import { parseBody, parseMembers, parsePatch, readForm, readJson } from "./body.ts";
import { crossOriginFields, preflightResponse } from "./cross-origin.ts";
import { networkOf } from "./network.ts";
import { type Authenticate, bearerCredential, type Principal } from "./principal.ts";
import { problemResponse } from "./problem-response.ts";
import { type RateLimiter, rateLimitFields, type WindowState } from "./rate-limit.ts";
import type { AnyRoute, Context, RoutesOfPath } from "./route.ts";

/** What the door is built of. */
export interface DoorParts {
  readonly authenticate: Authenticate;
  readonly limiter: RateLimiter;
  /** Counts failed sign-ins by address: apart, or strangers could push callers out of memory. */
  readonly strangers: RateLimiter;
  readonly clock: Clock;
  readonly log: Logger;
  readonly newRequestId: () => string;
}

/** A request that has come in, and where it leads. */
export interface Arrival {
  readonly request: Request;
  /** The peer's address: what failed sign-ins count against. */
  readonly address: string;
  /** As it was sent, for people. */
  readonly target: string;
  /** Undefined: no route has this path. */
  readonly routes: RoutesOfPath | undefined;
  readonly params: Readonly<Record<string, string>>;
}

/** What becomes known of a request on its way, for its reply's fields and its one log line. */
interface Passage {
  readonly requestId: string;
  window: WindowState;
  route?: AnyRoute;
  caller?: Principal;
}

/**
 * The one place that every control-plane request passes, in the order of CONTRACT §1.5:
 * route 404 and method 405, token 401, rate limit 429, scope 403, body 413 and 400, object 404,
 * values 422; a handler's own 409, 412 and 403 come last.
 */
export class Door {
  readonly #parts: DoorParts;

  constructor(parts: DoorParts) {
    this.#parts = parts;
  }

  /** Never throws: what fails is a reply with a request id, and a line in the log. */
  async pass(arrival: Arrival): Promise<Response> {
    const { clock, limiter, log, newRequestId } = this.#parts;
    const startedAt = clock.now();
    const passage: Passage = { requestId: newRequestId(), window: limiter.fullWindow() };
    let response: Response;
    let failure: unknown;
    try {
      response = await this.#answer(arrival, passage);
    } catch (error) {
      response = problemResponse(error, passage.requestId);
      failure = response.status === 500 ? error : undefined;
    }
    const finished = this.#finish(response, arrival.request, passage);
    const hasLeft = failure !== undefined && arrival.request.signal.aborted;
    const event = {
      request_id: passage.requestId,
      method: arrival.request.method,
      route: passage.route?.path ?? "none",
      status: hasLeft ? CLIENT_CLOSED_REQUEST : finished.status,
      duration_ms: clock.now() - startedAt,
      account_id: passage.caller?.accountId,
    };
    if (failure === undefined || hasLeft) log.info(event, "request finished");
    else log.error({ ...event, err: failure }, "request failed");
    return finished;
  }

  /** The answer to what is not even a request: it has no Host, or two lengths. */
  refuseMalformed(): Response {
    const { limiter, newRequestId } = this.#parts;
    const requestId = newRequestId();
    const problem = new Problem("bad_request", "The request is malformed.");
    const response = problemResponse(problem, requestId);
    return withCommonFields(response, requestId, limiter.fullWindow());
  }

  async #answer(arrival: Arrival, passage: Passage): Promise<Response> {
    const { request } = arrival;
    const routes = arrival.routes;
    if (routes === undefined) throw unknownRoute(arrival.target);
    if (request.method === "OPTIONS") return preflightResponse(request, routes.allow);
    const route = routes.find(request.method);
    if (route === undefined) throw methodNotAllowed(request, routes.allow);
    passage.route = route;
    const caller = this.#admit(arrival, route, passage);
    const context: Context = {
      caller,
      requestId: passage.requestId,
      peerAddress: arrival.address,
      request,
      url: new URL(request.url),
    };
    return run(route, context, arrival.params);
  }

  /** Token, rate limits, scope. */
  #admit(arrival: Arrival, route: AnyRoute, passage: Passage): Principal {
    if (route.access === "public") return NOBODY;
    const { authenticate, limiter, strangers } = this.#parts;
    const { headers } = arrival.request;
    const credential = bearerCredential(headers.get("authorization"));
    const actingFor = headers.get("x-atoll-account") ?? undefined;
    const caller = credential === undefined ? undefined : authenticate(credential, actingFor);
    if (caller === undefined) {
      // CONTRACT §1.5: a failed sign-in counts against its address, so that guessing has an end.
      strangers.take(networkOf(arrival.address), ["hour", "minute"]);
      // RFC 9110 §15.5.2: a 401 names the scheme that would do.
      throw new Problem("unauthorized", "Unable to authenticate you.", {
        fields: { "www-authenticate": "Bearer" },
      });
    }
    passage.caller = caller;
    if (!caller.operator) {
      const own = route.limiter === undefined ? [] : [route.limiter];
      passage.window = limiter.take(caller.id, ["hour", "minute", ...own]);
    }
    if (!isAllowed(caller, route)) {
      throw new Problem("forbidden", "You do not have permission to perform this action.");
    }
    return caller;
  }

  #finish(response: Response, request: Request, passage: Passage): Response {
    const { headers, status } = withCommonFields(response, passage.requestId, passage.window);
    for (const [name, value] of crossOriginFields(request)) headers.set(name, value);
    // RFC 9110 §9.3.2: HEAD has GET's fields and no content.
    if (request.method !== "HEAD") return response;
    // Whoever was about to fill the body learns that nobody will read it.
    void response.body?.cancel();
    return new Response(null, { status, headers });
  }
}

/** For the log alone, as other servers have it: nobody is there to read a status. */
const CLIENT_CLOSED_REQUEST = 499;

function withCommonFields(response: Response, requestId: string, window: WindowState): Response {
  const { headers } = response;
  headers.set("x-request-id", requestId);
  for (const [name, value] of Object.entries(rateLimitFields(window))) {
    // A refusal shows the limiter that refused, and has brought its fields.
    if (!headers.has(name)) headers.set(name, value);
  }
  return response;
}

/** Stands in the context of public routes, which ask nothing of their caller. */
const NOBODY: Principal = {
  id: "nobody",
  accountId: 0,
  operator: false,
  allows: () => false,
};

async function run(
  route: AnyRoute,
  context: Context,
  pathParams: Readonly<Record<string, string>>,
): Promise<Response> {
  const raw = await readBody(route, context.request);
  const params = route.params === undefined ? pathParams : route.params.parse(pathParams);
  const found = route.find?.({ ...context, params });
  const query =
    route.query === undefined
      ? {}
      : parseMembers(route.query, Object.fromEntries(context.url.searchParams));
  const parse = route.method === "PATCH" ? parsePatch : parseBody;
  const body = route.body === undefined || route.body === "stream" ? {} : parse(route.body, raw);
  const result = await route.handle({ ...context, params, query, body, found });
  if (result instanceof Response) return result;
  if (route.status === 204) return new Response(null, { status: 204 });
  return jsonResponse(route.status, result);
}

/** Bodies where none is expected are ignored: clients send them on GET and DELETE (CONTRACT §1). */
async function readBody(route: AnyRoute, request: Request): Promise<unknown> {
  if (route.body === undefined || route.body === "stream") return undefined;
  return route.bodyType === "form" ? readForm(request) : readJson(request);
}

function jsonResponse(status: number, value: unknown): Response {
  const text = JSON.stringify(value);
  return new Response(text, {
    status,
    headers: {
      "content-type": "application/json; charset=utf-8",
      "content-length": String(Buffer.byteLength(text)),
    },
  });
}

function isAllowed(caller: Principal, route: AnyRoute): boolean {
  if (route.access === "public" || route.access === "token") return true;
  if (route.access === "operator") return caller.operator;
  return caller.allows(route.access.scope);
}

function methodNotAllowed(request: Request, allow: string): Problem {
  return new Problem(
    "method_not_allowed",
    `${request.method} is not a method of this resource: ${allow} are.`,
    { fields: { allow } },
  );
}

function unknownRoute(target: string): Problem {
  const [path = ""] = target.split("?", 1);
  return new Problem("not_found", unknownRouteMessage(path));
}

/** Says so when it is Atoll that lacks a route, and not the client that mistook it. */
function unknownRouteMessage(path: string): string {
  const missing = "The resource you requested could not be found.";
  if (!/^\/v[12]\//.test(path)) return missing;
  return (
    `${missing} Atoll does not have the route ${path.slice(0, 200)}, ` +
    `though DigitalOcean's API may: /openapi.json lists what Atoll serves.`
  );
}
