import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { codedHead, variedHead, variedValidators } from "#edge/coding/coded-head.ts";
import { effectiveRange } from "#http/precondition.ts";

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

describe("the validators of a response with variants", () => {
  const modifiedMs = Date.UTC(2026, 10, 22, 11);
  const now = modifiedMs + 3_600_000;
  const lastModified = "Sun, 22 Nov 2026 11:00:00 GMT";
  const validators = { etag: '"a"', lastModified, modifiedMs, dateMs: now };
  const ask = (ifRange: string) => (name: string) =>
    ({ range: "bytes=0-9", "if-range": ifRange })[name];

  test("have no date that If-Range could hold by: all variants have the same one", () => {
    assert.equal(effectiveRange("GET", ask(lastModified), validators, now), "bytes=0-9");
    const varied = variedValidators(validators);
    assert.equal(effectiveRange("GET", ask(lastModified), varied, now), undefined);
  });

  test("have the entity-tag of the one that was not coded, which is its own", () => {
    assert.equal(effectiveRange("GET", ask('"a"'), variedValidators(validators), now), "bytes=0-9");
  });
});
