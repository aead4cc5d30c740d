import { fieldOf } from "../wire/request-head.ts";
import { cachingPolicy } from "./cache-control.ts";

/** How a response body ends (RFC 9112 §6.3). */
export type BodyLength = number | "chunked" | "close-delimited";

/** A response head that has just come, and the largest body that would be kept. */
export interface StorageInput {
  readonly status: number;
  readonly fields: readonly string[];
  readonly length: BodyLength;
  readonly bodyBytesMax: number;
  readonly responseTime: number;
}

type NotStoredReason =
  | "status"
  | "no-store"
  | "private"
  | "set-cookie"
  | "vary"
  | "no-validator"
  | "close-delimited"
  | "too-large";

/** Whether a response is kept, and if not, why. */
export type Storage =
  | { readonly kind: "store" }
  | { readonly kind: "pass"; readonly reason: NotStoredReason };

/** DESIGN §5: what an endpoint's TTL applies to. Partial content comes with the Cache issue. */
const STORED_STATUSES: ReadonlySet<number> = new Set([200, 203, 301, 308]);

/** RFC 9111 §3, for the answer to a GET without Authorization that was not presigned. */
export function decideStorage(response: StorageInput): Storage {
  if (!STORED_STATUSES.has(response.status)) return pass("status");
  const policy = cachingPolicy(response.fields, response.responseTime);
  if (policy.noStore) return pass("no-store");
  if (policy.private) return pass("private");
  // A cookie that is meant for one must not reach others, whatever its freshness says.
  if (fieldOf(response.fields, "set-cookie") !== undefined) return pass("set-cookie");
  // RFC 9111 §4.1: `*` never matches. Any other Vary names fields that are the same in each request
  // that reaches an origin from here, so one selected representation answers all.
  if (fieldOf(response.fields, "vary")?.includes("*") === true) return pass("vary");
  if ((policy.noCache || policy.lifetimeSeconds === 0) && !hasValidator(response.fields)) {
    return pass("no-validator");
  }
  // RFC 9112 §8: it cannot be told whether a close-delimited body is whole.
  if (response.length === "close-delimited") return pass("close-delimited");
  if (response.length !== "chunked" && response.length > response.bodyBytesMax) {
    return pass("too-large");
  }
  return { kind: "store" };
}

function hasValidator(fields: readonly string[]): boolean {
  return fieldOf(fields, "etag") !== undefined || fieldOf(fields, "last-modified") !== undefined;
}

function pass(reason: NotStoredReason): Storage {
  return { kind: "pass", reason };
}
