import type { IncomingMessage } from "node:http";
import type { TLSSocket } from "node:tls";
import { Refusal } from "./refusal.ts";
import { type Grant, scopeText } from "./scope.ts";

/** Host, with a port or not: nothing that could end a quoted string or a URL's authority. */
const HOST = /^(?:[a-zA-Z0-9._-]{1,253}|\[[0-9a-fA-F:.]{2,45}\])(?::\d{1,5})?$/;

/** How the client reached us, as it says itself. */
export interface Reached {
  readonly scheme: "http" | "https";
  readonly host: string;
}

/** @throws Refusal for a Host that is none */
export function reached(request: IncomingMessage): Reached {
  // Of TLS also where the edge has ended it.
  const { encrypted } = request.socket as Partial<TLSSocket>;
  const scheme = encrypted === true ? "https" : "http";
  const host = request.headers.host ?? "";
  if (!HOST.test(host)) {
    throw new Refusal("UNSUPPORTED", "The request has no valid Host.", { status: 400 });
  }
  return { scheme, host };
}

/** RFC 6750 §3, and docker's token specification: where a session is had, and what for. */
export function bearerChallenge(
  { scheme, host }: Reached,
  needed: readonly Grant[],
  error?: "insufficient_scope" | "invalid_token",
): string {
  const parameters = {
    realm: `${scheme}://${host}/token`,
    service: host,
    ...(needed.length === 0 ? {} : { scope: needed.map(scopeText).join(" ") }),
    ...(error === undefined ? {} : { error }),
  };
  const list = Object.entries(parameters).map(([name, value]) => `${name}="${value}"`);
  return `Bearer ${list.join(",")}`;
}

/** What a session lacks can be asked for. */
export function insufficientScope(request: IncomingMessage, needed: readonly Grant[]): Refusal {
  const challenge = bearerChallenge(reached(request), needed, "insufficient_scope");
  const message = "The session is not for this: get one with the scope named.";
  return new Refusal("UNAUTHORIZED", message, { fields: { "www-authenticate": challenge } });
}
