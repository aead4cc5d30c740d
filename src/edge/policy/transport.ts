import type { EndpointSettings } from "#feed/entry.ts";
import { ACME_CHALLENGES } from "../challenges/http-challenge.ts";
import { hostName } from "../names.ts";
import type { RequestHead } from "../request.ts";

/** Whether a request is sent to https, or served as it came. */
export type Redirect =
  | { readonly kind: "none" }
  | {
      readonly kind: "redirect";
      readonly status: 308;
      /** For who does not follow it. */
      readonly reason: string;
      /** Location, with its CRLF. */
      readonly lines: string;
    };

/** How a request came, and where it could have come instead. */
export interface Transport {
  readonly isTls: boolean;
  /** As clients reach it. Absent: there is nothing over TLS. */
  readonly tlsPort: number | undefined;
}

const HTTPS_PORT = 443;

const NONE: Redirect = { kind: "none" };

/** RFC 9110 §15.4.9: 308 keeps the method. Others than GET and HEAD have sent their content already. */
export function decideRedirect(
  settings: EndpointSettings | undefined,
  { method, target, host }: Pick<RequestHead, "method" | "target" | "host">,
  { isTls, tlsPort }: Transport,
): Redirect {
  if (settings?.httpsRedirect !== true || isTls || tlsPort === undefined) return NONE;
  if (method !== "GET" && method !== "HEAD") return NONE;
  // RFC 8555 §8.3: a CA asks in the clear, for a certificate that may not be there yet.
  if (target.startsWith(ACME_CHALLENGES)) return NONE;
  return {
    kind: "redirect",
    status: 308,
    reason: "This is served over https.",
    lines: `location: ${httpsLocation({ host, target, tlsPort })}\r\n`,
  };
}

/** The same resource over https. */
export function httpsLocation(asked: {
  readonly host: string;
  readonly target: string;
  readonly tlsPort: number;
}): string {
  const { host, target, tlsPort } = asked;
  const port = tlsPort === HTTPS_PORT ? "" : `:${tlsPort}`;
  return `https://${hostName(host)}${port}${target.startsWith("/") ? target : "/"}`;
}

/** RFC 6797 §6.1 and §7.2: said over TLS, and never in the clear, where anyone could have said it. */
export function hstsLine(settings: EndpointSettings | undefined, isTls: boolean): string {
  const hsts = settings?.hsts;
  if (hsts === undefined || !isTls) return "";
  return (
    `strict-transport-security: max-age=${hsts.maxAgeSeconds}` +
    `${hsts.includeSubdomains ? "; includeSubDomains" : ""}${hsts.preload ? "; preload" : ""}\r\n`
  );
}
