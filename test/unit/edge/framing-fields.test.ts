import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseRequestHead } from "#edge/wire/http1/request-head.ts";

/** What a POST with these field lines is said to have as content, or the status that refuses it. */
function contentOf(...lines: string[]): number | string {
  const text = ["POST / HTTP/1.1", "Host: a.test", ...lines, "", ""].join("\r\n");
  const parsed = parseRequestHead(Buffer.from(text, "latin1"), 0);
  if (parsed.kind === "incomplete") return parsed.kind;
  return parsed.kind === "refused" ? String(parsed.status) : parsed.head.contentLength;
}

describe("RFC 9112 §6.3, RFC 9110 §8.6: a request's content is as long as", () => {
  const lengths: readonly (readonly [value: string, content: number | string])[] = [
    ["0", 0],
    ["5", 5],
    ["005", 5],
    ["  5 \t", 5],
    ["999999999999999", 999_999_999_999_999],
    // 16 digits are no number that JavaScript counts in, nor content that anyone sends.
    ["0000000000000005", "400"],
    ["9007199254740993", "400"],
    ["18446744073709551621", "400"],
    ["+5", "400"],
    ["-5", "400"],
    ["5.0", "400"],
    ["5e0", "400"],
    ["0x5", "400"],
    ["0b1", "400"],
    ["a", "400"],
    ["5 5", "400"],
    ["5,5", "400"],
    ["5, 6", "400"],
    ["5;", "400"],
    ['"5"', "400"],
    ["5_0", "400"],
    ["\u00b2", "400"],
    ["", "400"],
    ["\v5", "400"],
  ];
  for (const [value, content] of lengths) {
    test(`Content-Length: ${JSON.stringify(value)} says: ${content}`, () => {
      assert.equal(contentOf(`Content-Length: ${value}`), content);
    });
  }

  const codings: readonly (readonly [value: string, content: string])[] = [
    ["chunked", "unknown"],
    ["Chunked", "unknown"],
    ["CHUNKED", "unknown"],
    [" \t chunked \t", "unknown"],
    ["", "400"],
    ["identity", "400"],
    ["xchunked", "400"],
    ["chunkedx", "400"],
    ["chunk", "400"],
    ['"chunked"', "400"],
    ["'chunked'", "400"],
    ["chunked,", "400"],
    [",chunked", "400"],
    ["chunked, chunked", "400"],
    ["chunked, identity", "400"],
    ["identity, chunked", "400"],
    ["gzip, chunked", "400"],
    ["gzip", "400"],
    ["chunked;q=1", "400"],
    ["chunked\u00a0", "400"],
    ["\u0085chunked", "400"],
    ["\vchunked", "400"],
    ["\fchunked", "400"],
    ["\0chunked", "400"],
    ["chun\tked", "400"],
    ["chun\rked", "400"],
    ["chunked\r", "400"],
    ["chunked\n", "400"],
    ["x\r\n chunked", "400"],
  ];
  for (const [value, content] of codings) {
    test(`Transfer-Encoding: ${JSON.stringify(value)} says: ${content}`, () => {
      assert.equal(contentOf(`Transfer-Encoding: ${value}`), content);
    });
  }

  test("nothing says: there is none", () => {
    assert.equal(contentOf(), 0);
  });
});

describe("RFC 9112 §11.2: a request that two recipients could end at two places is refused:", () => {
  const both = ["Content-Length: 5", "Transfer-Encoding: chunked"];
  const smuggled: readonly (readonly [what: string, lines: readonly string[]])[] = [
    ["CL.TE", both],
    ["TE.CL", both.toReversed()],
    ["CL.TE with a length of 0", ["Content-Length: 0", "Transfer-Encoding: chunked"]],
    ["CL.TE in another case", ["content-length: 5", "TRANSFER-ENCODING: Chunked"]],
    ["CL.TE with an unknown coding", ["Content-Length: 5", "Transfer-Encoding: xchunked"]],
    ["CL.TE with no coding", ["Content-Length: 5", "Transfer-Encoding:"]],
    ["TE.TE", ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"]],
    ["TE.TE of two", ["Transfer-Encoding: chunked", "Transfer-Encoding: identity"]],
    ["TE.TE of two, the other way", ["Transfer-Encoding: x", "Transfer-Encoding: chunked"]],
    ["TE.TE with nothing in one", ["Transfer-Encoding: chunked", "Transfer-Encoding:"]],
    ["CL.CL", ["Content-Length: 5", "Content-Length: 6"]],
    ["CL.CL of equals", ["Content-Length: 5", "Content-Length: 5"]],
    ["CL.CL with nothing in one", ["Content-Length: 5", "Content-Length:"]],
    ["white space before the colon of TE", ["Transfer-Encoding : chunked"]],
    ["a tab before the colon of TE", ["Transfer-Encoding\t: chunked"]],
    ["white space before the colon of CL", ["Content-Length : 5"]],
    ["white space before TE", [" Transfer-Encoding: chunked"]],
    ["a tab before TE", ["\tTransfer-Encoding: chunked"]],
    ["a folded TE", ["Transfer-Encoding:", " chunked"]],
    ["a folded CL", ["Content-Length: 1", " 5"]],
    ["a name that is cut by NUL", ["Transfer-Encoding\0: chunked"]],
    ["a name in quotes", ['"Transfer-Encoding": chunked']],
    ["TE behind a bare CR", ["a: b\rTransfer-Encoding: chunked"]],
    ["TE behind a bare LF", ["a: b\nTransfer-Encoding: chunked"]],
    ["TE behind LF CR", ["a: b\n\rTransfer-Encoding: chunked"]],
    ["a colon first", [":Transfer-Encoding: chunked"]],
    ["no colon", ["Transfer-Encoding chunked"]],
  ];
  for (const [what, lines] of smuggled) {
    test(what, () => assert.equal(contentOf(...lines), "400"));
  }

  test("and what only looks like one of the two fields is none of them", () => {
    assert.equal(contentOf("X-Transfer-Encoding: chunked", "Content-Length: 5"), 5);
    assert.equal(contentOf("Transfer_Encoding: chunked"), 0);
    assert.equal(contentOf("TransferEncoding: chunked"), 0);
  });
});

describe("RFC 9112 §9.3: Connection", () => {
  test("of blanks that no comma follows is read once", () => {
    const line = `Connection: a${" \t".repeat(15_000)}b, close`;
    const startedAt = performance.now();
    for (let i = 0; i < 5; i += 1) assert.equal(contentOf("Content-Length: 5", line), 5);
    const tookMs = performance.now() - startedAt;
    assert(tookMs < 500, `${tookMs} ms`);
  });
});
