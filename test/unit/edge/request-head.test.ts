import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fieldOf } from "#edge/fields.ts";
import { type ParsedHead, parseRequestHead } from "#edge/wire/http1/request-head.ts";

function parse(text: string): ParsedHead {
  return parseRequestHead(Buffer.from(text, "latin1"), 0);
}

function verdict(text: string): string {
  const parsed = parse(text);
  return parsed.kind === "refused" ? String(parsed.status) : parsed.kind;
}

const HOST = "Host: a.test\r\n";

describe("a request head", () => {
  test("is taken apart, its target raw and its names in lower case", () => {
    const text = `GET /a%20b?c=%2F HTTP/1.1\r\n${HOST}X-A:  one \r\nx-a: two\r\nX-Empty:\r\n\r\nrest`;
    const parsed = parse(text);
    assert(parsed.kind === "request");
    assert.equal(parsed.end, text.length - "rest".length);
    assert.equal(parsed.head.target, "/a%20b?c=%2F");
    assert.equal(fieldOf(parsed.head.fields, "x-a"), "one, two");
    assert.equal(fieldOf(parsed.head.fields, "x-empty"), "");
    assert.equal(fieldOf(parsed.head.fields, "x-none"), undefined);
  });

  const verdicts: readonly (readonly [clause: string, text: string, verdict: string])[] = [
    [
      "RFC 9112 §2.2: an empty line before it is ignored",
      `\r\nGET / HTTP/1.1\r\n${HOST}\r\n`,
      "request",
    ],
    ["a second empty line before it", `\r\n\r\nGET / HTTP/1.1\r\n${HOST}\r\n`, "400"],
    ["RFC 9112 §2.2: bare LF", `GET / HTTP/1.1\n${HOST}\r\n`, "400"],
    ["RFC 9112 §2.2: bare CR", `GET / HTTP/1.1\r\n${HOST}a: b\rc\r\n\r\n`, "400"],
    ["RFC 9112 §5.2: obs-fold", `GET / HTTP/1.1\r\n${HOST}a: b\r\n c\r\n\r\n`, "400"],
    ["RFC 9112 §5.1: white space before a colon", `GET / HTTP/1.1\r\n${HOST}a : b\r\n\r\n`, "400"],
    ["RFC 9112 §2.2: white space before the first field", `GET / HTTP/1.1\r\n ${HOST}\r\n`, "400"],
    ["a field without a name", `GET / HTTP/1.1\r\n${HOST}: b\r\n\r\n`, "400"],
    ["a field without a colon", `GET / HTTP/1.1\r\n${HOST}abc\r\n\r\n`, "400"],
    ["RFC 9110 §5.5: NUL in a value", `GET / HTTP/1.1\r\n${HOST}a: \0\r\n\r\n`, "400"],
    ["RFC 9112 §3.2: no Host", "GET / HTTP/1.1\r\n\r\n", "400"],
    ["RFC 9112 §3.2: two Hosts", `GET / HTTP/1.1\r\n${HOST}${HOST}\r\n`, "400"],
    ["RFC 9112 §3.2: an empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", "400"],
    ["RFC 9112 §3.2: a malformed Host", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "400"],
    ["a Host with user information", "GET / HTTP/1.1\r\nHost: u@a.test\r\n\r\n", "400"],
    ["an IPv6 Host", "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "request"],
    ["HTTP/1.0 without Host", "GET / HTTP/1.0\r\n\r\n", "400"],
    ["HTTP/1.0", `GET / HTTP/1.0\r\n${HOST}\r\n`, "request"],
    [
      "RFC 9112 §6.1: Content-Length with Transfer-Encoding",
      `GET / HTTP/1.1\r\n${HOST}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`,
      "400",
    ],
    [
      "RFC 9112 §6.1: an unknown coding",
      `GET / HTTP/1.1\r\n${HOST}Transfer-Encoding: gzip, chunked\r\n\r\n`,
      "400",
    ],
    [
      "a repeated coding",
      `GET / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n`,
      "400",
    ],
    [
      "a coding hidden in odd white space",
      `GET / HTTP/1.1\r\n${HOST}Transfer-Encoding: \vchunked\r\n\r\n`,
      "400",
    ],
    [
      "RFC 9112 §6.1: a coding in HTTP/1.0",
      `GET / HTTP/1.0\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n`,
      "400",
    ],
    [
      "RFC 9112 §6.3: differing lengths",
      `GET / HTTP/1.1\r\n${HOST}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`,
      "400",
    ],
    [
      "RFC 9112 §6.3: a list of lengths",
      `GET / HTTP/1.1\r\n${HOST}Content-Length: 1, 1\r\n\r\n`,
      "400",
    ],
    [
      "RFC 9110 §8.6: a length of nothing",
      `GET / HTTP/1.1\r\n${HOST}Content-Length:\r\n\r\n`,
      "400",
    ],
    ["a signed length", `GET / HTTP/1.1\r\n${HOST}Content-Length: +1\r\n\r\n`, "400"],
    ["a hexadecimal length", `GET / HTTP/1.1\r\n${HOST}Content-Length: 0x1\r\n\r\n`, "400"],
    [
      "an immense length",
      `GET / HTTP/1.1\r\n${HOST}Content-Length: 99999999999999999999\r\n\r\n`,
      "400",
    ],
    ["no version", `GET /\r\n${HOST}\r\n`, "400"],
    ["RFC 9112 §2.3: a version in lower case", `GET / http/1.1\r\n${HOST}\r\n`, "400"],
    ["a version with two digits", `GET / HTTP/1.10\r\n${HOST}\r\n`, "400"],
    ["HTTP/2.0", `GET / HTTP/2.0\r\n${HOST}\r\n`, "505"],
    ["RFC 9110 §2.5: a higher minor version", `GET / HTTP/1.2\r\n${HOST}\r\n`, "request"],
    ["RFC 9113 §3.4: HTTP/2's preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505"],
    ["a space in the target", `GET /a b HTTP/1.1\r\n${HOST}\r\n`, "400"],
    ["two spaces after the method", `GET  / HTTP/1.1\r\n${HOST}\r\n`, "400"],
    ["a fragment in the target", `GET /a#b HTTP/1.1\r\n${HOST}\r\n`, "400"],
    ["a control character in the target", `GET /a\x01 HTTP/1.1\r\n${HOST}\r\n`, "400"],
    ["DEL in the target", `GET /a\x7f HTTP/1.1\r\n${HOST}\r\n`, "400"],
    ["RFC 3986 §2: an octet above ASCII in the target", `GET /\xe9 HTTP/1.1\r\n${HOST}\r\n`, "400"],
    ["the last of the octets that may stand raw", `GET /~ HTTP/1.1\r\n${HOST}\r\n`, "request"],
    ["a tab in the request line", `GET\t/ HTTP/1.1\r\n${HOST}\r\n`, "400"],
    ["a target that is no path", `GET a HTTP/1.1\r\n${HOST}\r\n`, "400"],
    ["RFC 9112 §3.2.4: the asterisk-form of GET", `GET * HTTP/1.1\r\n${HOST}\r\n`, "400"],
    [
      "RFC 9112 §3.2.4: the asterisk-form of OPTIONS",
      `OPTIONS * HTTP/1.1\r\n${HOST}\r\n`,
      "request",
    ],
    [
      "RFC 9112 §3.2.2: an absolute target",
      `GET http://A.test:80/x HTTP/1.1\r\n${HOST}\r\n`,
      "request",
    ],
    [
      "an absolute target that disagrees with Host",
      `GET http://b.test/x HTTP/1.1\r\n${HOST}\r\n`,
      "400",
    ],
    [
      "an absolute target with another port",
      `GET http://a.test:81/x HTTP/1.1\r\n${HOST}\r\n`,
      "400",
    ],
    ["a malformed method", `G(T / HTTP/1.1\r\n${HOST}\r\n`, "400"],
    ["CONNECT", "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n", "501"],
    [
      "Upgrade",
      `GET / HTTP/1.1\r\n${HOST}Connection: upgrade\r\nUpgrade: websocket\r\n\r\n`,
      "501",
    ],
    ["an unfinished head", `GET / HTTP/1.1\r\n${HOST}`, "incomplete"],
    ["a target of 16 KiB", `GET /${"a".repeat(16_383)} HTTP/1.1\r\n${HOST}\r\n`, "request"],
    ["a target over 16 KiB", `GET /${"a".repeat(16_384)} HTTP/1.1\r\n${HOST}\r\n`, "414"],
    ["a request line over 32 KiB", `GET /${"a".repeat(40_000)}`, "414"],
    ["a head over 32 KiB", `GET / HTTP/1.1\r\n${HOST}a: ${"a".repeat(33_000)}\r\n\r\n`, "431"],
    ["100 field lines", `GET / HTTP/1.1\r\n${HOST}${"a: b\r\n".repeat(99)}\r\n`, "request"],
    ["101 field lines", `GET / HTTP/1.1\r\n${HOST}${"a: b\r\n".repeat(100)}\r\n`, "431"],
  ];
  for (const [clause, text, expected] of verdicts) {
    test(`${clause}: ${expected}`, () => {
      assert.equal(verdict(text), expected);
    });
  }

  const persistence = [
    ["HTTP/1.1", "", true],
    ["HTTP/1.1", "Connection: close\r\n", false],
    ["HTTP/1.1", "Connection: foo, Close\r\n", false],
    ["HTTP/1.0", "", false],
    ["HTTP/1.0", "Connection: Keep-Alive\r\n", true],
  ] as const;
  for (const [version, line, keepAlive] of persistence) {
    test(`RFC 9112 §9.3: ${version} with ${JSON.stringify(line)} ${keepAlive ? "persists" : "closes"}`, () => {
      const parsed = parse(`GET / ${version}\r\n${HOST}${line}\r\n`);
      assert.equal(parsed.kind === "request" && parsed.head.keepAlive, keepAlive);
    });
  }

  test("an absolute target becomes its path", () => {
    for (const [target, path] of [
      ["http://a.test", "/"],
      ["http://a.test?q", "/?q"],
      ["HTTP://A.TEST/x?y", "/x?y"],
    ] as const) {
      const parsed = parse(`GET ${target} HTTP/1.1\r\n${HOST}\r\n`);
      assert.equal(parsed.kind === "request" && parsed.head.target, path);
    }
  });
});
