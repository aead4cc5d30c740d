import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { ORIGIN_FIELD_LINES_MAX } from "#edge/limits.ts";
import {
  type ParsedAnswer,
  parseReceivedHead,
  type ReceivedHead,
} from "#edge/origin/received-head.ts";

const BYTES_MAX = 4_096;

function parse(text: string): ParsedAnswer {
  return parseReceivedHead(Buffer.from(text, "latin1"), 0, BYTES_MAX);
}

function headOf(...lines: readonly string[]): ReceivedHead {
  const parsed = parse(`${lines.join("\r\n")}\r\n\r\n`);
  assert(parsed.kind === "head", JSON.stringify(parsed));
  return parsed.head;
}

/** Why it is no head. */
function faultOf(...lines: readonly string[]): string {
  const parsed = parse(`${lines.join("\r\n")}\r\n\r\n`);
  return parsed.kind === "malformed" ? parsed.reason : parsed.kind;
}

const OK = "HTTP/1.1 200 OK";

describe("RFC 9112 §4: a status line", () => {
  const lines: readonly (readonly [line: string, status: number | undefined])[] = [
    [OK, 200],
    ["HTTP/1.1 200 ", 200],
    ["HTTP/1.1 200", 200],
    ["HTTP/1.0 404 Not Found", 404],
    ["HTTP/1.9 200 OK", 200],
    ["HTTP/1.1 200 \xe9t\xe9\t!", 200],
    ["HTTP/1.1 099 Odd", 99],
    ["HTTP/2 200 OK", undefined],
    ["HTTP/1.10 200 OK", undefined],
    ["http/1.1 200 OK", undefined],
    ["HTTP/1.1  200 OK", undefined],
    ["HTTP/1.1 200OK", undefined],
    ["HTTP/1.1 20 OK", undefined],
    ["HTTP/1.1 2000 OK", undefined],
    ["HTTP/1.1 +20 OK", undefined],
    ["HTTP/1.1", undefined],
    [" HTTP/1.1 200 OK", undefined],
    ["", undefined],
  ];
  for (const [line, status] of lines) {
    test(`${JSON.stringify(line)} has ${status === undefined ? "none" : `status ${status}`}`, () => {
      const parsed = parse(`${line}\r\n\r\n`);
      assert.equal(parsed.kind === "head" ? parsed.head.status : undefined, status);
    });
  }

  test("of another protocol is known before its line ends", () => {
    assert.equal(parse("SSH-2.0").kind, "malformed");
    assert.equal(parse("HTTP/2").kind, "malformed");
    assert.equal(parse("HTTP/1").kind, "incomplete");
  });
});

describe("RFC 9112 §5: a field line", () => {
  test("has a name, in lower case, and a value without the white space around it", () => {
    const { fields } = headOf(OK, "X-A: \t b c \t", "x-a:", "x!:\xff");
    assert.deepEqual(fields, ["x-a", "b c", "x-a", "", "x!", "\xff"]);
  });

  const malformed = [
    "a : b",
    " a: b",
    ": b",
    "a",
    "a b: c",
    "a: b\0",
    "a: b\x7f",
    "a: b\rc",
    "\xe9: b",
  ];
  for (const line of malformed) {
    test(`${JSON.stringify(line)} is a fault`, () => {
      assert.match(faultOf(OK, line), /^a (?:malformed field line|bare CR or LF)/);
    });
  }

  test("may not be folded (§5.2), nor end with LF alone (§2.2)", () => {
    assert.equal(faultOf(OK, "a: b", "\tc"), "a malformed field line");
    assert.equal(parse("HTTP/1.1 200 OK\na: b\n\n").kind, "malformed");
  });

  test("is one of so many, and of so many octets in all", () => {
    const many = Array.from({ length: ORIGIN_FIELD_LINES_MAX }, () => "a:");
    assert.equal(headOf(OK, ...many).fields.length, 2 * ORIGIN_FIELD_LINES_MAX);
    assert.equal(faultOf(OK, ...many, "a:"), "too many field lines");
    assert.equal(faultOf(OK, `a: ${"b".repeat(BYTES_MAX)}`), "a head that is too long");
    assert.equal(parse(`${OK}\r\na: ${"b".repeat(100)}`).kind, "incomplete");
  });
});

