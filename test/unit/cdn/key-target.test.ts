import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { keyedPatterns, keyTarget } from "#cdn/key-target.ts";
import {
  canonicalTarget,
  compilePurgePattern,
  matches,
  parsePurgePattern,
} from "#cdn/purge-pattern.ts";

function only(...names: string[]) {
  return { kind: "only", names } as const;
}

describe("the query in the key", () => {
  const targets = ["/a", "/a?", "/a?b=1&a=2&b=3", "/a?&&x", "/a?x=%zz", "/a?b?c#d", "*"];

  test("is all of it, as it came, unless the owner says otherwise", () => {
    for (const target of targets) assert.equal(keyTarget(target, undefined), target);
  });

  test("is nothing when the owner wants none", () => {
    for (const target of targets) {
      assert.equal(keyTarget(target, { kind: "none" }), target === "*" ? "*" : "/a");
    }
  });

  const cases = [
    { target: "/a", names: ["v"], is: "/a" },
    { target: "/a?", names: ["v"], is: "/a" },
    { target: "/a?utm_source=x", names: ["v"], is: "/a" },
    { target: "/a?utm_source=x&v=1&w=2", names: ["v"], is: "/a?v=1" },
    { target: "/a?w=2&x=9&v=1&w=3", names: ["v", "w"], is: "/a?w=2&v=1&w=3" },
    { target: "/a?v&v=", names: ["v"], is: "/a?v&v=" },
    { target: "/a?V=1", names: ["v"], is: "/a" },
    { target: "/a?%76=%31", names: ["v"], is: "/a?%76=%31" },
    { target: "/a?a+b=1&a%20b=2&a%2Bb=3", names: ["a b"], is: "/a?a+b=1&a%20b=2" },
    { target: "/a?gr%C3%B6%C3%9Fe=1&gr%F6%DFe=2", names: ["größe"], is: "/a?gr%C3%B6%C3%9Fe=1" },
    { target: "/a?%=1&%7=2&%zz=3", names: ["%", "%zz"], is: "/a?%=1&%zz=3" },
    { target: "/a?v=1?v=2", names: ["v"], is: "/a?v=1?v=2" },
    { target: "/a?x=1;v=2", names: ["v"], is: "/a" },
    { target: "/a?constructor=1", names: ["v"], is: "/a" },
  ];
  for (const { target, names, is } of cases) {
    test(`of ${target} is ${is} when only ${names.join(" and ")} count`, () => {
      assert.equal(keyTarget(target, only(...names)), is);
    });
  }
});

describe("a purge of a path with a query", () => {
  const cases = [
    { pattern: "/a?x", query: undefined, are: ["/a?x"] },
    { pattern: "/a", query: { kind: "none" }, are: ["/a"] },
    { pattern: "tag:a?x", query: { kind: "none" }, are: ["tag:a?x"] },
    { pattern: "/a?x", query: { kind: "none" }, are: ["/a?x", "/a?"] },
    { pattern: "/*.png?v=*", query: { kind: "none" }, are: ["/*.png?v=*", "/*.png?"] },
    { pattern: "/a?v=1", query: only("v"), are: ["/a?v=1"] },
    { pattern: "/a?x&v=1&y", query: only("v"), are: ["/a?x&v=1&y", "/a?v=1"] },
    { pattern: "/a*?x", query: only("v"), are: ["/a*?x", "/a*?"] },
    { pattern: "/a?x=1*2", query: only("v"), are: ["/a"] },
  ] as const;
  for (const { pattern, query, are } of cases) {
    const words = query === undefined ? "all count" : JSON.stringify(query);
    test(`${pattern} is one of ${are.join(" and ")} when ${words}`, () => {
      assert.deepEqual(keyedPatterns(pattern, query), are);
    });
  }

  test("reaches what a request that it names is answered with", () => {
    const name = fc.constantFrom("v", "w", "x", "%76", "*");
    const parameter = fc
      .tuple(name, fc.constantFrom("", "=", "=1", "=*"))
      .map((two) => two.join(""));
    const parameters = fc.array(parameter, { minLength: 1, maxLength: 4 });
    const query = fc.constantFrom({ kind: "none" } as const, only("v"), only("w", "v"));
    fc.assert(
      fc.property(parameters, query, (list, settled) => {
        const parsed = parsePurgePattern(`/a?${list.join("&")}`, []);
        assert(parsed.kind === "pattern");
        // A wildcard may stand for parameters too.
        const asked = `/a?${list.join("&").replaceAll("*", "2&w=3")}`;
        const stored = canonicalTarget(keyTarget(asked, settled));
        const patterns = keyedPatterns(parsed.pattern, settled);
        assert(patterns.some((one) => matches(compilePurgePattern(one), stored)));
      }),
    );
  });
});
