import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { type Purgeable, type PurgeEffect, PurgeList, survivesPurges } from "#edge/cache/purges.ts";
import { ANY_TAGS, tagsOf } from "#edge/cache/tags.ts";
import { PURGE_PATTERNS_MAX } from "#edge/limits.ts";

const NO_TAGS: readonly string[] = [];

function fetchedAt(number: number, tags: readonly string[] = NO_TAGS): Purgeable {
  return { purgesCheckedAt: number, softPurged: false, tags };
}

describe("an endpoint's purges", () => {
  test("drop what was fetched before them, and nothing fetched since", () => {
    const purges = new PurgeList();
    purges.record(5, ["/a", "/b/*"]);
    assert.equal(purges.effectOn("/a", NO_TAGS, 4), "gone");
    assert.equal(purges.effectOn("/a?v=1", NO_TAGS, 4), "gone");
    assert.equal(purges.effectOn("/b/c", NO_TAGS, 4), "gone");
    assert.equal(purges.effectOn("/c", NO_TAGS, 4), "unaffected");
    assert.equal(purges.effectOn("/a", NO_TAGS, 5), "unaffected");
  });

  test("are remembered by the newest number when a pattern comes again", () => {
    const purges = new PurgeList();
    purges.record(5, ["/a", "/b*", "/c*", "tag:t"]);
    purges.record(9, ["/a", "/b*", "tag:t"]);
    assert.equal(purges.effectOn("/a", NO_TAGS, 8), "gone");
    assert.equal(purges.effectOn("/b", NO_TAGS, 8), "gone");
    assert.equal(purges.effectOn("/x", ["t"], 8), "gone");
    assert.equal(purges.effectOn("/c", NO_TAGS, 8), "unaffected");
    assert.equal(purges.effectOn("/c", NO_TAGS, 4), "gone");
  });

  test("of everything replace all before them", () => {
    const purges = new PurgeList();
    purges.record(5, ["/a"]);
    purges.record(6, ["/*"]);
    assert.equal(purges.effectOn("/x", NO_TAGS, 5), "gone");
    assert.equal(purges.effectOn("/a", NO_TAGS, 6), "unaffected");
  });

  test("past their limit become purges of everything, oldest first", () => {
    const purges = new PurgeList();
    const kinds = ["", "/*", "tag:"];
    for (let number = 1; number <= PURGE_PATTERNS_MAX + 2; number += 1) {
      const kind = kinds[number % 3];
      purges.record(number, [kind === "tag:" ? `tag:${number}` : `/${number}${kind}`]);
    }
    assert.equal(purges.effectOn("/anything", NO_TAGS, 1), "gone");
    assert.equal(purges.effectOn("/anything", NO_TAGS, 2), "unaffected");
    assert.equal(purges.effectOn("/3", NO_TAGS, 2), "gone");
    assert.equal(purges.effectOn("/4/x", NO_TAGS, 3), "gone");
    assert.equal(purges.effectOn("/anything", ["5"], 4), "gone");
    assert.equal(purges.effectOn("/2002", NO_TAGS, 2_001), "unaffected");
  });

  test("that came again are not the oldest", () => {
    const purges = new PurgeList();
    purges.record(1, ["/a"]);
    purges.record(2, ["/b"]);
    purges.record(3, ["/a"]);
    purges.record(4, crowd(4, PURGE_PATTERNS_MAX - 1));
    assert.equal(purges.effectOn("/x", NO_TAGS, 1), "gone");
    assert.equal(purges.effectOn("/x", NO_TAGS, 2), "unaffected");
  });

  test("are compared once with what survives them", () => {
    const purges = new PurgeList();
    purges.record(5, ["/a"]);
    const stored = fetchedAt(1);
    assert.equal(survivesPurges(purges, "/b", stored), "unaffected");
    assert.equal(stored.purgesCheckedAt, 5);
    assert.equal(survivesPurges(purges, "/a", fetchedAt(4)), "gone");
    assert.equal(survivesPurges(undefined, "/a", fetchedAt(0)), "unaffected");
  });
});

