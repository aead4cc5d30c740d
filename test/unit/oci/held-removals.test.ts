import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { HeldRemovals } from "#disk/held-removals.ts";

describe("removals that a backup holds", () => {
  test("are made once, when the last holder is gone", async () => {
    const held = new HeldRemovals();
    const made: string[] = [];
    const removal = (name: string) => async () => void made.push(name);
    assert.equal(held.hold("before", removal("before")), false);
    const [first, second] = [held.begin(), held.begin()];
    for (const name of ["a", "b", "a"]) assert.equal(held.hold(name, removal(name)), true);
    await first[Symbol.asyncDispose]();
    assert.deepEqual(made, []);
    await second[Symbol.asyncDispose]();
    assert.deepEqual(made, ["a", "b"]);
    assert.equal(held.hold("after", removal("after")), false);
  });

  test("are all made though one of them fails, which is said", async () => {
    const held = new HeldRemovals();
    const holder = held.begin();
    const made: string[] = [];
    held.hold("stuck", () => Promise.reject(new Error("EBUSY")));
    held.hold("free", async () => void made.push("free"));
    await assert.rejects(async () => holder[Symbol.asyncDispose](), /not removed/);
    assert.deepEqual(made, ["free"]);
  });
});
