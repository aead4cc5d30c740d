import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { ChunkedDecoder, type Decoded } from "#edge/wire/http1/chunked.ts";

/** What came of decoding, fed in these pieces as a connection does. */
interface Outcome {
  readonly kind: Decoded["kind"];
  readonly content: string;
  readonly trailers: readonly string[];
  /** Octets that do not belong to it. */
  readonly rest: string;
}

function decode(pieces: readonly Buffer[]): Outcome {
  const decoder = new ChunkedDecoder();
  const content: Buffer[] = [];
  let waiting = Buffer.alloc(0);
  let kind: Decoded["kind"] = "more";
  for (const piece of pieces) {
    waiting = Buffer.concat([waiting, piece]);
    if (kind !== "more") continue;
    const decoded = decoder.decode(waiting, 0, (chunk) => void content.push(Buffer.from(chunk)));
    kind = decoded.kind;
    if (decoded.kind !== "malformed") waiting = waiting.subarray(decoded.at);
  }
  const rest = kind === "end" ? waiting.toString("latin1") : "";
  const trailers = kind === "end" ? decoder.trailers : [];
  return { kind, content: Buffer.concat(content).toString("latin1"), trailers, rest };
}

/** The content of this, or "400", or "…" where more is waited for. */
function contentOf(text: string): string {
  const { kind, content } = decode([Buffer.from(text, "latin1")]);
  return kind === "malformed" ? "400" : content + (kind === "more" ? "…" : "");
}

const END = "0\r\n\r\n";

describe("RFC 9112 §7.1: the chunked coding", () => {
  const sizes: readonly (readonly [what: string, text: string, content: string])[] = [
    ["of nothing", END, ""],
    ["of one chunk", `3\r\nabc\r\n${END}`, "abc"],
    ["of several", `1\r\na\r\n2\r\nbc\r\n${END}`, "abc"],
    ["with a size in hexadecimal", `00A\r\n0123456789\r\n${END}`, "0123456789"],
    ["with a size in lower case", `a\r\n0123456789\r\n${END}`, "0123456789"],
    ["whose chunk has CRLF and 0", `5\r\n\r\n0\r\n\r\n${END}`, "\r\n0\r\n"],
    ["with several zeros as its last size", "000\r\n\r\n", ""],
    ["with twelve digits", `000000000001\r\na\r\n${END}`, "a"],
    ["with thirteen digits", `0000000000001\r\na\r\n${END}`, "400"],
    ["with a size that no memory has", "FFFFFFFFFFFFFFFFF\r\n", "400"],
    ["with 0x before the size", `0x1\r\na\r\n${END}`, "400"],
    ["with a sign before the size", `+1\r\na\r\n${END}`, "400"],
    ["with a negative size", `-1\r\na\r\n${END}`, "400"],
    ["with white space before the size", ` 1\r\na\r\n${END}`, "400"],
    ["with white space after the size", `1 \r\na\r\n${END}`, "400"],
    ["with a tab after the size", `1\t\r\na\r\n${END}`, "400"],
    ["without a size", `\r\na\r\n${END}`, "400"],
    ["with a letter that is no digit", `g\r\na\r\n${END}`, "400"],
    ["with an underscore in the size", `1_0\r\na\r\n${END}`, "400"],
    ["with a comma after the size", `1,\r\na\r\n${END}`, "400"],
    ["with NUL after the size", `1\0\r\na\r\n${END}`, "400"],
    ["whose chunk is longer than it says", `1\r\nab\r\n${END}`, "400"],
    ["whose chunk is shorter than it says", `3\r\na\r\n${END}`, "400"],
    ["whose chunk ends with LF", `1\r\na\n${END}`, "400"],
    ["whose chunk ends with CR", `1\r\na\r${END}`, "400"],
    ["whose chunk ends with LF CR", `1\r\na\n\r${END}`, "400"],
    ["whose chunk ends with two CRLFs", `1\r\na\r\n\r\n${END}`, "400"],
    ["whose size ends with LF", `1\na\r\n${END}`, "400"],
    ["whose size ends with CR", `1\ra\r\n${END}`, "400"],
    ["whose size ends with two CRs", `1\r\r\na\r\n${END}`, "400"],
    ["that ends with a bare LF", "0\r\n\n", "400"],
    ["that ends with a bare CR", "0\r\n\ra", "400"],
    ["that is not finished", "1\r\na\r\n0\r\n", "a…"],
  ];
  for (const [what, text, content] of sizes) {
    test(`${what}: ${JSON.stringify(content)}`, () => {
      assert.equal(contentOf(text), content === "400" ? "400" : content);
    });
  }
});

