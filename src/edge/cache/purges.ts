import {
  canonicalTarget,
  compilePurgePattern,
  EVERYTHING,
  hasWildcard,
  matches,
  type PurgeMatcher,
  pathOf,
} from "#cdn/purge-pattern.ts";
import { PURGE_PATTERNS_MAX } from "../limits.ts";

interface Wildcard {
  readonly number: number;
  readonly matcher: PurgeMatcher;
}

/**
 * The purges of one endpoint that something stored may still need. Recording one costs the same
 * whatever is stored: a stored response is compared with what came since it was last looked at.
 */
export class PurgeList {
  #latest = 0;
  /** Everything fetched before this number is gone. */
  #everything = 0;
  // In both maps a pattern that comes again moves to the end, so that they are in order of number.
  readonly #exact = new Map<string, number>();
  readonly #wildcards = new Map<string, Wildcard>();

  /** The number of the newest purge: what was checked at it needs no other check. */
  get latest(): number {
    return this.#latest;
  }

  /** Numbers never go back. */
  record(number: number, patterns: readonly string[]): void {
    this.#latest = number;
    if (patterns.includes(EVERYTHING)) {
      this.#everything = number;
      this.#exact.clear();
      this.#wildcards.clear();
      return;
    }
    for (const pattern of patterns) this.#keep(number, pattern);
    while (this.#exact.size + this.#wildcards.size > PURGE_PATTERNS_MAX) this.#collapseOldest();
  }

  /** Whether a purge later than `since` drops what is stored for this raw target. */
  drops(rawTarget: string, since: number): boolean {
    if (this.#everything > since) return true;
    if (this.#latest <= since) return false;
    const target = canonicalTarget(rawTarget);
    if ((this.#exact.get(target) ?? 0) > since) return true;
    if ((this.#exact.get(pathOf(target)) ?? 0) > since) return true;
    for (const wildcard of this.#wildcards.values()) {
      if (wildcard.number > since && matches(wildcard.matcher, target)) return true;
    }
    return false;
  }

  #keep(number: number, pattern: string): void {
    if (hasWildcard(pattern)) {
      const matcher = this.#wildcards.get(pattern)?.matcher ?? compilePurgePattern(pattern);
      this.#wildcards.delete(pattern);
      this.#wildcards.set(pattern, { number, matcher });
    } else {
      this.#exact.delete(pattern);
      this.#exact.set(pattern, number);
    }
  }

  /** Purging more than was asked is safe, forgetting a purge is not. */
  #collapseOldest(): void {
    const [exact, exactNumber = Infinity] = this.#exact.entries().next().value ?? [];
    const [pattern, wildcard] = this.#wildcards.entries().next().value ?? [];
    if (exact !== undefined && exactNumber <= (wildcard?.number ?? Infinity)) {
      this.#exact.delete(exact);
      this.#everything = exactNumber;
    } else if (pattern !== undefined && wildcard !== undefined) {
      this.#wildcards.delete(pattern);
      this.#everything = wildcard.number;
    }
  }
}

/** Something fetched at a number of the feed: a stored response, or a fill in flight. */
export interface Purgeable {
  /** No purge up to this number drops it. Moves on as it is checked. */
  purgesCheckedAt: number;
}

/** Whether what was fetched may still be used by a request that comes now. */
export function survivesPurges(
  purges: PurgeList | undefined,
  rawTarget: string,
  fetched: Purgeable,
): boolean {
  if (purges === undefined || purges.latest <= fetched.purgesCheckedAt) return true;
  if (purges.drops(rawTarget, fetched.purgesCheckedAt)) return false;
  fetched.purgesCheckedAt = purges.latest;
  return true;
}
