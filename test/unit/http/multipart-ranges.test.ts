import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type MultipartLayout, multipartLayout } from "#http/multipart-ranges.ts";

const CONTENT = Buffer.from("0123456789abcdefghij");
const RANGES = [
  { first: 10, last: 11 },
  { first: 0, last: 0 },
];

/** What is sent: each head, its octets, the trailer. */
function written({ parts, trailer }: MultipartLayout): string {
  const pieces = parts.flatMap(({ head, first, last }) => [
    head,
    CONTENT.subarray(first, last + 1),
  ]);
  return Buffer.concat([...pieces, trailer]).toString("latin1");
}

describe("a multipart/byteranges body (RFC 9110 §14.6)", () => {
  test("has a part for each range, with its type and its place", () => {
    const layout = multipartLayout(RANGES, CONTENT.length, "text/plain", "id-1");
    assert.equal(layout.contentType, "multipart/byteranges; boundary=id-1");
    assert.equal(
      written(layout),
      "--id-1\r\nContent-Type: text/plain\r\nContent-Range: bytes 10-11/20\r\n\r\nab\r\n" +
        "--id-1\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-0/20\r\n\r\n0\r\n" +
        "--id-1--\r\n",
    );
  });

  test("is as long as it says", () => {
    const layout = multipartLayout(RANGES, CONTENT.length, "text/plain", "id-1");
    assert.equal(layout.contentLength, written(layout).length);
  });

  test("gives no type where the representation has none", () => {
    const layout = multipartLayout(RANGES, CONTENT.length, undefined, "id-1");
    assert.doesNotMatch(written(layout), /Content-Type/);
    assert.equal(layout.contentLength, written(layout).length);
  });

  test("is read by others as the parts that it was made of", async () => {
    const { contentType, ...layout } = multipartLayout(RANGES, CONTENT.length, "text/x", "id-1");
    const asForm = contentType.replace("multipart/byteranges", "multipart/form-data");
    // The nearest that Node has to a reader of multipart: parts of a form have a name besides.
    const named = written({ contentType, ...layout }).replaceAll(
      /Content-Range: bytes (\d+)-.*/g,
      'Content-Disposition: form-data; name="$1"',
    );
    const form = await new Response(named, { headers: { "content-type": asForm } }).formData();
    assert.deepEqual(
      [...form],
      [
        ["10", "ab"],
        ["0", "0"],
      ],
    );
  });

  test("is for several ranges, with a boundary that needs no quotes", () => {
    assert.throws(() => multipartLayout(RANGES.slice(1), 20, "text/plain", "id-1"));
    for (const boundary of ["", "a b", 'a"b', "a\r\nb", "a".repeat(71)]) {
      assert.throws(() => multipartLayout(RANGES, 20, "text/plain", boundary));
    }
  });
});
