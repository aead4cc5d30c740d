import assert from "node:assert/strict";
import { memoryUsage } from "node:process";
import { describe, test } from "node:test";
import { ContextCache } from "#edge/wire/tls/context-cache.ts";
import { certificateFor } from "./support.ts";

const events = { secured: () => undefined, failed: () => undefined };
const [one, two, three] = await Promise.all(
  ["one", "two", "three"].map((name) => certificateFor(name, `${name}.test`)),
);
assert(one !== undefined && two !== undefined && three !== undefined);

describe("the cache of contexts", () => {
  test("makes one at its first use, and keeps it", () => {
    const cache = new ContextCache(events, 2);
    assert.equal(cache.size, 0);
    assert.equal(cache.contextOf(one), cache.contextOf(one));
    assert.equal(cache.size, 1);
  });

  test("lets go of the one that was used least recently", () => {
    const cache = new ContextCache(events, 2);
    const [first, second] = [cache.contextOf(one), cache.contextOf(two)];
    cache.contextOf(one);
    cache.contextOf(three);
    assert.equal(cache.size, 2);
    assert.equal(cache.contextOf(one), first);
    assert.notEqual(cache.contextOf(two), second);
  });

  test("makes another one for a certificate that took the place of another, and drops that one's", () => {
    const cache = new ContextCache(events, 2);
    const first = cache.contextOf(one);
    const renewed = { ...one };
    assert.notEqual(cache.contextOf(renewed), first);
    assert.equal(cache.size, 1);
  });

  test("gives back the memory of what it lets go, without waiting for V8", () => {
    const cache = new ContextCache(events, 300);
    const show = (count: number): void => {
      for (let n = 0; n < count; n += 1) cache.contextOf({ ...one, id: String(n) });
    };
    show(300);
    const before = memoryUsage.rss();
    show(3_000);
    const grown = (memoryUsage.rss() - before) / 1_048_576;
    assert(grown < 20, `${grown} MiB more, where V8 would leave some 45`);
  });

  test("throws for what OpenSSL does not take, and is none the worse", () => {
    const cache = new ContextCache(events, 2);
    const mixed = { ...one, keyPem: two.keyPem };
    assert.throws(() => cache.contextOf(mixed), /key values mismatch/);
    assert.throws(() => cache.contextOf({ ...one, certPem: "garbage" }));
    assert.equal(cache.size, 0);
    assert.equal(cache.contextOf(one).names.has("one.test"), true);
  });
});
