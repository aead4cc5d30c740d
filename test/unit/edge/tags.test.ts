import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ANY_TAGS, isTagField, tagsOf } from "#edge/cache/tags.ts";

function numbered(length: number): string[] {
  return Array.from({ length }, (_, i) => `t${i}`);
}

describe("the tags of a response", () => {
  const cases = [
    { what: "none", fields: ["etag", '"a"'], are: [] },
    { what: "between commas", fields: ["cache-tag", " a, b ,,c"], are: ["a", "b", "c"] },
    { what: "between spaces", fields: ["surrogate-key", " a  b\tc "], are: ["a", "b", "c"] },
    {
      what: "of lines that were joined",
      fields: ["surrogate-key", "a b, c"],
      are: ["a", "b", "c"],
    },
    { what: "in any case", fields: ["cache-tag", "Post-1,POST-2"], are: ["post-1", "post-2"] },
    { what: "each once", fields: ["cache-tag", "a,a,A", "surrogate-key", "a B"], are: ["a", "b"] },
    { what: "of all lines", fields: ["cache-tag", "a", "cache-tag", "b"], are: ["a", "b"] },
  ];
  for (const { what, fields, are } of cases) {
    test(`may be ${what}`, () => assert.deepEqual(tagsOf(fields), are));
  }

  test("are 64 and as long as a purge may name, or any when there are more", () => {
    const most = numbered(64);
    assert.deepEqual(tagsOf(["cache-tag", most.join()]), most);
    assert.deepEqual(tagsOf(["cache-tag", [...most, "t0"].join()]), most);
    assert.equal(tagsOf(["cache-tag", numbered(65).join()]), ANY_TAGS);
    assert.deepEqual(tagsOf(["cache-tag", "a".repeat(128)]), ["a".repeat(128)]);
    assert.deepEqual(tagsOf(["cache-tag", `a,${"b".repeat(129)}`]), ["a"]);
  });

  test("come in fields that are for caches", () => {
    assert(isTagField("cache-tag") && isTagField("surrogate-key"));
    assert(!isTagField("cache-control"));
  });
});
