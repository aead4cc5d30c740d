import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import {
  type FieldBlock,
  type ParsedHead,
  parseRequestHead,
} from "#edge/wire/http1/request-head.ts";
import { converse } from "./wire.ts";

const HOST = "Host: a.test\r\n";

/** Heads that are nearly right: pieces of grammar in any order, and a few bytes of noise. */
const nearlyHead = fc
  .array(
    fc.oneof(
      fc.constantFrom("GET ", "/", "/a?b", " HTTP/1.1", " HTTP/1.0", "\r\n", "\r", "\n", ": "),
      fc.constantFrom(HOST, "Content-Length: 3\r\n", "Transfer-Encoding: chunked\r\n", " ", "\t"),
      fc.constantFrom("GET / HTTP/1.1\r\n", "\r\n\r\n", `GET / HTTP/1.1\r\n${HOST}\r\n`),
      fc.string({ unit: "binary", maxLength: 4 }),
    ),
    { maxLength: 14 },
  )
  .map((pieces) => Buffer.from(pieces.join(""), "latin1"));

/** The fields of a first request, and a second one that has some of them, or nearly. */
const repeatedBlock = fc
  .record({
    before: fc.array(
      fc.constantFrom("A: b\r\n", HOST, "Expect: x\r\n", "B: c\n", "\r\n", ": HTTP/1.1\r\n"),
    ),
    block: fc.array(
      fc.constantFrom(
        "C: d\r\n",
        "Connection: close\r\n",
        "Expect: 100-continue\r\n",
        "Content-Length: 3\r\n",
      ),
    ),
    line: fc.oneof(
      fc.constantFrom("GET / HTTP/1.1\r\n", "POST /b HTTP/1.0\r\n", "\r\nGET / HTTP/1.1\r\n"),
      fc.constantFrom("GET\n/ HTTP/1.1\r\n", "GET /\x01 HTTP/1.1\r\n", "GET / HTTP/1.1\n", "\r\n"),
      fc.constantFrom("GET http://b.test/ HTTP/1.1\r\n", "GET / HTTP/2.0\r\n", ""),
      fc.constantFrom(
        "GET / HTTP/1.1\r\nX: HTTP/1.1\r\n",
        `GET /${"a".repeat(16_384)} HTTP/1.1\r\n`,
      ),
    ),
    after: fc.constantFrom("", "\r\n", "GET / HTTP/1.1\r\n"),
  })
  .map(({ before, block, line, after }) => {
    const known = `${block.join("")}${HOST}\r\n`;
    return { known, text: `${line}${before.join("")}${known}${after}` };
  });

function knownBlock(text: string): FieldBlock | undefined {
  const parsed = parseRequestHead(Buffer.from(`GET / HTTP/1.1\r\n${text}`, "latin1"), 0);
  return parsed.kind === "request" ? parsed.head.block : undefined;
}

describe("the parser of request heads", () => {
  test("gives the same result wherever the octets are split", () => {
    fc.assert(
      fc.property(nearlyHead, (octets) => {
        const whole = parseRequestHead(octets, 0);
        let first: ParsedHead = { kind: "incomplete" };
        for (let n = 0; n <= octets.length && first.kind === "incomplete"; n += 1) {
          first = parseRequestHead(octets.subarray(0, n), 0);
        }
        assert.deepEqual(first, whole);
      }),
      { numRuns: 2_000 },
    );
  });

  test("reads neither before its start nor after the head's end", () => {
    fc.assert(
      fc.property(nearlyHead, fc.uint8Array({ maxLength: 8 }), (octets, noise) => {
        const alone = parseRequestHead(octets, 0);
        const among = parseRequestHead(Buffer.concat([noise, octets, noise]), noise.length);
        if (alone.kind === "request") {
          assert.deepEqual(among, { ...alone, end: alone.end + noise.length });
        } else if (alone.kind === "refused") {
          assert.deepEqual(among, alone);
        }
      }),
    );
  });

  test("understands the same of a head whether its fields were known or not", () => {
    fc.assert(
      fc.property(repeatedBlock, fc.nat(8), ({ known, text }, noise) => {
        const block = knownBlock(known);
        fc.pre(block !== undefined);
        const octets = Buffer.from("x".repeat(noise) + text, "latin1");
        assert.deepEqual(parseRequestHead(octets, noise, block), parseRequestHead(octets, noise));
      }),
      { numRuns: 3_000 },
    );
  });

  test("recognises the fields that came before: they are the very same", () => {
    const block = knownBlock(`Accept: x\r\n${HOST}\r\n`);
    const octets = Buffer.from(`GET /other HTTP/1.1\r\nAccept: x\r\n${HOST}\r\n`);
    const parsed = parseRequestHead(octets, 0, block);
    assert(parsed.kind === "request");
    assert.equal(parsed.head.fields, block?.fields);
  });
});

const methods = fc.constantFrom("GET", "POST", "HEAD", "DELETE");
const content = fc.string({ unit: "binary", maxLength: 40 });

/** A message as a client would send it, or with a fault in it. */
const message = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .record({
        method: methods,
        lines: fc.constantFrom(
          "",
          "A: b\r\n",
          "Expect: 100-continue\r\n",
          "Connection: keep-alive\r\n",
        ),
      })
      .map(({ method, lines }) => `${method} /x HTTP/1.1\r\n${lines}${HOST}\r\n`),
  },
  {
    weight: 4,
    arbitrary: content.map(
      (text) => `POST /l HTTP/1.1\r\n${HOST}Content-Length: ${text.length}\r\n\r\n${text}`,
    ),
  },
  {
    weight: 4,
    arbitrary: fc.array(content, { maxLength: 20 }).map((chunks) => {
      const coded = chunks
        .filter((text) => text !== "")
        .map((text) => `${text.length.toString(16)};a="b"\r\n${text}\r\n`);
      return `POST /c HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n${coded.join("")}0\r\nT: u\r\n\r\n`;
    }),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      `GET / HTTP/1.0\r\n${HOST}\r\n`,
      `POST /c HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\nz\r\n`,
      `POST /c HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n1\r\na\n`,
      `GET / HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`,
      "GET / HTTP/1.1\n\n",
      "\r\n",
      "GET / HT",
    ),
  },
);

describe("a conversation", () => {
  test("has the same replies wherever its octets are split", async () => {
    const cuts = fc.array(fc.nat(), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(message, { minLength: 1, maxLength: 6 }),
        cuts,
        async (messages, at) => {
          const octets = Buffer.from(messages.join(""), "latin1");
          const sorted = at.map((n) => n % (octets.length + 1)).toSorted((a, b) => a - b);
          const ends = [...sorted, octets.length];
          const pieces = ends.map((end, i) => octets.subarray(ends[i - 1] ?? 0, end));
          // Whether it is told to continue depends on what has come with its head.
          const said = async (split: readonly Buffer[]): Promise<string> =>
            (await converse(split)).replaceAll("HTTP/1.1 100 Continue\r\n\r\n", "");
          assert.equal(await said(pieces), await said([octets]));
        },
      ),
      { numRuns: 500 },
    );
  });
});
