import type { FillHead } from "./cache/fill-head.ts";
import { STALE_DISCONNECTED_WAIT_MS, STALE_IF_ERROR_WAIT_MS } from "./cache/limits.ts";
import { mayServeStale, type StaleIfError } from "./cache/reuse-decision.ts";
import type { StoredResponse } from "./cache/stored-response.ts";
import type { Forward, Outcome } from "./cache-status.ts";
import type { Outlook } from "./origin/origin-health.ts";

/** What the cache had for a request that goes forward. */
export interface Miss {
  /** What may not be reused as it is. */
  readonly stale: StoredResponse | undefined;
  readonly forward: Exclude<Forward, "bypass" | "method">;
  /** After which failures what is stale is served all the same, and its lifetime then. */
  readonly ifError: StaleIfError;
  readonly ttlSeconds: number;
}

/** Nothing is stored for it. */
export const UNKNOWN: Miss = {
  stale: undefined,
  forward: "uri-miss",
  ifError: "never",
  ttlSeconds: 0,
};
export const OTHER_VARIANT: Miss = { ...UNKNOWN, forward: "vary-miss" };

export function variantOf(miss: Miss): Miss {
  return { ...miss, stale: undefined, forward: "vary-miss" };
}

/** RFC 9111 §4.2.4, RFC 5861 §4: what is stale is served in the place of a failure, if it may be. */
export function shelterOf(
  { stale, ifError, ttlSeconds }: Miss,
  head: FillHead,
): { readonly stored: StoredResponse; readonly outcome: Outcome } | undefined {
  if (stale === undefined) return undefined;
  const status = statusOf(head);
  if (!hasFailed(head) || !mayServeStale(ifError, status ?? "no-answer")) return undefined;
  const forwarded = status === undefined ? {} : { forwardStatus: status };
  const outcome: Outcome = { kind: "stale", reason: "if-error", ttlSeconds, ...forwarded };
  return { stored: stale, outcome };
}

/**
 * For how long it is waited for an answer whose failure something shelters from: none in time is a
 * failure (RFC 5861 §4). Undefined: nothing may stand in, and whatever comes is waited for.
 */
export function waitMsOf(
  { stale, ifError }: Pick<Miss, "stale" | "ifError">,
  outlook: Outlook,
): number | undefined {
  if (stale === undefined || ifError === "never") return undefined;
  if (outlook !== "up") return 0;
  return ifError === "error" ? STALE_IF_ERROR_WAIT_MS : STALE_DISCONNECTED_WAIT_MS;
}

/** Whether the origin had no answer, or a 5xx (RFC 9111 §4.3.3). */
export function hasFailed(head: FillHead): boolean {
  return head.kind === "failed" || (statusOf(head) ?? 0) >= 500;
}

/** Of what the origin answered, as far as it answered. */
function statusOf(head: FillHead): number | undefined {
  return head.kind === "failed" || head.kind === "leaving" ? undefined : head.response.status;
}