describe("RFC 9112 §7.1.1: a chunk extension", () => {
  const extensions: readonly (readonly [text: string, isValid: boolean])[] = [
    [";a", true],
    [";a=b", true],
    [";a=b;c=d", true],
    [" ; a = b", true],
    ["\t;\ta\t=\tb", true],
    [';a="b c"', true],
    [';a=""', true],
    [';a="b;c=d"', true],
    [';a="\\""', true],
    [';a="\xe9"', true],
    [";", false],
    [";;a", false],
    [";a=", false],
    [";a=b=c", false],
    [";=b", false],
    [";a b", false],
    [";a=b c", false],
    [";a ", false],
    [';a="b', false],
    [';a="b"c', false],
    [';a="\\', false],
    [";a=(b)", false],
    [";a\0", false],
    [";a\x7f", false],
    [";\xe9", false],
    ["a=b", false],
    ["\ra", false],
    [";a\n", false],
  ];
  for (const [text, isValid] of extensions) {
    test(`${JSON.stringify(text)} is ${isValid ? "ignored" : "refused"}`, () => {
      assert.equal(contentOf(`1${text}\r\na\r\n${END}`), isValid ? "a" : "400");
    });
  }

  test("may be as long as its line may: 256 octets", () => {
    assert.equal(contentOf(`1;${"a".repeat(254)}\r\na\r\n${END}`), "a");
    assert.equal(contentOf(`1;${"a".repeat(255)}\r\na\r\n${END}`), "400");
    assert.equal(contentOf("1".repeat(258)), "400");
  });

  test("is not worth more than 16 KiB in one message", () => {
    const chunk = `1;${"a".repeat(254)}\r\na\r\n`;
    assert.equal(contentOf(chunk.repeat(64) + END), "a".repeat(64));
    assert.equal(contentOf(chunk.repeat(65) + END), "400");
  });
});

describe("RFC 9112 §7.1.2: the trailer section", () => {
  const trailers: readonly (readonly [text: string, trailers: readonly string[] | undefined])[] = [
    ["", []],
    ["A: b\r\n", ["a", "b"]],
    ["A:b \t\r\nA: c\r\n", ["a", "b", "a", "c"]],
    ["A:\r\n", ["a", ""]],
    ["A: \xe9\r\n", ["a", "\xe9"]],
    ["A : b\r\n", undefined],
    [" A: b\r\n", undefined],
    ["A: b\r\n c\r\n", undefined],
    ["A\r\n", undefined],
    [": b\r\n", undefined],
    ["A: b\n", undefined],
    ["A: b\rc\r\n", undefined],
    ["A: \0\r\n", undefined],
    ["A: \x7f\r\n", undefined],
    ["GET / HTTP/1.1\r\n", undefined],
    ["a: b\r\n".repeat(101), undefined],
    [`a: ${"b".repeat(40_000)}\r\n`, undefined],
    [`a: ${"b".repeat(400)}\r\n`.repeat(99), undefined],
  ];
  for (const [text, fields] of trailers) {
    const name = JSON.stringify(text.slice(0, 20));
    test(`${name}, ${text.length} octets: ${fields === undefined ? "refused" : "taken"}`, () => {
      const decoded = decode([Buffer.from(`0\r\n${text}\r\nrest`, "latin1")]);
      assert.equal(decoded.kind, fields === undefined ? "malformed" : "end");
      assert.deepEqual(decoded.trailers, fields ?? []);
      assert.equal(decoded.rest, fields === undefined ? "" : "rest");
    });
  }
});

/** Messages that are nearly right: pieces of the grammar, some at its limits. */
const nearlyChunked = fc
  .array(
    fc.oneof(
      fc.constantFrom("3\r\nabc\r\n", "1\r\nx\r\n", "0\r\n", "\r\n", "A: b\r\n", END, "\r", "\n"),
      fc.constantFrom("2;a=b\r\nxy\r\n", "1 ;a\r\nx\r\n", "5\r\nab", "0", "f", " ", ";", "\t"),
      fc.integer({ min: 250, max: 258 }).map((n) => `1;${"a".repeat(n)}\r\nx\r\n`),
      fc.integer({ min: 32_760, max: 32_772 }).map((n) => `A:${"a".repeat(n)}\r\n`),
      fc.string({ unit: "binary", maxLength: 4 }),
    ),
    { maxLength: 8 },
  )
  .map((pieces) => Buffer.from(pieces.join(""), "latin1"));

describe("the decoder", () => {
  test("takes no LF for a CRLF, even where it comes first", () => {
    for (const pieces of [
      ["0\r\n", "\n"],
      ["1\r\na", "\n"],
      ["", "\n"],
    ]) {
      assert.equal(decode(pieces.map((piece) => Buffer.from(piece))).kind, "malformed");
    }
  });

  test("comes to the same wherever the octets are split", () => {
    const cuts = fc.array(fc.nat(), { maxLength: 6 });
    fc.assert(
      fc.property(nearlyChunked, cuts, fc.boolean(), (octets, at, eachOctet) => {
        const all = eachOctet && octets.length < 400 ? [...octets.keys()] : at;
        const sorted = all.map((n) => n % (octets.length + 1)).toSorted((a, b) => a - b);
        const ends = [...sorted, octets.length];
        const pieces = ends.map((end, i) => octets.subarray(ends[i - 1] ?? 0, end));
        assert.deepEqual(decode(pieces), decode([octets]));
      }),
      { numRuns: 1_000 },
    );
  });

  test("reads no octet past the end, and none before the place that it is given", () => {
    fc.assert(
      fc.property(nearlyChunked, fc.uint8Array({ maxLength: 8 }), (octets, noise) => {
        const decoder = new ChunkedDecoder();
        const taken: Buffer[] = [];
        const input = Buffer.concat([noise, octets, noise]);
        const decoded = decoder.decode(input, noise.length, (chunk) => void taken.push(chunk));
        const alone = decode([octets]);
        if (alone.kind !== "end") return;
        assert(decoded.kind === "end");
        assert.equal(decoded.at, noise.length + octets.length - alone.rest.length);
        assert.equal(Buffer.concat(taken).toString("latin1"), alone.content);
      }),
    );
  });
});
