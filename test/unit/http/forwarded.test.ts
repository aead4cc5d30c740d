import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { forwardedField, parseForwarded } from "#http/forwarded.ts";

describe("Forwarded, as our own hop writes it", () => {
  const hops = [
    [{ address: "192.0.2.1", proto: "https" }, "for=192.0.2.1;proto=https"],
    [{ address: "2001:db8::1", proto: "http" }, 'for="[2001:db8::1]";proto=http'],
    [{ address: "::ffff:192.0.2.1", proto: "https" }, 'for="[::ffff:192.0.2.1]";proto=https'],
  ] as const;
  for (const [hop, text] of hops) {
    test(`RFC 7239 §6: ${text} is written and read`, () => {
      assert.equal(forwardedField(hop), text);
      assert.deepEqual(parseForwarded(text), hop);
    });
  }

  for (const text of [
    undefined,
    "",
    "for=192.0.2.1",
    "proto=https",
    "for=unknown;proto=https",
    "for=192.0.2.1;proto=https;host=a",
    "for=192.0.2.1;proto=https, for=192.0.2.2;proto=https",
    "for=2001:db8::1;proto=https",
  ]) {
    test(`what others write is not read: ${text}`, () => {
      assert.equal(parseForwarded(text), undefined);
    });
  }
});
