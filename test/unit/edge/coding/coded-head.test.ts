import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { codedHead, variedHead } from "#edge/coding/coded-head.ts";

describe("the head of a coded variant", () => {
  test("names its coding and what it was selected by", () => {
    assert.deepEqual(codedHead(["content-type", "text/css"], "br"), [
      "content-type",
      "text/css",
      "content-encoding",
      "br",
      "vary",
      "accept-encoding",
    ]);
  });

  const ofTheOctets = [
    "content-length",
    "content-md5",
    "digest",
    "content-digest",
    "repr-digest",
    "x-amz-checksum-crc32",
    "x-goog-hash",
  ];
  for (const name of ofTheOctets) {
    test(`says nothing of the octets before: ${name}`, () => {
      const head = codedHead([name, "1", "x-amz-meta-digest", "kept"], "gzip");
      assert.equal(head.includes(name), false);
      assert.equal(head.includes("x-amz-meta-digest"), true);
    });
  }

  const tags = [
    { etag: '"a"', is: 'W/"a"' },
    { etag: 'W/"a"', is: 'W/"a"' },
    { etag: "a", is: undefined },
    { etag: '"a", "b"', is: undefined },
  ];
  for (const { etag, is } of tags) {
    test(`has the entity-tag ${is ?? "of nobody"} for ${etag} (RFC 9110 §8.8.1)`, () => {
      const head = codedHead(["etag", etag], "zstd");
      assert.equal(head[head.indexOf("etag") + 1], is ?? head[0]);
      assert.equal(head.includes("etag"), is !== undefined);
    });
  }
});

describe("the Vary of a response with variants (RFC 9110 §12.5.5)", () => {
  const cases = [
    { vary: [], is: ["accept-encoding"] },
    { vary: ["Origin"], is: ["Origin, accept-encoding"] },
    { vary: ["Origin", "X-A, X-B"], is: ["Origin, X-A, X-B, accept-encoding"] },
    { vary: [""], is: ["accept-encoding"] },
    { vary: ["Accept-Encoding, Origin"], is: ["Accept-Encoding, Origin"] },
    { vary: ["Origin", "accept-encoding"], is: ["Origin", "accept-encoding"] },
    { vary: ["*"], is: ["*"] },
    { vary: ["x-accept-encoding"], is: ["x-accept-encoding, accept-encoding"] },
  ];
  for (const { vary, is } of cases) {
    test(`is ${JSON.stringify(is)} for ${JSON.stringify(vary)}`, () => {
      const head = variedHead(["age", "1", ...vary.flatMap((value) => ["vary", value])]);
      assert.deepEqual(head, ["age", "1", ...is.flatMap((value) => ["vary", value])]);
    });
  }
});
