import { parseHttpDate } from "#http/http-date.ts";
import { HOLD_FOR_ONE_ORDER_MS_MAX, RETRY_AFTER_MS_MAX } from "./limits.ts";
import type { Step } from "./refusal.ts";

/** The fields of a reply that say when to come back. */
export interface ReplyTimes {
  readonly "retry-after": string | null;
  readonly date: string | null;
}

/**
 * RFC 9110 §10.2.3: when to ask again at the earliest, or `undefined`. A date counts by the CA's own
 * clock, which may not be ours: both times of the reply are whole seconds, so it is never too early.
 * @param now when the reply came
 */
export function parseRetryAfter(fields: ReplyTimes, now: number): number | undefined {
  const text = fields["retry-after"]?.trim();
  if (text === undefined || text === "") return undefined;
  if (/^\d{1,15}$/.test(text)) return now + Math.min(Number(text) * 1_000, RETRY_AFTER_MS_MAX);
  const at = parseHttpDate(text, now);
  if (at === undefined) return undefined;
  const sentAt = fields.date === null ? undefined : parseHttpDate(fields.date, now);
  const waitMs = Math.max(0, at - (sentAt ?? now));
  return now + Math.min(waitMs, RETRY_AFTER_MS_MAX);
}

/**
 * RFC 8555 §6.6, RFC 9110 §15.6.4: until when the CA is to be left alone altogether. A new order may
 * be refused for days because of its names (Let's Encrypt: 5 certificates of one exact set in a
 * week): then it waits that long, and the others as long as the longest limit of an account.
 */
export function decideHold(
  refused: { readonly status: number; readonly step: Step; readonly retryAt: number | undefined },
  now: number,
): number | undefined {
  const { status, step, retryAt } = refused;
  if (retryAt === undefined || (status !== 429 && status !== 503)) return undefined;
  if (status === 503 || step !== "order") return retryAt;
  return Math.min(retryAt, now + HOLD_FOR_ONE_ORDER_MS_MAX);
}
