import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { decideRetention, type RetentionRules } from "#registry/retention.ts";
import { isDue } from "#registry/scheduler.ts";
import { mergeSettings, type RetentionRule } from "#registry/settings.ts";
import { isTagPattern, matchesTag } from "#registry/tag-pattern.ts";

const DAY_MS = 86_400_000;
const NOW = 100 * DAY_MS;

/** Tags by how many days ago they were pushed. */
function tagsOf(ages: Readonly<Record<string, number>>) {
  return Object.entries(ages).map(([name, days]) => ({
    name,
    digest: `sha256:${name}`,
    updatedAt: NOW - days * DAY_MS,
  }));
}

function decide(
  ages: Readonly<Record<string, number>>,
  rules: readonly Partial<RetentionRule>[],
  more: Partial<RetentionRules> = {},
) {
  const retention = rules.map((rule) => ({ repositories: ["*"], tags: ["*"], ...rule }));
  const all = { retention, immutableTags: [], ...more };
  return Object.fromEntries(decideRetention("team/app", tagsOf(ages), all, NOW));
}

describe("a retention rule", () => {
  test("keeps the latest so many, of the tags that it is about", () => {
    const ages = { "b-1": 3, "b-2": 2, "b-3": 1, v1: 50 };
    assert.deepEqual(decide(ages, [{ tags: ["b-*"], keepLast: 2 }]), {
      "b-1": "expired",
      "b-2": "among-the-last",
      "b-3": "among-the-last",
      v1: "no-rule",
    });
  });

  test("keeps what is younger than so many days, and what is among the last", () => {
    assert.deepEqual(decide({ a: 40, b: 30, c: 29 }, [{ keepDays: 30 }]), {
      a: "expired",
      b: "expired",
      c: "recent",
    });
    const both = decide({ a: 40, b: 30 }, [{ keepDays: 30, keepLast: 1 }]);
    assert.deepEqual(both, { a: "expired", b: "among-the-last" });
  });

  test("is about the repositories that it names", () => {
    for (const [repositories, reason] of [
      [["team/*"], "expired"],
      [["team/app"], "expired"],
      [["other/*", "app"], "no-rule"],
    ] as const) {
      assert.deepEqual(decide({ a: 1 }, [{ repositories, keepLast: 0 }]), { a: reason });
    }
  });

  test("saves a tag from the others, whatever their order", () => {
    const rules = [{ keepLast: 0 }, { tags: ["keep"], keepLast: 1 }];
    for (const ordered of [rules, rules.toReversed()]) {
      assert.deepEqual(decide({ keep: 9, go: 9 }, ordered), {
        keep: "among-the-last",
        go: "expired",
      });
    }
  });

  test("never takes an immutable tag", () => {
    const reasons = decide({ v1: 9, b1: 9 }, [{ keepLast: 0 }], { immutableTags: ["v*"] });
    assert.deepEqual(reasons, { v1: "immutable", b1: "expired" });
  });
});

describe("a pattern", () => {
  test("has stars for any run of characters, none too", () => {
    for (const [pattern, name] of [
      ["*", "v1"],
      ["v*", "v"],
      ["*-final", "release-final"],
      ["a*b*c", "aXbYc"],
      ["a*b", "ab"],
      ["v1", "v1"],
    ] as const) {
      assert(matchesTag([pattern], name), `${pattern} is for ${name}`);
    }
    for (const [pattern, name] of [
      ["v1", "v10"],
      ["a*a", "a"],
      ["a*b*c", "acb"],
      ["*x*x*", "x"],
    ] as const) {
      assert(!matchesTag([pattern], name), `${pattern} is not for ${name}`);
    }
    assert.equal(matchesTag([], "v1"), false);
  });

  test("is what a regular expression of it would be", () => {
    const text = fc.string({ unit: fc.constantFrom("a", "b", "*"), maxLength: 8 });
    const name = fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 10 });
    fc.assert(
      fc.property(text, name, (pattern, tag) => {
        const expected = new RegExp(`^${pattern.replaceAll("*", ".*")}$`).test(tag);
        assert.equal(matchesTag([pattern], tag), expected);
      }),
    );
  });

  test("is of a tag's characters", () => {
    for (const text of ["v*", "*", "1.2.*-rc", "_x"]) assert(isTagPattern(text), text);
    for (const text of ["", "a b", "a/b", "a:b", "é"]) assert(!isTagPattern(text), text);
  });
});

describe("settings", () => {
  test("keep what a change does not name, and lose what it says null or nothing about", () => {
    const before = { immutableTags: ["v*"], retention: [{ repositories: ["*"], tags: ["*"] }] };
    assert.deepEqual(mergeSettings(before, { retention: null }), { immutableTags: ["v*"] });
    const { retention } = before;
    assert.deepEqual(mergeSettings(before, { immutableTags: [] }), { retention });
    assert.deepEqual(mergeSettings(before, { immutableTags: undefined }), before);
  });

  test("have a schedule that is due when nobody has collected for so long", () => {
    const schedule = { everyHours: 2, type: "unreferenced blobs only" } as const;
    const hour = 3_600_000;
    assert.equal(isDue(schedule, undefined, 0), true);
    assert.equal(isDue(schedule, 0, 2 * hour - 1), false);
    assert.equal(isDue(schedule, 0, 2 * hour), true);
  });
});
