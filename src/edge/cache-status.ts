import { unreachable } from "#unreachable.ts";
import type { BypassReason } from "./cache/lookup-decision.ts";
import type { Storage } from "./cache/storage-decision.ts";

/** How a request was answered, as the decisions found it. */
export type Outcome =
  | { readonly kind: "hit"; readonly ttlSeconds: number }
  | {
      readonly kind: "miss";
      /** What made the request go forward: nothing stored, or nothing fresh. */
      readonly forward: "miss" | "vary-miss" | "stale";
      readonly collapsed: boolean;
      readonly storage: Storage;
    }
  | { readonly kind: "revalidated"; readonly collapsed: boolean; readonly storage: Storage }
  | { readonly kind: "bypass"; readonly reason: BypassReason };

/** What made a request go forward (RFC 9211 §2.2). */
export type Forward = "miss" | "vary-miss" | "stale" | "bypass";

/** What `x-cache`, the log and the metrics call an outcome; NONE: the edge answered by itself. */
export type CacheResult = "HIT" | "MISS" | "STALE" | "REVALIDATED" | "BYPASS" | "NONE";

/** `x-cache`, as CDNs have it. */
export function xCache(outcome: Outcome): CacheResult {
  switch (outcome.kind) {
    case "hit":
      return "HIT";
    case "miss":
      return "MISS";
    case "revalidated":
      return "REVALIDATED";
    case "bypass":
      return "BYPASS";
    default:
      return unreachable(outcome);
  }
}

/** RFC 9211, under the name `Atoll`. */
export function cacheStatus(outcome: Outcome): string {
  switch (outcome.kind) {
    case "hit":
      return `Atoll; hit; ttl=${outcome.ttlSeconds}`;
    case "miss":
      return `Atoll; fwd=${outcome.forward}${storageParameter(outcome.storage)}${collapsed(outcome)}`;
    case "revalidated":
      return `Atoll; fwd=stale; fwd-status=304${storageParameter(outcome.storage)}${collapsed(outcome)}`;
    case "bypass":
      return `Atoll; fwd=bypass; detail=${outcome.reason}`;
    default:
      return unreachable(outcome);
  }
}

/** RFC 9211 §2.3: without fwd-status, since no response has come; `detail` is a token. */
export function failureStatus(forward: Forward, detail: string, wasCollapsed: boolean): string {
  return `Atoll; fwd=${forward}; detail=${detail}${collapsed({ collapsed: wasCollapsed })}`;
}

function storageParameter(storage: Storage): string {
  return storage.kind === "store" ? "; stored" : `; detail=${storage.reason}`;
}

function collapsed(outcome: { readonly collapsed: boolean }): string {
  return outcome.collapsed ? "; collapsed" : "";
}
