import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { selectRange, selectRanges } from "#http/range.ts";

/** What is selected of 10,000 octets, as text: `whole`, `unsatisfiable`, or `0-9 500-599`. */
function selected(field: string, length = 10_000): string {
  const selection = selectRanges(field, length);
  if (selection.kind !== "ranges") return selection.kind;
  return selection.ranges.map(({ first, last }) => `${first}-${last}`).join(" ");
}

describe("a Range field selects", () => {
  const cases = [
    // RFC 9110 §14.1.2: positions are inclusive, what is beyond the end is cut.
    { field: "bytes=0-0", is: "0-0" },
    { field: "bytes=9000-", is: "9000-9999" },
    { field: "bytes=9000-99999", is: "9000-9999" },
    { field: "bytes=0-9223372036854775807", is: "0-9999" },
    { field: "bytes=-500", is: "9500-9999" },
    { field: "bytes=-99999", is: "0-9999" },
    { field: "bytes=10000-", is: "unsatisfiable" },
    { field: "bytes=-0", is: "unsatisfiable" },
    { field: "bytes=99999999999999999999-", is: "unsatisfiable" },
    // §14.1, §5.6.1: units are case-insensitive, lists have white space and empty members.
    { field: "BYTES=0-9", is: "0-9" },
    { field: "bytes=0-9 ,\t, 500-599,", is: "0-9 500-599" },
    // §14.1.1: a set with one invalid member is invalid, and so ignored.
    { field: "bytes=9-0", is: "whole" },
    { field: "bytes=0-9,9-0", is: "whole" },
    { field: "bytes=0-9,x", is: "whole" },
    { field: "bytes=-", is: "whole" },
    { field: "bytes=", is: "whole" },
    { field: "bytes=,", is: "whole" },
    { field: "bytes=--1", is: "whole" },
    { field: "bytes=0x0-0x9", is: "whole" },
    { field: "bytes 0-9", is: "whole" },
    { field: "lines=0-9", is: "whole" },
    { field: "", is: "whole" },
    // §14.2: one satisfiable member is enough.
    { field: "bytes=0-9,20000-", is: "0-9" },
    { field: "bytes=20000-,30000-", is: "unsatisfiable" },
  ];
  for (const { field, is } of cases) {
    test(`${is} by "${field}"`, () => assert.equal(selected(field), is));
  }

  test("whole when there is none", () => {
    assert.deepEqual(selectRanges(undefined, 10), { kind: "whole" });
  });

  test("nothing of what is empty, but for a suffix, which is all of it", () => {
    assert.equal(selected("bytes=0-", 0), "unsatisfiable");
    assert.equal(selected("bytes=-0", 0), "unsatisfiable");
    assert.equal(selected("bytes=-5", 0), "whole");
  });
});

