import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseCustomDomain } from "#cdn/custom-domain.ts";

const platform = ["digitaloceanspaces.com", "spaces.localhost"];

describe("a custom domain", () => {
  for (const text of ["static.example.com", "STATIC.Example.COM", "a.b", "xn--bcher-kva.example"]) {
    test(`may be ${text}, and is kept in lower case`, () => {
      const domain = text.toLowerCase();
      assert.deepEqual(parseCustomDomain(text, platform), { kind: "domain", domain });
    });
  }

  const invalid = [
    "localhost",
    "static.example.com.",
    "https://static.example.com",
    "static.example.com:80",
    "-static.example.com",
    "sta tic.example.com",
    "*.example.com",
    "127.0.0.1",
    "[::1]",
    `${"a".repeat(64)}.example.com`,
    `${"a.".repeat(126)}com`,
    "images.nyc3.cdn.digitaloceanspaces.com",
    "digitaloceanspaces.com",
  ];
  for (const text of invalid) {
    test(`may not be ${text.slice(0, 60)}`, () => {
      assert.equal(parseCustomDomain(text, platform).kind, "invalid");
    });
  }
});