describe("a purge of a tag", () => {
  test("drops what has it, in any case, and nothing else", () => {
    const purges = new PurgeList();
    purges.record(5, ["tag:Product-1"]);
    const product = tagsOf(["cache-tag", "shop, PRODUCT-1"]);
    assert.equal(purges.effectOn("/a", product, 4), "gone");
    assert.equal(purges.effectOn("/a", product, 5), "unaffected");
    assert.equal(purges.effectOn("/a", ["product-10"], 4), "unaffected");
    assert.equal(purges.effectOn("/tag:product-1", NO_TAGS, 4), "unaffected");
  });

  test("is no wildcard, and no path is one of it", () => {
    const purges = new PurgeList();
    purges.record(5, ["tag:a*", "/t"]);
    assert.equal(purges.effectOn("/x", ["ab"], 4), "unaffected");
    assert.equal(purges.effectOn("/x", ["/t"], 4), "unaffected");
  });

  test("drops what may have any", () => {
    const purges = new PurgeList();
    purges.record(5, ["tag:t"]);
    purges.record(6, ["/a"]);
    assert.equal(purges.effectOn("/x", ANY_TAGS, 4), "gone");
    assert.equal(purges.effectOn("/x", ANY_TAGS, 5), "unaffected");
  });
});

describe("a soft purge", () => {
  test("makes stale what it matches, and that stays so", () => {
    const purges = new PurgeList();
    purges.record(5, ["/a", "tag:t"], true);
    const stored = fetchedAt(4);
    assert.equal(survivesPurges(purges, "/a", stored), "stale");
    assert.equal(survivesPurges(purges, "/a", stored), "stale");
    assert.equal(survivesPurges(purges, "/x", fetchedAt(4, ["t"])), "stale");
    assert.equal(survivesPurges(purges, "/x", fetchedAt(4)), "unaffected");
    assert.equal(survivesPurges(purges, "/a", fetchedAt(5)), "unaffected");
  });

  test("of everything leaves the hard ones as they were", () => {
    const purges = new PurgeList();
    purges.record(5, ["/a"]);
    purges.record(6, ["/*"], true);
    assert.equal(purges.effectOn("/a", NO_TAGS, 4), "gone");
    assert.equal(purges.effectOn("/a", NO_TAGS, 5), "stale");
    assert.equal(purges.effectOn("/b", NO_TAGS, 4), "stale");
  });

  test("gives way to a hard one, whichever came first", () => {
    for (const softFirst of [true, false]) {
      const purges = new PurgeList();
      purges.record(5, ["/a"], softFirst);
      purges.record(6, ["/a"], !softFirst);
      assert.equal(purges.effectOn("/a", NO_TAGS, 4), "gone");
    }
  });

  test("of something that a hard one drops later does not keep it", () => {
    const purges = new PurgeList();
    const stored = fetchedAt(4);
    purges.record(5, ["/a"], true);
    assert.equal(survivesPurges(purges, "/a", stored), "stale");
    purges.record(6, ["/a"]);
    assert.equal(survivesPurges(purges, "/a", stored), "gone");
  });

  test("past the limit makes everything stale, and drops nothing", () => {
    const purges = new PurgeList();
    purges.record(1, ["/soft"], true);
    purges.record(2, crowd(2, PURGE_PATTERNS_MAX));
    assert.equal(purges.effectOn("/x", NO_TAGS, 0), "stale");
    assert.equal(purges.effectOn("/x", NO_TAGS, 1), "unaffected");
    assert.equal(purges.effectOn("/2-0", NO_TAGS, 1), "gone");
  });
});

/** Paths that no other purge has. */
function crowd(number: number, size: number): string[] {
  return Array.from({ length: size }, (_, i) => `/${number}-${i}`);
}

interface Purge {
  readonly number: number;
  readonly patterns: readonly string[];
  readonly soft: boolean;
}

const SEVERITY: Readonly<Record<PurgeEffect, number>> = { unaffected: 0, stale: 1, gone: 2 };

/** What all purges after a number come to, read off the patterns by regular expressions. */
function naiveEffect(purges: readonly Purge[], target: string, tags: readonly string[]) {
  const matching = purges.filter(({ patterns }) =>
    patterns.some((pattern) => naivelyMatches(pattern, target, tags)),
  );
  if (matching.some(({ soft }) => !soft)) return "gone";
  return matching.length > 0 ? "stale" : "unaffected";
}

