import { canonicalTarget, EVERYTHING } from "#cdn/purge-pattern.ts";
import type { PurgeInForce } from "#feed/message.ts";
import { PURGE_PATTERNS_MAX } from "../limits.ts";
import { PurgePatterns } from "./purge-patterns.ts";

/** What purges have made of something fetched: nothing, no longer fresh, or not to be used again. */
export type PurgeEffect = "unaffected" | "stale" | "gone";

/**
 * The purges of one endpoint that something stored may still need. Recording one costs the same
 * whatever is stored: a stored response is compared with what came since it was last looked at.
 */
export class PurgeList {
  #latest = 0;
  readonly #hard = new PurgePatterns();
  /** They make stale what the others drop. */
  readonly #soft = new PurgePatterns();

  /** The number of the newest purge: what was checked at it needs no other check. */
  get latest(): number {
    return this.#latest;
  }

  /** Numbers never go back. Patterns are in canonical form, or `tag:` and a tag. */
  record(number: number, patterns: readonly string[], soft = false): void {
    this.#latest = number;
    const list = soft ? this.#soft : this.#hard;
    if (patterns.includes(EVERYTHING)) {
      list.addEverything(number);
      // Nothing is left that was fetched before a purge of everything, to be stale.
      if (!soft) this.#soft.clear();
      return;
    }
    for (const pattern of patterns) list.add(number, pattern);
    while (this.#hard.size + this.#soft.size > PURGE_PATTERNS_MAX) {
      (this.#hard.oldest <= this.#soft.oldest ? this.#hard : this.#soft).collapseOldest();
    }
  }

  /** What of it is in force, in the order in which it was recorded. */
  kept(): readonly PurgeInForce[] {
    const hard = Array.from(this.#hard.entries(), ([pattern, number]) => ({ number, pattern }));
    const soft = Array.from(this.#soft.entries(), ([pattern, number]) => {
      return { number, pattern, soft: true };
    });
    return [...hard, ...soft].toSorted((one, other) => one.number - other.number);
  }

  /** What the purges later than `since` make of what is stored for this raw target, with these tags. */
  effectOn(rawTarget: string, tags: readonly string[], since: number): PurgeEffect {
    if (this.#latest <= since) return "unaffected";
    if (this.#hard.everything > since) return "gone";
    const target = canonicalTarget(rawTarget);
    if (this.#hard.match(target, tags, since)) return "gone";
    return this.#soft.match(target, tags, since) ? "stale" : "unaffected";
  }
}

/** The list that these purges were kept by. */
export function purgeListOf(purges: readonly PurgeInForce[]): PurgeList {
  const list = new PurgeList();
  for (const { number, pattern, soft } of purges) list.record(number, [pattern], soft);
  return list;
}

/** Something fetched at a number of the feed: a stored response, or a fill in flight. */
export interface Purgeable {
  /** No purge up to this number drops it. Moves on as it is checked. */
  purgesCheckedAt: number;
  /** A soft purge up to that number made it stale: it stays so until the origin confirms it. */
  softPurged: boolean;
  readonly tags: readonly string[];
}

/** Whether what was fetched may still be used, and as what, by a request that comes now. */
export function survivesPurges(
  purges: PurgeList | undefined,
  rawTarget: string,
  fetched: Purgeable,
): PurgeEffect {
  if (purges !== undefined && purges.latest > fetched.purgesCheckedAt) {
    const effect = purges.effectOn(rawTarget, fetched.tags, fetched.purgesCheckedAt);
    if (effect === "gone") return "gone";
    if (effect === "stale") fetched.softPurged = true;
    fetched.purgesCheckedAt = purges.latest;
  }
  return fetched.softPurged ? "stale" : "unaffected";
}
