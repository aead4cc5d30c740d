import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseAcceptEncoding } from "#http/accept-encoding.ts";

describe("an Accept-Encoding (RFC 9110 §12.5.3)", () => {
  const cases = [
    { field: "gzip, deflate, br", is: { gzip: 1, deflate: 1, br: 1 } },
    { field: "GZip;Q=0.5 ,\tbr ; q=1.000", is: { gzip: 0.5, br: 1 } },
    { field: "*;q=0, identity;q=0.001", is: { "*": 0, identity: 0.001 } },
    { field: "gzip;q=0.", is: { gzip: 0 } },
    { field: "x-gzip", is: { gzip: 1 } },
    { field: "gzip, gzip;q=0", is: { gzip: 1 } },
    { field: ", ,gzip,", is: { gzip: 1 } },
    { field: "", is: {} },
    // A member that is malformed is left out.
    { field: "br;q=2, gzip", is: { gzip: 1 } },
    { field: "br;q=0.1234, gzip", is: { gzip: 1 } },
    { field: "br;q=.5, gzip", is: { gzip: 1 } },
    { field: "br;level=5, gzip", is: { gzip: 1 } },
    { field: "br gzip", is: {} },
  ];
  for (const { field, is } of cases) {
    test(`is ${JSON.stringify(is)} as "${field}"`, () => {
      assert.deepEqual(Object.fromEntries(parseAcceptEncoding(field)), is);
    });
  }
});
