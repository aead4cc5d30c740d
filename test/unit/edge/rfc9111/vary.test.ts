import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { selectingFields, selects, variantKey, varyNames } from "#edge/cache/vary.ts";

describe("RFC 9110 §12.5.5: Vary names", () => {
  const cases: readonly (readonly [readonly string[], readonly string[] | "*"])[] = [
    [[], []],
    [["Accept"], ["accept"]],
    [["b, A"], ["a", "b"]],
    [
      ["b", "A"],
      ["a", "b"],
    ],
    [["a, A"], ["a"]],
    [[", a, ,"], ["a"]],
    [[""], []],
    [["*"], "*"],
    [["a, *"], "*"],
    [["*, a"], "*"],
    [[", *"], "*"],
    [["a", "", "*"], "*"],
    [["a*"], ["a*"]],
    [["a b"], "*"],
    [['"a"'], "*"],
  ];
  for (const [lines, names] of cases) {
    test(`${JSON.stringify(lines)}: ${JSON.stringify(names)}`, () => {
      const fields = lines.flatMap((line) => ["vary", line]);
      assert.deepEqual(varyNames(fields), names);
    });
  }

  test("16 at most: what more of them select is never asked for again", () => {
    const names = Array.from({ length: 17 }, (_, i) => `x${i}`);
    assert.equal(varyNames(["vary", names.slice(1).join()]).length, 16);
    assert.equal(varyNames(["vary", names.join()]), "*");
  });
});

/** Two requests, as lines of one field: whether what one has selected is for the other. */
interface Pair {
  readonly name: string;
  readonly one: readonly string[];
  readonly other: readonly string[];
}

function check(what: string, pairs: readonly Pair[], match: boolean): void {
  for (const { name, one, other } of pairs) {
    const shown = [one, other].map((lines) => (lines.length === 0 ? "none" : lines.join(" | ")));
    test(`${what}: ${name}: ${shown.join("  ~  ")}`, () => {
      const [first, second] = [one, other].map((lines) => lines.flatMap((line) => [name, line]));
      assert(first !== undefined && second !== undefined);
      assert.equal(selects(selectingFields(name, first), second), match);
      assert.equal(selects(selectingFields(name, second), first), match);
      assert.equal(variantKey([name], first) === variantKey([name], second), match);
    });
  }
}

describe("RFC 9111 §4.1: selecting fields match", () => {
  check("by white space", [{ name: "foo", one: ["1,2"], other: ["1, \t2"] }], true);
  check("by white space", [{ name: "foo", one: ["1,,2"], other: ["1 , ,\t2"] }], true);
  check("by lines that are joined", [{ name: "foo", one: ["1, 2"], other: ["1", "2"] }], true);
  check("by being absent from both", [{ name: "foo", one: [], other: [] }], true);
  const preferences = [
    { one: "gzip, br", other: "br,gzip" },
    { one: "GZIP", other: "gzip" },
    { one: "x-gzip", other: "gzip" },
    { one: "gzip;q=1.0, br;q=0.5", other: "gzip, br ; q=0.9" },
    { one: "gzip, deflate;q=0", other: "gzip" },
    { one: "gzip, identity;q=0.1", other: "gzip" },
    { one: "identity", other: "" },
    { one: "gzip, *;q=0.1, br;q=0", other: "br;q=0, gzip, *;q=0.5" },
  ];
  check(
    "by what is preferred",
    preferences.map(({ one, other }) => ({ name: "accept-encoding", one: [one], other: [other] })),
    true,
  );
  const languages = [
    { one: "en, de", other: "de, en" },
    { one: "EN-gb", other: "en-GB" },
    { one: "en;q=0.9, de", other: "de, en;q=0.8" },
    { one: "de,en;q=0.5 , fr;q=0", other: "fr;q=0, en;q=0.5, de" },
  ];
  check(
    "by what is preferred",
    languages.map(({ one, other }) => ({ name: "accept-language", one: [one], other: [other] })),
    true,
  );
});

