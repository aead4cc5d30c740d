import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { contentRange, parseContentRange } from "#http/content-range.ts";

describe("a Content-Range (RFC 9110 §14.4)", () => {
  const valid = [
    { value: "bytes 0-0/1", is: { kind: "range", first: 0, last: 0, length: 1 } },
    { value: "bytes 42-1233/1234", is: { kind: "range", first: 42, last: 1233, length: 1234 } },
    { value: "Bytes 42-1233/*", is: { kind: "range", first: 42, last: 1233, length: undefined } },
    { value: "bytes */1234", is: { kind: "unsatisfied", length: 1234 } },
    { value: "bytes */0", is: { kind: "unsatisfied", length: 0 } },
  ];
  for (const { value, is } of valid) {
    test(`is understood as "${value}"`, () => assert.deepEqual(parseContentRange(value), is));
  }

  const invalid = [
    "",
    "bytes */*",
    "bytes 1-0/2",
    "bytes 0-2/2",
    "bytes 0-1/1",
    "bytes 0-/2",
    "bytes -1/2",
    "bytes 0-1",
    "bytes=0-1/2",
    "bytes 0-1/2, bytes 0-1/2",
    " bytes 0-1/2",
    "bytes  0-1/2",
    "bytes 0-1/2 ",
    "bytes 0-1 /2",
    "bytes +0-1/2",
    "bytes 0-1/0x2",
    "bytes 0-1/9007199254740993",
    "bytes 0-9007199254740993/*",
    "bytes */9007199254740993",
    "lines 0-1/2",
  ];
  for (const value of invalid) {
    test(`is invalid as "${value}"`, () => assert.equal(parseContentRange(value), undefined));
  }

  test("is read as it was written", () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.nat(1_000), fc.nat(1_000), (first, more, rest) => {
        fc.pre(first <= Number.MAX_SAFE_INTEGER - 2_001);
        const last = first + more;
        const length = last + 1 + rest;
        const read = parseContentRange(contentRange(first, last, length));
        assert.deepEqual(read, { kind: "range", first, last, length });
      }),
    );
  });
});
