import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { type Coding, decideCoding } from "#edge/coding/negotiation.ts";

const ALL: ReadonlySet<Coding> = new Set<Coding>(["gzip", "zstd", "br"]);

describe("the coding of an answer (RFC 9110 §12.5.3)", () => {
  const cases: readonly {
    readonly for: string | undefined;
    readonly is: string;
    readonly of?: readonly Coding[];
  }[] = [
    // Among equals the smallest.
    { for: "gzip, deflate, br, zstd", is: "br" },
    { for: "gzip, deflate, zstd", is: "zstd" },
    { for: "gzip, deflate", is: "gzip" },
    { for: "gzip, deflate, br, zstd", is: "zstd", of: ["zstd", "gzip"] },
    { for: "br", is: "identity", of: ["gzip"] },
    { for: "gzip, br", is: "identity", of: [] },
    // What the client prefers goes first.
    { for: "br;q=0.5, gzip;q=0.8", is: "gzip" },
    { for: "br;q=0.5, gzip;q=0.8", is: "br", of: ["br"] },
    { for: "br;q=0.001", is: "br" },
    // Identity: of a named one its weight counts, else it is the last.
    { for: "identity, gzip", is: "gzip" },
    { for: "identity, gzip;q=0.9", is: "identity" },
    { for: "identity;q=0.5, gzip;q=0.2, br;q=0.7", is: "br" },
    { for: "identity", is: "identity" },
    { for: "", is: "identity" },
    { for: undefined, is: "identity" },
    // Not at all.
    { for: "br;q=0, gzip", is: "gzip" },
    { for: "gzip;q=0", is: "identity" },
    { for: "gzip;q=0, *", is: "identity" },
    { for: "identity;q=0, gzip", is: "gzip" },
    { for: "identity;q=0, *;q=0", is: "identity" },
    { for: "identity;q=0", is: "identity" },
    // `*` is for all that are not named; only gzip is surely understood.
    { for: "*", is: "gzip" },
    { for: "*", is: "identity", of: ["br", "zstd"] },
    { for: "br, *;q=0.1", is: "br" },
    { for: "gzip;q=0.5, *", is: "identity" },
    { for: "*;q=0, gzip", is: "gzip" },
    { for: "identity;q=0, *;q=0.5", is: "gzip" },
    // Others' names of it.
    { for: "X-GZIP", is: "gzip" },
    { for: "deflate, compress", is: "identity" },
  ];
  for (const { for: field, is, of = [...ALL] } of cases) {
    test(`is ${is} of ${of.join(", ") || "nothing"} for "${field}"`, () => {
      assert.equal(decideCoding(field, new Set(of)), is);
      assert.equal(decideCoding(field, new Set(of)), is, "nor does it change when asked again");
    });
  }

  test("is never one that the client did not ask for", () => {
    const weight = fc.constantFrom("", ";q=0", ";q=0.5", ";q=1");
    const name = fc.constantFrom("br", "zstd", "gzip", "identity", "*");
    const field = fc
      .uniqueArray(fc.tuple(name, weight), { selector: ([coding]) => coding })
      .map((members) => members.map((member) => member.join("")).join(", "));
    fc.assert(
      fc.property(field, (text) => {
        const coding = decideCoding(text, ALL);
        if (coding === "identity") return;
        const named = new RegExp(`${coding}(?:;q=(0(?![.]))?|,|$)`).exec(text);
        assert(named === null ? coding === "gzip" && text.includes("*") : named[1] === undefined);
      }),
    );
  });

  test("is decided anew for each of more fields than are remembered", () => {
    for (let i = 0; i < 300; i += 1) {
      assert.equal(decideCoding(`x-${i}, gzip`, ALL), "gzip");
      assert.equal(decideCoding(`x-${i}, gzip;q=0`, ALL), "identity");
    }
    assert.equal(decideCoding(`${"x, ".repeat(1_000)}br`, ALL), "br");
  });
});