function naivelyMatches(pattern: string, target: string, tags: readonly string[]): boolean {
  if (pattern.startsWith("tag:")) return tags.includes("*") || tags.includes(pattern.slice(4));
  const inPath = pattern.includes("?") ? "" : "(?:\\?.*)?";
  const [path = "", query] = pattern.split("?").map((part) => RegExp.escape(part));
  const glob = (part: string, any: string): string => part.replaceAll("\\*", any);
  const expression =
    glob(path, "[^?]*") + (query === undefined ? inPath : `\\?${glob(query, ".*")}`);
  return new RegExp(`^${expression}$`).test(target);
}

type Step =
  | { readonly kind: "purge"; readonly patterns: readonly string[]; readonly soft: boolean }
  | { readonly kind: "fetch"; readonly target: string; readonly tags: readonly string[] }
  | { readonly kind: "crowd"; readonly soft: boolean }
  | { readonly kind: "check" };

const PATTERNS = ["/a", "/b", "/a?x=1", "/a*", "/*b", "/a?x=*", "/a/*?*", "/*", "tag:t", "tag:u"];
const TARGETS = ["/a", "/b", "/a?x=1", "/a?x=2", "/ab", "/a/b?x=2", "/c"];
const TAGS = [NO_TAGS, ["t"], ["t", "u"], ANY_TAGS];

const purgeStep = fc.record({
  kind: fc.constant("purge" as const),
  patterns: fc.uniqueArray(fc.constantFrom(...PATTERNS), { minLength: 1, maxLength: 3 }),
  soft: fc.boolean(),
});
const fetchStep = fc.record({
  kind: fc.constant("fetch" as const),
  target: fc.constantFrom(...TARGETS),
  tags: fc.constantFrom(...TAGS),
});
const crowdStep = fc.record({ kind: fc.constant("crowd" as const), soft: fc.boolean() });
const checkStep = fc.constant<Step>({ kind: "check" });

/** Follows the steps, and hands each effect to `judge` with what the model says of the same. */
function follow(steps: readonly Step[], judge: (effect: number, naive: number) => void): void {
  const purges = new PurgeList();
  const log: Purge[] = [];
  const fetched: { target: string; at: number; stored: Purgeable }[] = [];
  let number = 0;
  for (const step of [...steps, { kind: "check" } as const]) {
    if (step.kind === "purge") {
      number += 1;
      purges.record(number, step.patterns, step.soft);
      log.push({ number, patterns: step.patterns, soft: step.soft });
    }
    if (step.kind === "crowd") {
      // The model need not know of it: it matches nothing that is fetched here.
      number += 1;
      const paths = crowd(number, PURGE_PATTERNS_MAX - 2);
      const patterns = paths.map((path, i) => (i % 2 === 0 ? path : `${path}*`));
      purges.record(number, patterns, step.soft);
    }
    if (step.kind === "fetch") {
      const { target, tags } = step;
      fetched.push({ target, at: number, stored: fetchedAt(number, tags) });
    }
    if (step.kind !== "check") continue;
    for (const { target, at, stored } of fetched) {
      const since = log.filter((purge) => purge.number > at);
      const effect = survivesPurges(purges, target, stored);
      judge(SEVERITY[effect], SEVERITY[naiveEffect(since, target, stored.tags)]);
    }
  }
}

describe("purges in any order", () => {
  test("do what a list of all of them does, until they are too many", () => {
    const steps = fc.array(fc.oneof(purgeStep, fetchStep, checkStep), { maxLength: 30 });
    fc.assert(
      fc.property(steps, (all) => follow(all, (effect, naive) => assert.equal(effect, naive))),
      { numRuns: 500 },
    );
  });

  test("never do less than that, however many they are", () => {
    const steps = fc.array(fc.oneof(purgeStep, fetchStep, crowdStep, checkStep), { maxLength: 12 });
    fc.assert(
      fc.property(steps, (all) => follow(all, (effect, naive) => assert(effect >= naive))),
      { numRuns: 50 },
    );
  });
});
