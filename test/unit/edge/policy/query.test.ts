import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { keyTarget } from "#edge/policy/query.ts";

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
