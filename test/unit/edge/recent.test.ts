import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Recent } from "#edge/recent.ts";

describe("what was made lately", () => {
  test("is found until as many others were made as there is room for", () => {
    const recent = new Recent<string>(3);
    const numbers = ["a", "b", "c", "d"].map((thing) => recent.keep(thing));
    assert.deepEqual(
      numbers.map((number) => recent.find(number)),
      [undefined, "b", "c", "d"],
    );
  });

  test("is never what another has been given the place of", () => {
    const recent = new Recent<number>(4);
    for (let i = 1; i < 100; i += 1) {
      const number = recent.keep(i);
      for (let other = 0; other <= number; other += 1) {
        assert.equal(recent.find(other), other > number - 4 && other > 0 ? other : undefined);
      }
    }
  });

  test("is nothing at first", () => {
    assert.equal(new Recent<string>(3).find(0), undefined);
  });
});
