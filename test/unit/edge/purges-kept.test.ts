import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { PurgeList, purgeListOf } from "#edge/cache/purges.ts";

const pattern = fc.constantFrom("/*", "/a", "/a?q", "/b/*", "*.css", "tag:x", "tag:y");
const purge = fc.record({ patterns: fc.array(pattern, { minLength: 1 }), soft: fc.boolean() });
const TARGETS = ["/a", "/a?q", "/b/c", "/b.css", "/d"];

describe("the purges of an endpoint, as they are told to who keeps none", () => {
  test("have the same effect on all that is stored", () => {
    fc.assert(
      fc.property(fc.array(purge, { maxLength: 8 }), (purges) => {
        const list = new PurgeList();
        for (const [i, { patterns, soft }] of purges.entries()) list.record(i + 1, patterns, soft);
        const told = purgeListOf(structuredClone(list.kept()));
        for (const target of TARGETS) {
          for (const tags of [[], ["x"]]) {
            for (let since = 0; since <= purges.length; since += 1) {
              const effect = list.effectOn(target, tags, since);
              assert.equal(told.effectOn(target, tags, since), effect, `${target} since ${since}`);
            }
          }
        }
      }),
    );
  });
});