describe("RFC 9111 §4.1: selecting fields do not match", () => {
  check(
    "by their values",
    [
      { name: "foo", one: ["1"], other: ["2"] },
      { name: "foo", one: ["a"], other: ["A"] },
      { name: "foo", one: ["1, 2"], other: ["2, 1"] },
      { name: "foo", one: ['"1, 2"'], other: ['"1,2"'] },
      { name: "user-agent", one: ["a (b, c)"], other: ["a (b,c)"] },
    ],
    false,
  );
  check("where one is absent", [{ name: "foo", one: [], other: [""] }], false);
  const preferences = [
    { one: "gzip;q=0.5, br", other: "gzip, br;q=0.5" },
    { one: "gzip", other: "gzip, deflate" },
    { one: "gzip", other: "gzip, identity;q=0" },
    { one: "gzip, identity", other: "gzip" },
    { one: "gzip, *;q=0.1", other: "gzip" },
    { one: "gzip;q=2", other: "gzip" },
    { one: "", other: "gzip" },
  ];
  check(
    "by what is preferred",
    preferences.map(({ one, other }) => ({ name: "accept-encoding", one: [one], other: [other] })),
    false,
  );
  const languages = [
    { one: "en", other: "en-gb" },
    { one: "en, de;q=0.5", other: "de, en;q=0.5" },
    { one: "en", other: "en, de;q=0" },
  ];
  check(
    "by what is preferred",
    languages.map(({ one, other }) => ({ name: "accept-language", one: [one], other: [other] })),
    false,
  );
  check(
    "where an absent one means anything, and an empty one nothing",
    [{ name: "accept-encoding", one: [], other: [""] }],
    false,
  );
});

describe("RFC 9111 §4.1: what varies by *", () => {
  test("is selected by no request, nor by one that has a field of that name", () => {
    for (const request of [[], ["*", "1"], ["*", "*"], ["*", ""]]) {
      assert.equal(selects(selectingFields("accept, *", ["*", "*"]), request), false);
    }
  });
});

describe("a variant's key", () => {
  const piece = fc.constantFrom("1", ",", " ", '"', "\\", "=", "b", "\t", "1".repeat(200));
  const text = fc.array(piece, { maxLength: 5 }).map((pieces) => pieces.join("").trim());
  const value = fc.option(text, { nil: undefined });
  const request = fc.record({ a: value, b: value });

  test("is the same for those requests that select the same", () => {
    fc.assert(
      fc.property(request, request, (one, other) => {
        const [first, second] = [one, other].map((fields) =>
          Object.entries(fields).flatMap(([name, line]) =>
            line === undefined ? [] : [name, line],
          ),
        );
        assert(first !== undefined && second !== undefined);
        const key = variantKey(["a", "b"], first);
        assert.equal(
          variantKey(["a", "b"], second) === key,
          selects(selectingFields("a, b", first), second),
        );
        assert(key.length <= 200);
      }),
    );
  });

  test("tells fields apart that only look alike when they are put together", () => {
    const names = ["a", "b"];
    const keys = [[], ["a", ""], ["b", ""], ["a", "b="], ["a", "b", "b", ""], ["a", "1,b=2"]].map(
      (fields) => variantKey(names, fields),
    );
    assert.equal(new Set(keys).size, keys.length);
  });

  test("of blanks, commas or strings without an end alone is read once", () => {
    for (const part of [" ", " ,", '\\"', '"']) {
      const sent = `"${part.repeat(32_768)}a${part.repeat(32_768)}b`;
      const startedAt = performance.now();
      for (const line of [sent, sent.slice(1)]) variantKey(["foo"], ["foo", line]);
      const tookMs = performance.now() - startedAt;
      assert(tookMs < 1_000, `${JSON.stringify(part)}: ${tookMs} ms`);
    }
  });

  test("is empty where nothing selects, and as short as can be", () => {
    assert.equal(variantKey([], ["a", "1"]), "");
    assert.equal(variantKey(["a"], []), "a");
  });
});
