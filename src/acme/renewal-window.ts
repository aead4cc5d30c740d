import type { RenewalWindow } from "./acme.ts";
import { RENEWAL_RETRY_MS, RENEWAL_RETRY_MS_MAX, RENEWAL_RETRY_MS_MIN } from "./limits.ts";
import { parseRenewal } from "./wire.ts";

/** RFC 9773 §4.2, and §4.3.2 for when it may be asked for again. */
export function parseRenewalWindow(
  text: string,
  retryAt: number | undefined,
  now: number,
): RenewalWindow {
  const { suggestedWindow, explanationURL } = parseRenewal(text);
  const waitMs = retryAt === undefined ? RENEWAL_RETRY_MS : retryAt - now;
  return {
    startAt: suggestedWindow.start,
    endAt: suggestedWindow.end,
    ...(explanationURL !== undefined && { explanationUrl: explanationURL }),
    retryAt: now + Math.min(Math.max(waitMs, RENEWAL_RETRY_MS_MIN), RENEWAL_RETRY_MS_MAX),
  };
}
