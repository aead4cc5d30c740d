/** What a page of another origin may read of a reply besides the safelisted fields. */
const EXPOSED =
  "ratelimit-limit, ratelimit-remaining, ratelimit-reset, retry-after, x-request-id, link, total";
/** A day: the answer depends on the routes alone. */
const PREFLIGHT_SECONDS = 86_400;

/**
 * CONTRACT §1: every reply to a page names its origin and lets it read the fields of the API.
 * Bearer tokens are sent by scripts and never by browsers themselves, so any origin may ask.
 */
export function crossOriginFields(request: Request): readonly (readonly [string, string])[] {
  const origin = request.headers.get("origin");
  if (origin === null) return [];
  return [
    ["access-control-allow-origin", origin],
    ["access-control-allow-credentials", "true"],
    ["access-control-expose-headers", EXPOSED],
    ["vary", "Origin"],
  ];
}

/** The answer to OPTIONS: the methods, and for a preflight what the page asked to send. */
export function preflightResponse(request: Request, allow: string): Response {
  const headers = new Headers({ allow });
  if (request.headers.has("origin")) {
    headers.set("access-control-allow-methods", allow);
    headers.set(
      "access-control-allow-headers",
      request.headers.get("access-control-request-headers") ?? "authorization, content-type",
    );
    headers.set("access-control-max-age", String(PREFLIGHT_SECONDS));
  }
  return new Response(null, { status: 204, headers });
}
