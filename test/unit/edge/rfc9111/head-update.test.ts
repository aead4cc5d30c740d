import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { decideHeadUpdate, type HeadComparison } from "#edge/cache/head-update.ts";
import { dateIn } from "./received.ts";

const MODIFIED = dateIn(-60);
const STORED: HeadComparison = {
  status: 200,
  validators: { etag: '"a"', lastModified: MODIFIED },
  contentLength: 10,
};
const BARE: HeadComparison = {
  ...STORED,
  validators: { etag: undefined, lastModified: undefined },
};

describe("RFC 9111 §4.3.5: a 200 to HEAD", () => {
  const cases: readonly (readonly [string, readonly string[], string, HeadComparison?])[] = [
    ["with the same ETag", ["etag", '"a"'], "freshen"],
    ["with another ETag", ["etag", '"b"'], "invalidate"],
    ["with an ETag that is weak now", ["etag", 'W/"a"'], "invalidate"],
    ["with the same Last-Modified", ["last-modified", MODIFIED], "freshen"],
    ["with another Last-Modified", ["last-modified", dateIn(-59)], "invalidate"],
    [
      "with the same ETag and another Last-Modified",
      ["etag", '"a"', "last-modified", dateIn(-59)],
      "invalidate",
    ],
    ["with the same length", ["etag", '"a"', "content-length", "10"], "freshen"],
    ["with another length", ["etag", '"a"', "content-length", "11"], "invalidate"],
    ["with nothing to compare", ["x-a", "1"], "freshen"],
    ["with an ETag where none is stored", ["etag", '"a"'], "invalidate", BARE],
    ["with a length alone, that is the same", ["content-length", "10"], "freshen", BARE],
    [
      "with a length where none is known",
      ["content-length", "10"],
      "invalidate",
      { ...STORED, contentLength: undefined },
    ],
    ["for what is stored as a 404", ["x-a", "1"], "invalidate", { ...BARE, status: 404 }],
  ];
  for (const [what, fields, update, stored = STORED] of cases) {
    const verb = { freshen: "freshens", invalidate: "invalidates" }[update];
    test(`${what} ${verb} what is stored`, () => {
      assert.equal(decideHeadUpdate(stored, { status: 200, fields }), update);
    });
  }

  test("alone says something: other statuses leave what is stored", () => {
    for (const status of [204, 304, 404, 500, 503]) {
      assert.equal(decideHeadUpdate(STORED, { status, fields: ["etag", '"b"'] }), "leave");
    }
  });
});
