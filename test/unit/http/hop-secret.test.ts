import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { hopSecretCheck } from "#http/hop-secret.ts";

describe("the secret of a hop", () => {
  const isOurs = hopSecretCheck("0123abcd");

  test("is recognised whole", () => {
    assert.equal(isOurs("0123abcd"), true);
  });

  test("is nothing else, of whatever length, and not several", () => {
    for (const other of ["", "0123abc", "0123abcd ", "0123abce", "0123ABCD", "é".repeat(4_000)]) {
      assert.equal(isOurs(other), false, other);
    }
    assert.equal(isOurs(undefined), false);
    assert.equal(isOurs(["0123abcd", "0123abcd"]), false);
  });
});
