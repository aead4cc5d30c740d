import { unreachable } from "#unreachable.ts";
import type { BypassReason } from "./cache/lookup-decision.ts";
import type { Storage } from "./cache/storage-decision.ts";

/** How a request was answered, as the decisions found it. */
export type Outcome =
  | { readonly kind: "hit"; readonly ttlSeconds: number }
  /** From the store, though it is stale: the lifetime that is left is 0 or less. */
  | {
      readonly kind: "stale";
      readonly reason: "while-revalidate" | "if-error";
      readonly ttlSeconds: number;
      /** Of the 5xx that it is served instead of; absent where no answer came, or none was waited for. */
      readonly forwardStatus?: number;
    }
  | ({
      readonly kind: "miss";
      /** What made the request go forward: nothing that is stored, fresh, or all of what is asked for. */
      readonly forward: Exclude<Forward, "bypass" | "method">;
      readonly storage: Storage;
      /** Of the origin's answer, where the reply has another one. */
      readonly forwardStatus?: number;
      readonly ttlSeconds?: number;
    } & Collapse)
  | ({
      readonly kind: "revalidated";
      readonly storage: Storage;
      readonly ttlSeconds?: number;
    } & Collapse)
  | { readonly kind: "bypass"; readonly reason: BypassReason };

/** Whether it waited for a fetch that another request had begun. */
interface Collapse {
  readonly collapsed: boolean;
  /** It did, for an answer that was not for it, and then went forward by itself. */
  readonly refetched?: boolean;
}

/** What made a request go forward (RFC 9211 §2.2). */
export type Forward =
  | "bypass"
  | "method"
  | "uri-miss"
  | "vary-miss"
  | "miss"
  | "request"
  | "stale"
  | "partial";

/** What `x-cache`, the log and the metrics call an outcome; NONE: the edge answered by itself. */
export type CacheResult = "HIT" | "MISS" | "STALE" | "REVALIDATED" | "BYPASS" | "NONE";

/** `x-cache`, as CDNs have it. */
export function xCache(outcome: Outcome): CacheResult {
  switch (outcome.kind) {
    case "hit":
      return "HIT";
    case "stale":
      return "STALE";
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

/** RFC 9211, under the name `Atoll`. The key is not told: §4 warns of who could learn from it. */
export function cacheStatus(outcome: Outcome): string {
  switch (outcome.kind) {
    case "hit":
      return `Atoll; hit; ttl=${outcome.ttlSeconds}`;
    case "stale":
      return `Atoll; ${staleHit(outcome)}; ttl=${outcome.ttlSeconds}; detail=stale-${outcome.reason}`;
    case "miss":
      return `Atoll; fwd=${outcome.forward}${forwardStatus(outcome)}${kept(outcome)}`;
    case "revalidated":
      return `Atoll; fwd=stale; fwd-status=304${kept(outcome)}`;
    case "bypass":
      // RFC 9211 §2.2: the most specific reason that is known.
      return outcome.reason === "method"
        ? "Atoll; fwd=method"
        : `Atoll; fwd=bypass; detail=${outcome.reason}`;
    default:
      return unreachable(outcome);
  }
}

/**
 * For a request that went forward and had no answer: `detail` is a token that says why.
 * Deviation: RFC 9211 §2 would have it left out of what an intermediary generates; without it nobody
 * outside could tell a 502 of the edge from one of the origin.
 */
export function failureStatus(forward: Forward, detail: string, wasCollapsed: boolean): string {
  return `Atoll; fwd=${forward}; detail=${detail}${wasCollapsed ? "; collapsed" : ""}`;
}

/** RFC 9211 §2.1: what is used because nobody answered is a hit; what a 5xx is hidden by went forward. */
function staleHit(outcome: Extract<Outcome, { kind: "stale" }>): string {
  const { forwardStatus: status } = outcome;
  return status === undefined ? "hit" : `fwd=stale; fwd-status=${status}`;
}

function forwardStatus({ forwardStatus: status }: { readonly forwardStatus?: number }): string {
  return status === undefined ? "" : `; fwd-status=${status}`;
}

/** What became of the origin's answer. */
function kept(
  outcome: { readonly storage: Storage; readonly ttlSeconds?: number } & Collapse,
): string {
  const { storage, ttlSeconds, collapsed, refetched = false } = outcome;
  return (
    (ttlSeconds === undefined ? "" : `; ttl=${ttlSeconds}`) +
    (storage.kind === "store" ? "; stored" : `; detail=${storage.reason}`) +
    // RFC 9211 §2.6: false says that it waited for nothing.
    (refetched ? "; collapsed=?0" : collapsed ? "; collapsed" : "")
  );
}
