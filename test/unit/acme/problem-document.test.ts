import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseProblem, wordsOf } from "#acme/problem-document.ts";

const TYPE = "urn:ietf:params:acme:error:rejectedIdentifier";

describe("a problem document", () => {
  test("keeps what the CA says of each name, in one line", () => {
    const problem = parseProblem({
      type: TYPE,
      detail: "Two names cannot be issued",
      status: 403,
      instance: "/ignored",
      subproblems: [
        { type: TYPE, detail: "On a list", identifier: { type: "dns", value: "a.example.net" } },
        { type: TYPE, detail: "Not a name", identifier: { type: "dns", value: "b.example.net" } },
      ],
    });
    assert(problem !== undefined);
    assert.deepEqual(Object.keys(problem).toSorted(), ["detail", "status", "subproblems", "type"]);
    assert.equal(
      wordsOf(problem),
      "Two names cannot be issued; a.example.net: On a list; b.example.net: Not a name",
    );
  });

  test("of which parts are written wrongly keeps the rest", () => {
    const odd = { type: 7, title: "No", status: "403", identifier: { type: "ip" }, subproblems: 1 };
    assert.deepEqual(parseProblem(odd), { type: "about:blank", detail: "No" });
    const parts = { type: TYPE, subproblems: [null, "text", { detail: "Said" }] };
    assert.deepEqual(parseProblem(parts)?.subproblems, [{ type: "about:blank", detail: "Said" }]);
  });

  test("with nothing to read is named by its type", () => {
    assert.equal(wordsOf({ type: TYPE, detail: "" }), TYPE);
  });

  test("writes over no terminal and begins no line of a log", () => {
    const problem = parseProblem({ detail: "a\r\nb\u001B[2Jc\u2028d\u0085e\0" });
    assert.equal(problem?.detail, "a b [2Jc d e ");
  });

  test("is of bounded length, however long the CA's is", () => {
    const long = "𝄞".repeat(100_000);
    const part = { type: TYPE, detail: long, identifier: { type: "dns", value: long } };
    const subproblems = Array.from({ length: 1_000 }, () => part);
    const problem = parseProblem({ type: TYPE, detail: long, subproblems });
    assert(problem !== undefined);
    assert.equal(problem.detail.length, 1_000);
    assert(problem.detail.isWellFormed());
    assert.equal(problem.subproblems?.length, 20);
    assert.equal(wordsOf(problem).length, 4_000);
  });

  for (const other of [undefined, null, "text", 7, []]) {
    test(`is not ${JSON.stringify(other) ?? "nothing"}`, () => {
      assert.equal(parseProblem(other), undefined);
    });
  }
});
