import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { ownerAmong } from "#edge/siblings/owner.ts";

const key = fc.string({ minLength: 1, maxLength: 80, unit: "binary-ascii" });
const slots = fc.uniqueArray(fc.nat(255), { minLength: 1, maxLength: 16 });

describe("the owner of a key", () => {
  test("is one of those that are there", () => {
    fc.assert(fc.property(key, slots, (k, all) => all.includes(ownerAmong(k, all) ?? -1)));
    assert.equal(ownerAmong("key", []), undefined);
  });

  test("is the same in whatever order they are named", () => {
    fc.assert(
      fc.property(key, slots, (k, all) => ownerAmong(k, all) === ownerAmong(k, all.toReversed())),
    );
  });

  test("changes for no key but those of the one that leaves", () => {
    fc.assert(
      fc.property(key, slots, fc.nat(), (k, all, which) => {
        const leaving = all[which % all.length];
        const rest = all.filter((slot) => slot !== leaving);
        const owner = ownerAmong(k, all);
        return owner === leaving || ownerAmong(k, rest) === owner;
      }),
    );
  });

  // So nobody waits for who waits for it, whatever they know of the others.
  test("has more of a right to it than whoever asks, by a rank that is the same for all", () => {
    fc.assert(
      fc.property(key, slots, slots, fc.nat(255), fc.nat(255), (k, some, others, one, other) => {
        fc.pre(one !== other);
        const asksOther = ownerAmong(k, [...some, one, other]) === other;
        const isAsked = ownerAmong(k, [...others, one, other]) === one;
        return !(asksOther && isAsked);
      }),
    );
  });

  test("is each of them for about as many keys", () => {
    const keys = Array.from({ length: 20_000 }, (_, i) => `edge/example.com /images/${i}.jpg`);
    const all = [0, 1, 2, 3, 4, 5, 6, 7];
    const owned = Map.groupBy(keys, (k) => ownerAmong(k, all));
    const shares = all.map((slot) => (owned.get(slot)?.length ?? 0) / keys.length);
    for (const share of shares) {
      assert(Math.abs(share - 1 / all.length) < 0.01, `shares ${shares.join(", ")}`);
    }
  });
});
