import type { Issued } from "./certificate.ts";

/** What the CA suggests (RFC 9773 §4.2), and what we have made of it. Times in ms since the epoch. */
export interface SuggestedRenewal {
  readonly startAt: number;
  readonly endAt: number;
  /** The CA is not asked again before. */
  readonly askAt: number;
  /** A moment of the window, drawn once for each window. */
  readonly renewAt: number;
}

/** The CA has none, or did not know the certificate: it is asked again later. */
interface NoSuggestion {
  readonly askAt: number;
}

export type Renewal = SuggestedRenewal | NoSuggestion;

export type RenewalDecision =
  | { readonly kind: "renew"; readonly reason: "due" | "window" | "issuer" }
  /** Ask the CA for its window. */
  | { readonly kind: "ask" }
  | { readonly kind: "keep"; readonly until: number };

/** Whatever the CA suggests, this much of the lifetime is left for failures. */
const LATEST_SHARE = 1 / 10;

/**
 * Whether what was issued last is renewed now, by this issuer. The CA's window counts, else a third
 * of the lifetime that is left: right for 6 days as for 90.
 */
export function decideRenewal(
  issued: Issued,
  suggested: Renewal | undefined,
  issuer: string,
  now: number,
): RenewalDecision {
  const { notBefore, notAfter } = issued;
  const lifetime = notAfter - notBefore;
  // Nobody out there trusts the local CA: where another is wanted, it was only the beginning.
  if (issued.issuer !== issuer && issued.issuer === LOCAL)
    return { kind: "renew", reason: "issuer" };
  const latest = notAfter - Math.floor(lifetime * LATEST_SHARE);
  const ownAt = notAfter - Math.floor(lifetime / 3);
  // Only who has issued it can say more.
  const mayAsk = issued.issuer === issuer && issuer !== LOCAL;
  const window =
    mayAsk && suggested !== undefined && "renewAt" in suggested ? suggested : undefined;
  const renewAt = Math.min(window?.renewAt ?? ownAt, latest);
  if (now >= renewAt) return { kind: "renew", reason: window === undefined ? "due" : "window" };
  if (!mayAsk) return { kind: "keep", until: renewAt };
  if (suggested === undefined || now >= suggested.askAt) return { kind: "ask" };
  return { kind: "keep", until: Math.min(renewAt, suggested.askAt) };
}

/** What the local CA is called as an issuer. */
export const LOCAL = "local";

/**
 * RFC 9773 §4.2: a moment of the window, drawn once, so that not all clients come at once.
 * @param random of [0, 1)
 */
export function suggestedRenewal(
  window: { readonly startAt: number; readonly endAt: number; readonly retryAt: number },
  before: Renewal | undefined,
  random: number,
): SuggestedRenewal {
  const { startAt, endAt, retryAt: askAt } = window;
  const isSame =
    before !== undefined &&
    "renewAt" in before &&
    before.startAt === startAt &&
    before.endAt === endAt;
  const renewAt = isSame
    ? before.renewAt
    : startAt + Math.floor(random * Math.max(0, endAt - startAt));
  return { startAt, endAt, askAt, renewAt };
}
