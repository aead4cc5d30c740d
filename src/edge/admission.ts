import type { EdgeEndpoint } from "#feed/entry.ts";
import type { TlsTerms } from "./exchange.ts";
import { fieldOf } from "./fields.ts";
import { isLoop } from "./origin/cdn-loop.ts";
import type { RequestHead } from "./request.ts";

/** Why the edge answers a request by itself, and with what. */
export interface Refusal {
  readonly status: 204 | 308 | 400 | 403 | 404 | 405 | 421 | 508;
  /** One line, for the person who sees it. */
  readonly reason: string;
  /** Fields that say more, each with its CRLF. */
  readonly lines: string;
}

/** Who does not know an endpoint's name learns nothing else. */
export const UNKNOWN_HOST: Refusal = {
  status: 404,
  reason: "No CDN endpoint answers on this host.",
  lines: "",
};

const MISDIRECTED: Refusal = {
  status: 421,
  reason: "This connection's certificate is not for this host.",
  lines: "",
};
const LOOP: Refusal = {
  status: 508,
  reason: "This request has come through here before.",
  lines: "",
};
const METHOD: Refusal = {
  status: 405,
  reason: "Only GET and HEAD are served here.",
  lines: "allow: GET, HEAD\r\n",
};
const CONTENT: Refusal = { status: 400, reason: "A GET or HEAD has no content.", lines: "" };
const NO_FURTHER: Refusal = { status: 204, reason: "", lines: "" };

/** RFC 9110 §7.4, §15.5.20: the client may try again on a connection whose certificate has the name. */
export function certificateRefusal(
  { host }: Pick<RequestHead, "host">,
  tls: TlsTerms | undefined,
): Refusal | undefined {
  return tls?.covers(host) === false ? MISDIRECTED : undefined;
}

/** RFC 8586 §2: what this installation has sent itself. */
export function loopRefusal(
  { fields }: Pick<RequestHead, "fields">,
  loopToken: string,
): Refusal | undefined {
  return isLoop(fieldOf(fields, "cdn-loop"), loopToken) ? LOOP : undefined;
}

/** What an endpoint has no answer to, whatever the target is. */
export function methodRefusal(
  request: RequestHead,
  { role }: Pick<EdgeEndpoint, "role">,
): Refusal | undefined {
  if (role === "proxy") {
    // RFC 9110 §9.3.7: it asks about the server that it has reached.
    return request.target === "*" || mayGoNoFurther(request) ? NO_FURTHER : undefined;
  }
  if (request.method !== "GET" && request.method !== "HEAD") return METHOD;
  // RFC 9110 §9.3.1: content in a GET has no meaning, and is how requests are smuggled.
  return request.contentLength === 0 ? undefined : CONTENT;
}

/** RFC 9110 §7.6.2: then this is the last recipient. Of other methods it means nothing. */
function mayGoNoFurther({ method, fields }: RequestHead): boolean {
  if (method !== "OPTIONS" && method !== "TRACE") return false;
  return fieldOf(fields, "max-forwards") === "0";
}
