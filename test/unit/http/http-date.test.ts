import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { formatHttpDate, parseHttpDate } from "#http/http-date.ts";

const NOW = Date.UTC(2026, 10, 22, 12);
const THEN = Date.UTC(1994, 10, 6, 8, 49, 37);

describe("RFC 9110 §5.6.7: a date", () => {
  const dates: readonly (readonly [text: string, milliseconds: number | undefined])[] = [
    ["Sun, 06 Nov 1994 08:49:37 GMT", THEN],
    ["Sunday, 06-Nov-94 08:49:37 GMT", THEN],
    ["Sun Nov  6 08:49:37 1994", THEN],
    // A leap second; a day of the week that it was not.
    ["Sun, 06 Nov 1994 08:49:60 GMT", Date.UTC(1994, 10, 6, 8, 50)],
    ["Mon, 06 Nov 1994 08:49:37 GMT", THEN],
    ["Sun, 06 Nov 1994 08:49:61 GMT", undefined],
    ["Sun, 06 Nov 1994 08:60:37 GMT", undefined],
    ["Sun, 06 Nov 1994 24:49:37 GMT", undefined],
    ["Sun, 00 Nov 1994 08:49:37 GMT", undefined],
    ["Sun, 32 Nov 1994 08:49:37 GMT", undefined],
    ["Thu, 31 Feb 1994 08:49:37 GMT", undefined],
    ["Mon, 29 Feb 1999 08:49:37 GMT", undefined],
    ["Tue, 29 Feb 2000 08:49:37 GMT", Date.UTC(2000, 1, 29, 8, 49, 37)],
    ["Sunday, 31-Nov-94 08:49:37 GMT", undefined],
    ["Sun Apr 31 08:49:37 1994", undefined],
    ["Sun, 06 Nov 0094 08:49:37 GMT", undefined],
    ["Sun, 06 Nox 1994 08:49:37 GMT", undefined],
    ["Son, 06 Nov 1994 08:49:37 GMT", undefined],
    ["Sun, 6 Nov 1994 08:49:37 GMT", undefined],
    ["Sun, 06 Nov 1994 08:49:37 UTC", undefined],
    ["Sun, 06 Nov 1994 08:49:37 gmt", undefined],
    ["Sun, 06 Nov 19x4 08:49:37 GMT", undefined],
    ["Sun, 06 Nov 1994 08:4x:37 GMT", undefined],
    ["Sun, 06 Nov 1994 x8:49:37 GMT", undefined],
    ["Sun, 06 Nov 1994 08.49:37 GMT", undefined],
    ["Sun  06 Nov 1994 08:49:37 GMT", undefined],
    ["Sun, 06-Nov-1994 08:49:37 GMT", undefined],
    [" Sun, 06 Nov 1994 08:49:37 GMT", undefined],
    ["0", undefined],
    ["", undefined],
  ];
  for (const [text, milliseconds] of dates) {
    test(`${JSON.stringify(text)} is ${milliseconds === undefined ? "none" : "one"}`, () => {
      assert.equal(parseHttpDate(text, NOW), milliseconds);
    });
  }

  test("is read as it was written", () => {
    const max = Math.floor(Date.UTC(9999, 11, 31) / 1_000);
    fc.assert(
      fc.property(fc.integer({ min: 0, max }), (seconds) => {
        assert.equal(parseHttpDate(formatHttpDate(seconds * 1_000), NOW), seconds * 1_000);
      }),
    );
  });

  test("is none once an octet of it is another one that no date has there", () => {
    const text = formatHttpDate(THEN);
    fc.assert(
      fc.property(
        fc.nat(text.length - 1),
        fc.constantFrom("x", "-", "/", ";", "\0"),
        (at, octet) => {
          const other = text.slice(0, at) + octet + text.slice(at + 1);
          assert.equal(parseHttpDate(other, NOW), undefined);
        },
      ),
    );
  });
});
