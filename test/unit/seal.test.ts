import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { sealUnder } from "#seal.ts";

const key = Buffer.alloc(32, 7);

describe("a sealed secret", () => {
  test("opens under its key and purpose", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string(), (text, purpose) => {
        const seal = sealUnder(key);
        assert.equal(seal.open(seal.seal(text, purpose), purpose), text);
      }),
    );
  });

  test("opens for no other purpose, under no other key, and when no bit was changed", () => {
    const seal = sealUnder(key);
    const sealed = seal.seal("secret", "space/1");
    assert.throws(() => seal.open(sealed, "space/2"), /master key does not fit/);
    assert.throws(() => sealUnder(Buffer.alloc(32, 8)).open(sealed, "space/1"));
    for (let index = 0; index < sealed.length; index += 1) {
      const changed = Uint8Array.from(sealed);
      changed[index] = (changed[index] ?? 0) ^ 1;
      assert.throws(() => seal.open(changed, "space/1"));
    }
  });

  test("is never the same twice", () => {
    const seal = sealUnder(key);
    assert.notDeepEqual(seal.seal("secret", "x"), seal.seal("secret", "x"));
  });
});
