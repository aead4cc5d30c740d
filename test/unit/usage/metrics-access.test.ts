import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { decideMetricsAccess } from "#usage/metrics-access.ts";

interface Case {
  readonly who: string;
  readonly is: string;
  readonly peer?: string;
  readonly host?: string;
  readonly fields?: Readonly<Record<string, string>>;
  readonly authorized?: boolean;
}

const cases: readonly Case[] = [
  { who: "a program on this machine", is: "loopback" },
  { who: "one that came by another loopback address", peer: "127.8.9.10", is: "loopback" },
  { who: "one that came by IPv6", peer: "::1", host: "[::1]:8080", is: "loopback" },
  { who: "one that came by IPv4 over IPv6", peer: "::ffff:127.0.0.1", is: "loopback" },
  { who: "one that says localhost", host: "localhost:8080", is: "loopback" },
  { who: "one that says api.localhost", host: "api.localhost", is: "loopback" },
  { who: "somebody elsewhere", peer: "203.0.113.7", is: "not-loopback" },
  { who: "somebody elsewhere in IPv6", peer: "2001:db8::1", is: "not-loopback" },
  { who: "an address that only looks like it", peer: "127.0.0.1.example", is: "not-loopback" },
  {
    who: "somebody elsewhere with a credential",
    peer: "203.0.113.7",
    authorized: true,
    is: "credential",
  },
  {
    who: "somebody behind a proxy here",
    fields: { "x-forwarded-for": "203.0.113.7" },
    is: "proxied",
  },
  { who: "somebody behind a gateway here", fields: { via: "1.1 varnish" }, is: "proxied" },
  { who: "a page of another origin", fields: { origin: "https://evil.example" }, is: "browser" },
  { who: "a page's image", fields: { "sec-fetch-site": "cross-site" }, is: "browser" },
  { who: "a page whose name was made to point here", host: "evil.example:8080", is: "browser" },
  { who: "a page whose name begins like ours", host: "127.0.0.1.evil.example", is: "browser" },
  { who: "a person who types the address", fields: { "sec-fetch-site": "none" }, is: "loopback" },
];

describe("the metrics' door", () => {
  for (const { who, is, peer, host, fields, authorized } of cases) {
    test(`has "${is}" for ${who}`, () => {
      const access = decideMetricsAccess({
        peer: peer ?? "127.0.0.1",
        host: host ?? "127.0.0.1:8080",
        header: (name) => fields?.[name],
        authorized: authorized ?? false,
      });
      assert.equal(access.kind === "allowed" ? access.by : access.reason, is);
    });
  }
});
