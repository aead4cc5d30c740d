import assert from "node:assert/strict";
import {
  compilePurgePattern,
  EVERYTHING,
  hasWildcard,
  matches,
  type PurgeMatcher,
  pathOf,
  tagOf,
} from "#cdn/purge-pattern.ts";
import { canonicalTag, EVERY_TAG } from "./tags.ts";

interface Wildcard {
  readonly pattern: string;
  readonly number: number;
  readonly matcher: PurgeMatcher;
}

/** Patterns of purges of one kind, each with the number of the newest purge that had it. */
export class PurgePatterns {
  #everything = 0;
  #latestTag = 0;
  // In both a pattern that comes again moves to the end, so that they are in order of number.
  readonly #numbers = new Map<string, number>();
  readonly #wildcards: Wildcard[] = [];

  /** All that was fetched before this number is purged. */
  get everything(): number {
    return this.#everything;
  }

  get size(): number {
    return this.#numbers.size;
  }

  /** The number of the oldest pattern, or later than any. */
  get oldest(): number {
    return this.#numbers.values().next().value ?? Infinity;
  }

  /** What is in force, as it can be added again; a purge of everything as that pattern. */
  *entries(): Generator<readonly [pattern: string, number: number], void, undefined> {
    if (this.#everything > 0) yield [EVERYTHING, this.#everything];
    yield* this.#numbers;
  }

  clear(): void {
    this.#numbers.clear();
    this.#wildcards.length = 0;
  }

  addEverything(number: number): void {
    this.#everything = number;
    this.clear();
  }

  /** Numbers never go back. */
  add(number: number, pattern: string): void {
    const tag = tagOf(pattern);
    const name = tag === undefined ? pattern : tagName(canonicalTag(tag));
    const isNew = !this.#numbers.delete(name);
    this.#numbers.set(name, number);
    if (tag !== undefined) this.#latestTag = number;
    else if (hasWildcard(pattern)) this.#addWildcard(number, pattern, isNew);
    assert(this.#wildcards.length <= this.#numbers.size);
  }

  /** Purging more than was asked is safe, forgetting a purge is not. */
  collapseOldest(): void {
    const [pattern, number] = this.#numbers.entries().next().value ?? [];
    if (pattern === undefined || number === undefined) return;
    this.#numbers.delete(pattern);
    if (this.#wildcards[0]?.pattern === pattern) this.#wildcards.shift();
    this.#everything = number;
  }

  /** Whether one later than `since` has this target, in canonical form, or one of these tags. */
  match(target: string, tags: readonly string[], since: number): boolean {
    if (this.#everything > since) return true;
    const path = pathOf(target);
    if (this.#numberOf(target) > since || this.#numberOf(path) > since) return true;
    // An empty query names what has none as well.
    if (path === target && this.#numberOf(`${path}?`) > since) return true;
    if (this.#latestTag > since && tags.some((tag) => this.#tagNumberOf(tag) > since)) return true;
    for (let i = this.#wildcards.length - 1; i >= 0; i -= 1) {
      const wildcard = this.#wildcards[i];
      if (wildcard === undefined || wildcard.number <= since) return false;
      if (matches(wildcard.matcher, target)) return true;
    }
    return false;
  }

  #addWildcard(number: number, pattern: string, isNew: boolean): void {
    const at = isNew ? -1 : this.#wildcards.findIndex((known) => known.pattern === pattern);
    const [known] = at < 0 ? [] : this.#wildcards.splice(at, 1);
    const matcher = known?.matcher ?? compilePurgePattern(pattern);
    this.#wildcards.push({ pattern, number, matcher });
  }

  #numberOf(pattern: string): number {
    return this.#numbers.get(pattern) ?? 0;
  }

  #tagNumberOf(tag: string): number {
    return tag === EVERY_TAG ? this.#latestTag : this.#numberOf(tagName(tag));
  }
}

/** No path is named so: it begins with a slash. */
function tagName(tag: string): string {
  return `tag:${tag}`;
}