describe("several ranges (RFC 9110 §14.2, §15.3.7.2)", () => {
  const upTo = (count: number): string =>
    Array.from({ length: count }, (_, i) => `${i * 200}-${i * 200 + 9}`).join();
  const cases = [
    { of: "are sent in the order that was asked for", field: "500-599,0-9", is: "500-599 0-9" },
    { of: "are one where they overlap", field: "0-99,50-199", is: "0-199" },
    { of: "are one where they touch", field: "0-99,100-199", is: "0-199" },
    { of: "are one with a gap of 79 octets", field: "0-99,179-199", is: "0-199" },
    { of: "are two with a gap of 80", field: "0-99,180-199", is: "0-99 180-199" },
    { of: "are one where one has the other", field: "0-999,10-19", is: "0-999" },
    {
      of: "take the place of the first that was coalesced",
      field: "5000-5099,900-999,5100-5199",
      is: "5000-5199 900-999",
    },
    {
      of: "take that place also where it was asked for from behind",
      field: "5100-5199,900-999,5000-5099",
      is: "5000-5199 900-999",
    },
    { of: "are the whole when three overlap", field: "0-9,5-14,0-0", is: "whole" },
    { of: "are the whole when three overlap by an octet", field: "0-9,9-18,18-27", is: "whole" },
    { of: "are the whole when two pairs overlap", field: "0-9,5-14,200-209,205-", is: "whole" },
    { of: "are the whole when asked for all, thrice", field: "0-,0-,0-", is: "whole" },
    {
      of: "are the whole when many small ones go back and forth",
      field: "0-9,2000-2009,1000-1009,4000-4009,3000-3009",
      is: "whole",
    },
    {
      of: "may be four small ones in any order",
      field: "3000-3009,2000-2009,1000-1009,0-9",
      is: "3000-3009 2000-2009 1000-1009 0-9",
    },
    {
      of: "may be larger ones in any order",
      field: "8000-9999,6000-7500,4000-5500,2000-3500,0-1500",
      is: "8000-9999 6000-7500 4000-5500 2000-3500 0-1500",
    },
    { of: "are sixteen at most", field: upTo(16), is: upTo(16).replaceAll(",", " ") },
    { of: "are the whole when more", field: upTo(17), is: "whole" },
    { of: "are the whole in a list of nothing", field: `0-9${",".repeat(30_000)}`, is: "whole" },
  ];
  for (const { of, field, is } of cases) {
    test(of, () => assert.equal(selected(`bytes=${field}`), is));
  }

  test("are answered with the whole by who sends one only", () => {
    assert.deepEqual(selectRange("bytes=0-9,500-599", 10_000), { kind: "whole" });
    assert.deepEqual(selectRange("bytes=5-9", 10_000), { kind: "range", first: 5, last: 9 });
    assert.deepEqual(selectRange("bytes=10000-", 10_000), { kind: "unsatisfiable" });
  });
});

describe("any Range field", () => {
  const number = fc.oneof(fc.nat(3_000).map(String), fc.constantFrom("", "9".repeat(40)));
  const short = fc.tuple(fc.nat(3_000), fc.nat(200)).map(([first, more]) => [first, first + more]);
  const member = fc.oneof(
    { weight: 20, arbitrary: short.map((pair) => pair.join("-")) },
    { weight: 2, arbitrary: fc.tuple(number, number).map((pair) => pair.join("-")) },
    { weight: 1, arbitrary: fc.string({ maxLength: 5 }) },
  );
  const field = fc.oneof(
    {
      weight: 9,
      arbitrary: fc.array(member, { maxLength: 20 }).map((all) => `bytes=${all.join()}`),
    },
    { weight: 1, arbitrary: fc.string() },
  );

  test("selects octets that are there, none of them twice", () => {
    let several = 0;
    fc.assert(
      fc.property(field, fc.nat(3_000), (text, length) => {
        const selection = selectRanges(text, length);
        if (selection.kind !== "ranges") return;
        assert(selection.ranges.length > 0);
        const sorted = selection.ranges.toSorted((one, other) => one.first - other.first);
        let end = 0;
        for (const { first, last } of sorted) {
          assert(first >= end && last >= first && last < length);
          end = last + 1;
        }
        if (sorted.length > 1) several += 1;
      }),
      { numRuns: 2_000 },
    );
    assert(several > 100, "the law was tried on several ranges");
  });

  test("selects each octet that was asked for, unless it selects nothing in particular", () => {
    const specs = fc.array(fc.tuple(fc.nat(3_000), fc.nat(3_000)), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(specs, fc.nat(3_000), (pairs, length) => {
        const asked = pairs.map(([first, more]) => ({ first, last: first + more }));
        const text = asked.map(({ first, last }) => `${first}-${last}`).join();
        const selection = selectRanges(`bytes=${text}`, length);
        if (selection.kind !== "ranges") return;
        for (const { first, last } of asked.filter((range) => range.first < length)) {
          const end = Math.min(last, length - 1);
          assert(selection.ranges.some((range) => range.first <= first && range.last >= end));
        }
      }),
    );
  });
});
