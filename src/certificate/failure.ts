/** What went wrong with an attempt to obtain a certificate. */
export interface Failure {
  /** The CA's own words, or the cause. */
  readonly message: string;
  /** Asking the same again will be refused again. */
  readonly permanent: boolean;
  /** The CA is not asked again before. Milliseconds since the epoch. */
  readonly retryAt?: number;
}

/** What went wrong before, as the job has it. */
export interface Failing {
  readonly failures: number;
  readonly failingSince?: number;
}

export type AfterFailure =
  | { readonly kind: "again"; readonly at: number }
  /** Nothing is tried any more, until somebody asks for it. */
  | { readonly kind: "give-up"; readonly reason: "permanent" | "too-long" };

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** Between attempts, in their order; the last one repeats. In all, 30 days take some 125 attempts. */
const WAITS_MS = [
  MINUTE_MS,
  2 * MINUTE_MS,
  5 * MINUTE_MS,
  10 * MINUTE_MS,
  20 * MINUTE_MS,
  40 * MINUTE_MS,
  HOUR_MS,
  2 * HOUR_MS,
  4 * HOUR_MS,
  6 * HOUR_MS,
] as const;
const WAIT_MS_MAX = 6 * HOUR_MS;

/** Whoever has not set up the name's DNS in a month is not about to. */
const GIVE_UP_MS = 30 * 24 * HOUR_MS;

/** So that those that failed together do not come again together. */
const JITTER_SHARE = 0.2;

/**
 * What becomes of a certificate that could not be obtained. One that is still served is tried for
 * until it ends, whatever the CA says: that may be mended, and giving up would surely break it.
 * @param random of [0, 1)
 */
export function decideAfterFailure(
  failure: Failure,
  before: Failing,
  servedUntil: number | undefined,
  now: number,
  random: number,
): AfterFailure {
  const isServed = servedUntil !== undefined && servedUntil > now;
  if (!isServed) {
    if (failure.permanent) return { kind: "give-up", reason: "permanent" };
    if (now - (before.failingSince ?? now) >= GIVE_UP_MS)
      return { kind: "give-up", reason: "too-long" };
  }
  const wait = failure.permanent ? WAIT_MS_MAX : (WAITS_MS[before.failures] ?? WAIT_MS_MAX);
  const at = now + Math.floor(wait * (1 + JITTER_SHARE * random));
  if (failure.retryAt === undefined) return { kind: "again", at };
  // RFC 8555 §6.6: not before, and then soon; but a CA that always says "at once" is spared as well.
  const soonest = now + Math.min(wait, 1_000 * 2 ** Math.min(before.failures, 20));
  return { kind: "again", at: Math.max(failure.retryAt, soonest) };
}
