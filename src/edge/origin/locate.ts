import type { EdgeEndpoint, UpstreamOrigin } from "#feed/entry.ts";
import { HOP_SECRET_FIELD } from "#http/hop-secret.ts";
import { isPresigned } from "../cache/lookup-decision.ts";
import { canonicalPath, signedFields } from "./sign.ts";

/** The control plane's own origin server on this host, and the secret that it asks for. */
export interface EmbeddedSpaces {
  readonly port: number;
  readonly secret: string;
}

/** Where a fetch goes and what authorizes it there. */
export interface LocatedOrigin {
  readonly kind: "location";
  readonly origin: string;
  readonly path: string;
  readonly fields: Readonly<Record<string, string>>;
}

export type Location = LocatedOrigin | { readonly kind: "unusable"; readonly reason: string };

const NO_FIELDS: LocatedOrigin["fields"] = {};

interface Wanted {
  readonly endpoint: EdgeEndpoint;
  readonly method: string;
  readonly target: string;
}

/** Finds the store of an endpoint's Space and the target there. */
export function locate(wanted: Wanted, embedded: EmbeddedSpaces, now: number): Location {
  const { upstream, role } = wanted.endpoint;
  // An origin that is somebody's own gets what the client sent, whatever it makes of it.
  if (role === "proxy" && upstream !== undefined) {
    const { origin, path } = baseOf(upstream);
    return { kind: "location", origin, path: path + wanted.target, fields: NO_FIELDS };
  }
  // A store that resolves them would hand out another Space's objects, with our own credentials.
  if (hasDotSegment(wanted.target))
    return { kind: "unusable", reason: "a dot segment in the path" };
  return upstream === undefined
    ? inEmbeddedSpace(wanted, embedded)
    : inUpstream(wanted, upstream, now);
}

function inEmbeddedSpace({ endpoint, target }: Wanted, embedded: EmbeddedSpaces): Location {
  return {
    kind: "location",
    origin: originOf(endpoint, embedded),
    path: `/${endpoint.space}.${endpoint.region}${target}`,
    fields: { [HOP_SECRET_FIELD]: embedded.secret },
  };
}

function inUpstream(
  { method, target }: Wanted,
  upstream: NonNullable<EdgeEndpoint["upstream"]>,
  now: number,
): Location {
  const base = baseOf(upstream);
  const { credentials } = upstream;
  const mark = target.indexOf("?");
  const keyPath = mark < 0 ? target : target.slice(0, mark);
  // Only objects are signed for: with our credentials `/` would list the Space. A presigned request
  // brings its own authorization, and a store refuses two.
  if (credentials === undefined || keyPath === "/" || isPresigned(target)) {
    return { kind: "location", origin: base.origin, path: base.path + target, fields: NO_FIELDS };
  }
  // Signed requests leave the query behind: `?acl`, `?policy` and `?uploads` would answer to us.
  const path = canonicalPath(base.path + keyPath);
  const fields = signedFields({ method, host: base.host, path }, credentials, now);
  if (fields === undefined) return { kind: "unusable", reason: "malformed escapes in the path" };
  return { kind: "location", origin: base.origin, path, fields };
}

interface Base {
  readonly origin: string;
  readonly host: string;
  /** Without a slash at its end. */
  readonly path: string;
}

/** A fetch costs no parsing: an upstream is the same object for as long as it does not change. */
const BASES = new WeakMap<UpstreamOrigin, Base>();

function baseOf(upstream: UpstreamOrigin): Base {
  const known = BASES.get(upstream);
  if (known !== undefined) return known;
  const { origin, host, pathname } = new URL(upstream.url);
  const base = { origin, host, path: pathname.replace(/\/$/, "") };
  BASES.set(upstream, base);
  return base;
}

/** Which one an endpoint's objects are fetched from: its health is that of all who share it. */
export function originOf({ upstream }: EdgeEndpoint, embedded: EmbeddedSpaces): string {
  return upstream === undefined ? `http://127.0.0.1:${embedded.port}` : baseOf(upstream).origin;
}

/** `.` and `..` as segments, also where dots and slashes are escaped. */
function hasDotSegment(target: string): boolean {
  const mark = target.indexOf("?");
  const path = (mark < 0 ? target : target.slice(0, mark))
    .replace(/%2e/gi, ".")
    .replace(/%2f|%5c|\\/gi, "/");
  return /\/\.\.?(?:\/|$)/.test(path);
}
