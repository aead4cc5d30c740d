import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { huffmanDecode, huffmanEncode, huffmanLength } from "#edge/wire/hpack/huffman.ts";
import { octets } from "./support.ts";

function coded(text: string): Buffer {
  const out = Buffer.alloc(huffmanLength(text) + 1, 0xaa);
  const end = huffmanEncode(text, out, 0);
  assert.equal(end, huffmanLength(text));
  assert.equal(out[end], 0xaa, "nothing is written past the end");
  return out.subarray(0, end);
}

const OCTETS = Array.from({ length: 256 }, (_, octet) => String.fromCharCode(octet));
const text = fc
  .uint8Array({ maxLength: 300 })
  .map((bytes) => Buffer.from(bytes).toString("latin1"));

describe("the Huffman code", () => {
  const examples = [
    { clause: "C.4.1", plain: "www.example.com", is: "f1e3c2e5f23a6ba0ab90f4ff" },
    { clause: "C.4.2", plain: "no-cache", is: "a8eb10649cbf" },
    { clause: "C.4.3", plain: "custom-key", is: "25a849e95ba97d7f" },
    { clause: "C.4.3", plain: "custom-value", is: "25a849e95bb8e8b4bf" },
    { clause: "C.6.1", plain: "302", is: "6402" },
    { clause: "C.6.1", plain: "private", is: "aec3771a4b" },
    {
      clause: "C.6.1",
      plain: "Mon, 21 Oct 2013 20:13:21 GMT",
      is: "d07abe941054d444a8200595040b8166e082a62d1bff",
    },
    {
      clause: "C.6.1",
      plain: "https://www.example.com",
      is: "9d29ad171863c78f0b97c8e9ae82ae43d3",
    },
    { clause: "C.6.3", plain: "gzip", is: "9bd9ab" },
  ];
  for (const { clause, plain, is } of examples) {
    test(`${clause}: codes ${plain}`, () => {
      assert.equal(coded(plain).toString("hex"), is);
      assert.equal(huffmanDecode(octets(is), 0, is.length / 2), plain);
    });
  }

  test("has a code for each octet, by itself and between others", () => {
    for (const octet of OCTETS) {
      for (const plain of [octet, `a${octet}`, `${octet}a`, octet + octet]) {
        const code = coded(plain);
        assert.equal(huffmanDecode(code, 0, code.length), plain);
      }
    }
  });

  test("is its own inverse for any text, wherever it stands", () => {
    fc.assert(
      fc.property(text, fc.nat(5), (plain, before) => {
        const code = coded(plain);
        const around = Buffer.concat([Buffer.alloc(before, 0xff), code, Buffer.alloc(5, 0xff)]);
        assert.equal(huffmanDecode(around, before, before + code.length), plain);
      }),
    );
  });

  test("takes strings that are longer than what is set aside for them", () => {
    const plain = OCTETS.join("").repeat(200);
    const code = coded(plain);
    assert.equal(huffmanDecode(code, 0, code.length), plain);
    const short = coded("0".repeat(40_000));
    assert.equal(huffmanDecode(short, 0, short.length), "0".repeat(40_000));
  });

  const malformed = [
    { clause: "§5.2: EOS in a string", code: "fffffffc" },
    { clause: "§5.2: EOS between two letters", code: "1ffffffff8ff" },
    { clause: "§5.2: padding of eight ones", code: "1fff" },
    { clause: "§5.2: nothing but padding of eight ones", code: "ff" },
    { clause: "§5.2: padding of zeros", code: "18" },
    { clause: "§5.2: padding that is not all ones", code: "1e" },
    { clause: "§5.2: a code that is cut off", code: "ffffff" },
  ];
  for (const { clause, code } of malformed) {
    test(`${clause} is malformed`, () => {
      assert.equal(huffmanDecode(octets(code), 0, code.length / 2), undefined);
    });
  }

  test("§5.2: padding of up to seven ones is none of the text", () => {
    // The code of "0" has five bits: one to eight of them leave every number of bits there is.
    for (let length = 1; length <= 8; length += 1) {
      const code = coded("0".repeat(length));
      assert.equal(huffmanDecode(code, 0, code.length), "0".repeat(length));
    }
  });

  test("decodes any octets to what codes to them again, or to nothing", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        const plain = huffmanDecode(Buffer.from(bytes), 0, bytes.length);
        if (plain !== undefined) assert.deepEqual(coded(plain), Buffer.from(bytes));
      }),
      { numRuns: 2_000 },
    );
  });
});