describe("RFC 9112 §6: the length of the body", () => {
  test("is in octets, in chunks, or up to the end of the connection", () => {
    assert.equal(headOf(OK, "content-length: 12").length, 12);
    assert.equal(headOf(OK, "Transfer-Encoding: Chunked").length, "chunked");
    assert.equal(headOf(OK).length, "close-delimited");
  });

  const faults: readonly (readonly string[])[] = [
    ["content-length: 1", "content-length: 2"],
    ["content-length: 1", "content-length: 1"],
    ["content-length: 1, 1"],
    ["content-length: -1"],
    ["content-length: +1"],
    ["content-length: 1.0"],
    ["content-length: 0x1"],
    ["content-length:"],
    ["content-length: 1234567890123456"],
    ["content-length: 1", "transfer-encoding: chunked"],
    ["transfer-encoding: gzip"],
    ["transfer-encoding: gzip, chunked"],
    ["transfer-encoding: chunked", "transfer-encoding: chunked"],
    ["transfer-encoding: xchunked"],
    ["transfer-encoding:"],
  ];
  for (const lines of faults) {
    test(`is not told by ${lines.join(" and ")}`, () => {
      assert.match(faultOf(OK, ...lines), /Content-Length|Transfer-Encoding/);
    });
  }

  test("is not told by a coding in HTTP/1.0 (§6.1)", () => {
    assert.equal(faultOf("HTTP/1.0 200 OK", "transfer-encoding: chunked"), "a coding in HTTP/1.0");
  });
});

describe("RFC 9112 §9.3: the connection", () => {
  const heads: readonly (readonly [persists: boolean, ...lines: readonly string[]])[] = [
    [true, OK],
    [false, OK, "connection: close"],
    [false, OK, "connection: x", "Connection: y, Close"],
    [false, OK, "connection: keep-alive, close"],
    [false, "HTTP/1.0 200 OK"],
    [true, "HTTP/1.0 200 OK", "connection: Keep-Alive"],
  ];
  for (const [persists, ...lines] of heads) {
    test(`${persists ? "persists" : "ends"} after ${lines.join(", ")}`, () => {
      assert.equal(headOf(...lines).persists, persists);
    });
  }
});

describe("a response head", () => {
  /** Heads that are nearly right: pieces of grammar in any order, and a few bytes of noise. */
  const nearlyHead = fc
    .array(
      fc.oneof(
        fc.constantFrom("HTTP/1.1 ", "HTTP/1.0 ", "200", " ", "OK", "\r\n", "\r", "\n", ": ", "\t"),
        fc.constantFrom("Content-Length: 3\r\n", "Transfer-Encoding: chunked\r\n", "a: b\r\n"),
        fc.constantFrom(
          `${OK}\r\n`,
          "\r\n\r\n",
          "HTTP/1.1 103 Hints\r\n\r\n",
          "Connection: close\r\n",
        ),
        fc.string({ unit: "binary", maxLength: 4 }),
      ),
      { maxLength: 14 },
    )
    .map((pieces) => Buffer.from(pieces.join(""), "latin1"));

  test("is the same however its octets are split, and never throws", () => {
    fc.assert(
      fc.property(nearlyHead, fc.integer({ min: 1, max: 200 }), (octets, headBytesMax) => {
        const whole = parseReceivedHead(octets, 0, headBytesMax);
        let told: ParsedAnswer = { kind: "incomplete" };
        for (let bytes = 0; bytes <= octets.length && told.kind === "incomplete"; bytes += 1) {
          told = parseReceivedHead(octets.subarray(0, bytes), 0, headBytesMax);
        }
        assert.deepEqual(told, whole);
      }),
      { numRuns: 2_000 },
    );
  });

  test("begins where it is said to", () => {
    const before = "garbage";
    const octets = Buffer.from(`${before}${OK}\r\n\r\nbody`);
    const parsed = parseReceivedHead(octets, before.length, BYTES_MAX);
    assert(parsed.kind === "head");
    assert.equal(octets.toString("latin1", parsed.end), "body");
  });
});
