import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { networkOf } from "#api/network.ts";

describe("the network of an address", () => {
  const rows = [
    ["192.0.2.7", "192.0.2.7"],
    ["::ffff:192.0.2.7", "192.0.2.7"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2"],
    ["2001:db8:1:2::1", "2001:db8:1:2"],
    ["2001:db8::1", "2001:db8:0:0"],
    ["::1", "0:0:0:0"],
    ["unknown", "unknown"],
  ] as const;
  for (const [address, network] of rows) {
    test(`is ${network} for ${address}`, () => {
      assert.equal(networkOf(address), network);
    });
  }
});
