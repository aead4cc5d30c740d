import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { freshnessOf } from "#edge/cache/freshness.ts";
import { lifetimeSource } from "#edge/cache/lifetime-source.ts";

const NOW = Date.UTC(2026, 10, 22);

describe("the source of a lifetime", () => {
  test("is a field just when freshness takes the lifetime from a field", () => {
    const directive = fc.constantFrom("max-age=5", "s-maxage=7", "max-age=x", "public", "no-cache");
    const control = fc.array(directive, { maxLength: 3 }).map((all) => all.join(", "));
    const field = (name: string, value: fc.Arbitrary<string>) =>
      fc.option(value).map((text) => (text === null ? [] : [name, text]));
    const fields = fc
      .tuple(
        field("cache-control", control),
        field("cdn-cache-control", fc.oneof(control, fc.constant("max-age="))),
        field("expires", fc.constantFrom("0", "Sun, 22 Nov 2026 12:00:00 GMT")),
      )
      .map((all) => all.flat());
    fc.assert(
      fc.property(fields, (sent) => {
        const head = { status: 200, fields: sent, requestTime: NOW, responseTime: NOW };
        const freshness = freshnessOf(head, "space");
        const { kind } = lifetimeSource(sent, freshness, 60);
        assert.equal(kind !== "ttl", freshness.lifetimeSeconds !== undefined);
      }),
    );
  });
});
