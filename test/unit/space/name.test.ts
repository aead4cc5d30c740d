import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { originHost, parseOrigin } from "#space/name.ts";

const domains = ["digitaloceanspaces.com", "spaces.localhost"];

describe("an origin", () => {
  test("is a Space's name, its region and a Spaces domain, in any case", () => {
    assert.deepEqual(parseOrigin("Static-Images.NYC3.digitaloceanspaces.com", domains), {
      kind: "origin",
      origin: { name: "static-images", region: "nyc3", domain: "digitaloceanspaces.com" },
    });
    assert.equal(parseOrigin("assets.ams3.spaces.localhost", domains).kind, "origin");
  });

  const invalid = [
    { text: "", why: "nothing" },
    { text: "https://assets.nyc3.digitaloceanspaces.com", why: "a URL" },
    { text: "assets.nyc3.digitaloceanspaces.com/path", why: "with a path" },
    { text: "assets.nyc3.digitaloceanspaces.com:443", why: "with a port" },
    { text: "assets.nyc3.digitaloceanspaces.com.", why: "with a final dot" },
    { text: "www.example.com", why: "no Space" },
    { text: "nyc3.digitaloceanspaces.com", why: "without a name" },
    { text: "my.assets.nyc3.digitaloceanspaces.com", why: "a name with a dot" },
    { text: "assets.nyc3.cdn.digitaloceanspaces.com", why: "the CDN's name" },
    { text: "ab.nyc3.digitaloceanspaces.com", why: "too short a name" },
    { text: `${"a".repeat(64)}.nyc3.digitaloceanspaces.com`, why: "too long a name" },
    { text: "-assets.nyc3.digitaloceanspaces.com", why: "a name that begins with a dash" },
    { text: "as_sets.nyc3.digitaloceanspaces.com", why: "a name with an underscore" },
    { text: "assets.nyc.digitaloceanspaces.com", why: "no region" },
    { text: "assets.nyc33.digitaloceanspaces.com", why: "no region that could be" },
  ];
  for (const { text, why } of invalid) {
    test(`is refused when it is ${why}, with what is expected`, () => {
      const parsed = parseOrigin(text, domains);
      assert.equal(parsed.kind, "invalid");
      assert.match(parsed.kind === "invalid" ? parsed.reason : "", /expected a bare host/);
    });
  }

  test("is written as it was read", () => {
    const label = fc.stringMatching(/^[a-z0-9][a-z0-9-]{1,20}[a-z0-9]$/);
    const region = fc.stringMatching(/^[a-z]{3}[0-9]$/);
    fc.assert(
      fc.property(label, region, fc.constantFrom(...domains), (name, at, domain) => {
        const parsed = parseOrigin(`${name}.${at}.${domain}`, domains);
        // A Space may not be called as the CDN's own label.
        if (name === "cdn") return;
        assert(parsed.kind === "origin");
        assert.equal(originHost(parsed.origin), `${name}.${at}.${domain}`);
      }),
    );
  });
});
