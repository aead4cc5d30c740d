import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { sniffProtocol } from "#edge/wire/protocol-sniffer.ts";

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

describe("what a plain connection begins with", () => {
  test("RFC 9113 §3.4: is HTTP/2 once the whole preface has come, and open before", () => {
    for (let length = 0; length < PREFACE.length; length += 1) {
      assert.equal(sniffProtocol(PREFACE.subarray(0, length)), undefined);
    }
    assert.equal(sniffProtocol(PREFACE), "h2");
    assert.equal(sniffProtocol(Buffer.concat([PREFACE, Buffer.from("more")])), "h2");
  });

  test("is HTTP/1.1 as soon as it differs", () => {
    for (const [text, protocol] of [
      ["G", "http/1.1"],
      ["P", undefined],
      ["PR", undefined],
      ["PU", "http/1.1"],
      ["PRI * HTTP/1.1", "http/1.1"],
      ["PRI * HTTP/2.0\r\n\r\nSN", "http/1.1"],
      ["\r\n", "http/1.1"],
    ] as const) {
      assert.equal(sniffProtocol(Buffer.from(text)), protocol, JSON.stringify(text));
    }
  });

  test("is never one thing and then another", () => {
    const beginnings = fc
      .tuple(fc.nat(PREFACE.length), fc.uint8Array({ maxLength: 30 }))
      .map(([length, rest]) => Buffer.concat([PREFACE.subarray(0, length), rest]));
    fc.assert(
      fc.property(beginnings, fc.nat(60), (input, cut) => {
        const early = sniffProtocol(input.subarray(0, cut));
        if (early !== undefined) assert.equal(sniffProtocol(input), early);
      }),
    );
  });
});
