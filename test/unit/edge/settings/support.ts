import assert from "node:assert/strict";
import type { Client } from "#edge/exchange.ts";
import { Gate, type Passage } from "#edge/gate.ts";
import type { LiveEndpoint } from "#edge/names.ts";
import type { Reply } from "#edge/reply.ts";
import type { RequestHead } from "#edge/request.ts";
import type { CorsRule, EdgeEndpoint } from "#feed/entry.ts";

export const endpoint: EdgeEndpoint = {
  id: "19f06b6a-3ace-4315-b086-499a0e521b76",
  space: "static",
  region: "nyc3",
  domain: "digitaloceanspaces.com",
  ttl: 3_600,
};
export const host = "static.nyc3.cdn.spaces.localhost";

/** When every request here is made. */
export const NOW = Date.UTC(2026, 10, 22, 12);

export const LOOP_TOKEN = "atoll-0a1b2c3d";

/** What a rule adds to replies that it does not allow either. */
export const VARY =
  "vary: Origin, Access-Control-Request-Headers, Access-Control-Request-Method\r\n";

export const APP = "https://app.example.com";

/** Lets one page read, and send a field of its own. */
export const RULE: CorsRule = {
  allowedOrigins: [APP],
  allowedMethods: ["GET", "HEAD"],
  allowedHeaders: ["x-app"],
  exposeHeaders: [],
};

export const CLEAR: Pick<Client, "tls"> = {};
export const TLS = clientFor(true);
/** Its certificate is for another host. */
export const MISDIRECTED = clientFor(false);

/** As the feed has it, with what a test changes. */
export function live(changes: Partial<EdgeEndpoint> = {}): LiveEndpoint {
  return { endpoint: { ...endpoint, ...changes }, purges: undefined, counters: undefined };
}

export function ask(changes: Partial<RequestHead> = {}): RequestHead {
  const request = { version: "HTTP/1.1", method: "GET", target: "/a", host, fields: [] } as const;
  return { ...request, contentLength: 0, ...changes };
}

export function newGate(tlsPort: number | undefined = 8_444): Gate {
  return new Gate({ loopToken: LOOP_TOKEN, tlsPort });
}

export function admitted(passage: Passage): Passage & { readonly kind: "admitted" } {
  assert(passage.kind === "admitted");
  return passage;
}

export function refused(passage: Passage): Passage & { readonly kind: "refused" } {
  assert(passage.kind === "refused");
  return passage;
}

/** The content of a reply that has all of it at once. */
export function textOf({ content }: Reply): string {
  assert(Buffer.isBuffer(content));
  return content.toString("latin1");
}

function clientFor(covered: boolean): Pick<Client, "tls"> {
  return { tls: { version: "TLSv1.3", covers: () => covered } };
}
