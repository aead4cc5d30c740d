import type { TlsTerms } from "./exchange.ts";
import { fieldOf } from "./fields.ts";
import type { LiveEndpoint } from "./names.ts";
import { CDN_LOOP_TOKEN } from "./origin/origin.ts";
import type { RequestHead } from "./request.ts";

/** Whether a request is one that an endpoint serves, before its cache is asked. */
export type Admission =
  | { readonly kind: "admitted"; readonly live: LiveEndpoint }
  | {
      readonly kind: "refused";
      readonly status: 204 | 400 | 404 | 405 | 421 | 508;
      readonly reason: string;
      readonly lines?: string;
      readonly live?: LiveEndpoint;
    };

/** Host first: who does not know an endpoint's name learns nothing else. */
export function decideAdmission(
  request: RequestHead,
  live: LiveEndpoint | undefined,
  tls: TlsTerms | undefined,
): Admission {
  if (live === undefined) {
    return { kind: "refused", status: 404, reason: "No CDN endpoint answers on this host." };
  }
  // RFC 9110 §7.4, §15.5.20: the client may try again on a connection whose certificate has the name.
  if (tls?.covers(request.host) === false) {
    const reason = "This connection's certificate is not for this host.";
    return { kind: "refused", status: 421, reason, live };
  }
  if (live.endpoint.role !== "proxy") {
    const refusal = spaceRefusal(request);
    if (refusal !== undefined) return { kind: "refused", live, ...refusal };
  } else if (request.target === "*" || mayGoNoFurther(request)) {
    // RFC 9110 §9.3.7: it asks about the server that it has reached.
    return { kind: "refused", status: 204, reason: "", live };
  }
  if (isLoop(fieldOf(request.fields, "cdn-loop"))) {
    const reason = "This request has come through here before.";
    return { kind: "refused", status: 508, reason, live };
  }
  return { kind: "admitted", live };
}

/** What a Space does not serve through a CDN. */
function spaceRefusal(
  request: RequestHead,
): Omit<Extract<Admission, { kind: "refused" }>, "kind" | "live"> | undefined {
  if (request.method !== "GET" && request.method !== "HEAD") {
    return {
      status: 405,
      reason: "Only GET and HEAD are served here.",
      lines: "allow: GET, HEAD\r\n",
    };
  }
  if (request.contentLength !== 0) {
    // RFC 9110 §9.3.1: content in a GET has no meaning, and is how requests are smuggled.
    return { status: 400, reason: "A GET or HEAD has no content." };
  }
  return undefined;
}

/** RFC 9110 §7.6.2: then this is the last recipient. Of other methods it means nothing. */
function mayGoNoFurther({ method, fields }: RequestHead): boolean {
  if (method !== "OPTIONS" && method !== "TRACE") return false;
  return fieldOf(fields, "max-forwards") === "0";
}

/** RFC 8586 §2: a list of CDN names with parameters. */
function isLoop(cdnLoop: string | undefined): boolean {
  if (cdnLoop === undefined) return false;
  return cdnLoop
    .split(",")
    .some((member) => member.split(";")[0]?.trim().toLowerCase() === CDN_LOOP_TOKEN);
}
