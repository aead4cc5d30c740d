import assert from "node:assert/strict";
import type { lookup } from "node:dns";
import { describe, test } from "node:test";
import { isForbiddenAddress, isOperatorsHost } from "#edge/origin/forbidden-address.ts";
import { ENDPOINT, fetchAndPool, ok, startOrigin } from "./support.ts";

describe("an address", () => {
  const forbidden = [
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",
    "169.254.169.254",
    "100.100.100.200",
    "::",
    "::1",
    "fe80::1",
    "fe80::1%eth0",
    "fd00:ec2::254",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::127.0.0.1",
    "64:ff9b::a9fe:a9fe",
  ];
  for (const address of forbidden) {
    test(`${address} is this machine's, or tells its secrets`, () => {
      assert.equal(isForbiddenAddress(address), true);
    });
  }

  const permitted = ["10.0.0.1", "192.168.1.1", "203.0.113.1", "fd00::1", "2001:db8::1"];
  for (const address of permitted) {
    test(`${address} may be a store's`, () => {
      assert.equal(isForbiddenAddress(address), false);
    });
  }
});

describe("the host of an origin", () => {
  const hosts: readonly (readonly [url: string, isOperators: boolean])[] = [
    ["http://store.internal:9000/static", true],
    ["http://127.0.0.1:9000/static", true],
    ["http://[::1]:9000/static", true],
    ["http://localhost:9000/static", true],
    ["http://static.nyc3.spaces.localhost:9000", true],
    ["https://static.nyc3.digitaloceanspaces.com", false],
    ["https://nyc3-STATIC.example.net", false],
  ];
  for (const [url, isOperators] of hosts) {
    const who = isOperators ? "the operator" : "who named the Space";
    test(`of ${url} was written by ${who}`, () => {
      assert.equal(isOperatorsHost({ ...ENDPOINT, upstream: { url } }), isOperators);
    });
  }

  test("of `atoll edge`, and of embedded Spaces, is the operator's", () => {
    const upstream = { url: "https://static.example.net" };
    assert.equal(isOperatorsHost({ ...ENDPOINT, role: "proxy", upstream }), true);
    assert.equal(isOperatorsHost(ENDPOINT), true);
  });
});

/** Names that lead where the test says, whatever they are. */
function leadingTo(...addresses: readonly string[]): typeof lookup {
  const resolve = (_name: string, _options: unknown, found: (...of: unknown[]) => void): void => {
    found(
      null,
      addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })),
    );
  };
  return resolve as typeof lookup;
}

describe("a Space's name that is part of a host", () => {
  for (const addresses of [["127.0.0.1"], ["::1", "127.0.0.1"], ["169.254.169.254"]]) {
    test(`may not lead to ${addresses.join(" and ")}`, async () => {
      await using origin = await startOrigin((socket) => void socket.write(ok("secret")), {
        lookup: leadingTo(...addresses),
      });
      const url = origin.url.replace("127.0.0.1", "static.stores.test");
      const failure = await origin.fetch({ endpoint: { ...ENDPOINT, upstream: { url } } });
      assert(failure.kind === "failed");
      assert.equal(failure.status, 502);
      assert.equal(failure.detail, "origin-forbidden");
      assert.equal(origin.connections, 0);
    });
  }

  test("leads to the address that was judged, and to no other of its own", async () => {
    await using origin = await startOrigin((socket) => void socket.write(ok("secret")), {
      // The first is of a network for documents (RFC 5737): nobody answers there.
      lookup: leadingTo("192.0.2.1", "127.0.0.1"),
      connectTimeoutMs: 100,
    });
    const url = origin.url.replace("127.0.0.1", "static.stores.test");
    assert.equal(
      (await origin.fetch({ endpoint: { ...ENDPOINT, upstream: { url } } })).kind,
      "failed",
    );
    assert.equal(origin.connections, 0);
  });

  test("may not be an address in another notation", async () => {
    await using origin = await startOrigin((socket) => void socket.write(ok("secret")));
    const space = String(0x7f_00_00_01);
    const url = origin.url.replace("127.0.0.1", space);
    const failure = await origin.fetch({ endpoint: { ...ENDPOINT, space, upstream: { url } } });
    assert(failure.kind === "failed");
    assert.equal(failure.detail, "origin-forbidden");
    assert.equal(origin.connections, 0);
  });

  test("does not matter where the operator has written the host", async () => {
    await using origin = await startOrigin((socket) => void socket.write(ok("ok")));
    const url = `${origin.url.replace("127.0.0.1", "localhost")}/static`;
    const response = await origin.fetch({ endpoint: { ...ENDPOINT, upstream: { url } } });
    assert.equal(response.kind, "response");
    assert.equal(await fetchAndPool(origin), "ok");
  });
});
