import {
  ORIGIN_DOWN_AFTER_FAILURES,
  ORIGIN_FAILURES_WINDOW_MS,
  ORIGIN_PROBE_DELAY_MAX_MS,
  ORIGIN_PROBE_DELAY_MIN_MS,
  ORIGINS_MAX,
} from "../limits.ts";

/** What is known of an origin. Times are in milliseconds of one clock. */
export type Health =
  | {
      readonly kind: "up";
      /** When it last answered, whatever it said. */
      readonly answeredAt: number;
      /** Fetches since then that had no answer, one soon after another. */
      readonly failures: number;
      readonly failedAt: number;
    }
  | {
      readonly kind: "down";
      /** What the last fetch failed with: it could not be reached, or it was silent. */
      readonly status: 502 | 504;
      readonly probes: number;
      /** From then on one fetch may go and see. */
      readonly probeAt: number;
    };

/** A fetch that had no answer because the origin could not be reached, or said nothing in time. */
export interface Unanswered {
  readonly begunAt: number;
  readonly now: number;
  readonly status: 502 | 504;
}

/** Whether a fetch may go to an origin, and what is known once it does. */
export type Permission =
  | { readonly kind: "go" }
  /** The one that goes and sees. */
  | { readonly kind: "probe"; readonly health: Health }
  | { readonly kind: "wait"; readonly status: 502 | 504; readonly waitMs: number };

const GO: Permission = { kind: "go" };

/** What those who need not wait for an answer want to know of an origin: "due" is down, and to be asked. */
export type Outlook = "up" | "down" | "due";

/** Any answer is a sign of life: a 503 too has come from somewhere. */
export function afterAnswer(now: number): Health {
  return { kind: "up", answeredAt: now, failures: 0, failedAt: 0 };
}

/** `random` is below 1: workers and hosts that lost an origin together do not ask for it together. */
export function afterFailure(
  health: Health | undefined,
  { begunAt, now, status }: Unanswered,
  random: number,
): Health {
  if (health?.kind === "down") return { ...health, status };
  const { answeredAt = -Infinity, failures = 0, failedAt = 0 } = health ?? {};
  // What began before the last answer tells of the time before it.
  if (health !== undefined && begunAt < answeredAt && answeredAt <= now) return health;
  const isRow = now - failedAt < ORIGIN_FAILURES_WINDOW_MS;
  const row = isRow ? failures + 1 : 1;
  if (row < ORIGIN_DOWN_AFTER_FAILURES) {
    return { kind: "up", answeredAt, failures: row, failedAt: now };
  }
  return { kind: "down", status, probes: 0, probeAt: now + probeDelayMs(0, random) };
}

/**
 * A probe does not have to end before the next one: one that hangs must not keep an origin down that
 * has come back meanwhile.
 */
export function permitFetch(health: Health | undefined, now: number, random: number): Permission {
  if (health?.kind !== "down") return GO;
  const { status, probeAt } = health;
  if (outlookOf(health, now) === "down") return { kind: "wait", status, waitMs: probeAt - now };
  const probes = health.probes + 1;
  const next = now + probeDelayMs(probes, random);
  return { kind: "probe", health: { ...health, probes, probeAt: next } };
}

export function outlookOf(health: Health | undefined, now: number): Outlook {
  if (health?.kind !== "down") return "up";
  const waitMs = health.probeAt - now;
  // A clock that was set back is no reason to wait for longer.
  return waitMs > 0 && waitMs <= ORIGIN_PROBE_DELAY_MAX_MS ? "down" : "due";
}

/** Doubles up to a limit that it never exceeds, and is up to a quarter shorter by chance. */
function probeDelayMs(probes: number, random: number): number {
  const delay = Math.min(ORIGIN_PROBE_DELAY_MAX_MS, ORIGIN_PROBE_DELAY_MIN_MS * 2 ** probes);
  return delay * (1 - random / 4);
}

/** The health of the origins that are in use. */
export class OriginHealth {
  readonly #random: () => number;
  readonly #known = new Map<string, Health>();

  constructor(random: () => number) {
    this.#random = random;
  }

  outlook(origin: string, now: number): Outlook {
    return outlookOf(this.#known.get(origin), now);
  }

  /** Says whether a fetch may go; if it is the one that goes and sees, no other is for a while. */
  permit(origin: string, now: number): Permission {
    const health = this.#known.get(origin);
    if (health?.kind !== "down") return GO;
    const permission = permitFetch(health, now, this.#random());
    if (permission.kind === "probe") this.#known.set(origin, permission.health);
    return permission;
  }

  answered(origin: string, now: number): void {
    this.#set(origin, afterAnswer(now));
  }

  failed(origin: string, unanswered: Unanswered): void {
    this.#set(origin, afterFailure(this.#known.get(origin), unanswered, this.#random()));
  }

  /** Past the limit the origin that was known first is forgotten, and up for all we know. */
  #set(origin: string, health: Health): void {
    if (this.#known.size >= ORIGINS_MAX && !this.#known.has(origin)) {
      const [first] = this.#known.keys();
      if (first !== undefined) this.#known.delete(first);
    }
    this.#known.set(origin, health);
  }
}
