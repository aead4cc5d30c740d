import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { HpackDecoder } from "#edge/wire/hpack/decoder.ts";
import {
  decode,
  decoderOf,
  indexedLiteral,
  LIMITS,
  linesOf,
  octets,
  plainString,
  tableBytes,
  tableOf,
} from "./support.ts";

describe("a block", () => {
  const malformed = [
    { clause: "§6.1: index 0", block: "80" },
    { clause: "§2.3.3: an index past an empty table", block: "be" },
    { clause: "§2.3.3: an index far past the table", block: "ffffffff7f" },
    { clause: "§2.3.3: the name of a literal past the table", block: "7e0161" },
    { clause: "§2.3.3: the name of an unindexed literal past the table", block: "0f2f0161" },
    { clause: "§5.1: an index that is cut off", block: "ff" },
    { clause: "§5.1: an index that is cut off in its middle", block: "ff80" },
    { clause: "§5.1: an index of five continuation octets", block: "ff8080808000" },
    { clause: "§5.1: an index that never ends", block: "ffffffffffffffffffffff" },
    { clause: "§5.1: a name index that is cut off", block: "7f" },
    { clause: "§5.1: a length that is cut off", block: "047f" },
    { clause: "§5.1: a length that is too large", block: "047fffffffffff" },
    { clause: "§5.1: a size that is cut off", block: "3f" },
    { clause: "§5.2: a literal without name", block: "40" },
    { clause: "§5.2: a literal without value", block: "04" },
    { clause: "§5.2: a name longer than the block", block: "00036162" },
    { clause: "§5.2: a value longer than the block", block: "04022f" },
    { clause: "§5.2: a coded value longer than the block", block: "0483a8eb" },
    { clause: "§5.2: EOS in a value", block: "0484fffffffc" },
    { clause: "§5.2: padding of eight ones", block: "04821fff" },
    { clause: "§5.2: padding that is not all ones", block: "04811e" },
    { clause: "§4.2: a size update after a field line", block: "8220" },
    { clause: "§4.2: a third size update", block: "202020" },
    { clause: "§6.3: a size above the limit", block: "3fe21f" },
  ];
  for (const { clause, block } of malformed) {
    test(`is malformed with ${clause}`, () => {
      assert.equal(decode(new HpackDecoder(LIMITS), octets(block)).kind, "malformed");
    });
  }

  test("may be empty", () => {
    assert.deepEqual(linesOf(decoderOf(), Buffer.alloc(0)), []);
  });

  test("§5.1: may have integers with leading zeros", () => {
    assert.deepEqual(linesOf(decoderOf(), octets("82 0f 8b808000 00")), [
      ":method: GET",
      "content-encoding: ",
    ]);
  });

  test("§6.2.3: has never-indexed literals that are lines as others, and in no table", () => {
    const decoder = decoderOf();
    const block = octets("1f08 0461 3d62 63 10 0178 0179");
    assert.deepEqual(linesOf(decoder, block), ["authorization: a=bc", "x: y"]);
    assert.deepEqual(tableOf(decoder), []);
  });

  test("has values of any octet, one character each", () => {
    const value = String.fromCharCode(...Array.from({ length: 256 }, (_, octet) => octet));
    const block = Buffer.concat([Buffer.of(0x04), plainString(value)]);
    assert.deepEqual(linesOf(decoderOf(), block), [`:path: ${value}`]);
  });
});

describe("the dynamic table", () => {
  test("§4.4: evicts its oldest entries for a new one", () => {
    const decoder = decoderOf({ tableBytesMax: 100 });
    for (const name of ["a", "b", "c", "d"]) linesOf(decoder, indexedLiteral(name, "v"));
    assert.deepEqual(tableOf(decoder), ["d: v", "c: v"]);
  });

  test("§4.4: is emptied by an entry larger than itself, which is a line nevertheless", () => {
    const decoder = decoderOf({ tableBytesMax: 100 });
    linesOf(decoder, indexedLiteral("a", "v"));
    const large = "v".repeat(100);
    assert.deepEqual(linesOf(decoder, indexedLiteral("b", large)), [`b: ${large}`]);
    assert.deepEqual(tableOf(decoder), []);
  });

  test("§4.4: holds an entry that fills it", () => {
    const decoder = decoderOf({ tableBytesMax: 100 });
    linesOf(decoder, indexedLiteral("a", "v"));
    linesOf(decoder, indexedLiteral("b", "v".repeat(67)));
    assert.equal(tableBytes(tableOf(decoder)), 100);
  });

  test("§4.4: lends a new entry the name of the one that it evicts", () => {
    const decoder = decoderOf({ tableBytesMax: 40 });
    linesOf(decoder, indexedLiteral("name", "1"));
    assert.deepEqual(linesOf(decoder, octets("7e0132")), ["name: 2"]);
    assert.deepEqual(tableOf(decoder), ["name: 2"]);
  });

  test("§2.3.2: may have the same entry twice", () => {
    const decoder = decoderOf();
    linesOf(decoder, Buffer.concat([indexedLiteral("a", "v"), indexedLiteral("a", "v")]));
    assert.deepEqual(tableOf(decoder), ["a: v", "a: v"]);
  });

  test("§4.3: loses what is above a smaller size, and gets nothing back with a larger one", () => {
    const decoder = decoderOf();
    for (const name of ["a", "b", "c"]) linesOf(decoder, indexedLiteral(name, "v"));
    linesOf(decoder, octets("3f15"));
    assert.deepEqual(tableOf(decoder), ["c: v"]);
    linesOf(decoder, octets("3fe11f"));
    assert.deepEqual(tableOf(decoder), ["c: v"]);
  });

  test("§4.2: is emptied and opened again by two updates at the beginning of a block", () => {
    const decoder = decoderOf();
    linesOf(decoder, indexedLiteral("a", "v"));
    const block = Buffer.concat([octets("20 3fe11f"), indexedLiteral("b", "v")]);
    assert.deepEqual(linesOf(decoder, block), ["b: v"]);
    assert.deepEqual(tableOf(decoder), ["b: v"]);
  });

  test("is a ring that keeps its order through any number of entries", () => {
    const decoder = decoderOf();
    const names: string[] = [];
    for (let i = 0; i < 1_000; i += 1) {
      names.unshift(`n${i}`);
      linesOf(decoder, indexedLiteral(`n${i}`, ""));
      if (i % 97 !== 0) continue;
      const table = tableOf(decoder);
      assert.deepEqual(
        table,
        names.slice(0, table.length).map((name) => `${name}: `),
      );
    }
    assert.equal(tableOf(decoder).length, Math.floor(4_096 / 36));
  });

  test("has a version that moves with what changes it, and with nothing else", () => {
    const decoder = decoderOf();
    const versions = [decoder.tableVersion];
    const changes = [indexedLiteral("a", "v"), octets("20"), octets("3fe11f")];
    const others = [
      octets("82"),
      octets("04012f"),
      octets("1004 6e61 6d65 0176"),
      octets("3fe11f"),
    ];
    for (const block of changes) {
      linesOf(decoder, block);
      assert(!versions.includes(decoder.tableVersion));
      versions.push(decoder.tableVersion);
    }
    for (const block of others) linesOf(decoder, block);
    assert.equal(decoder.tableVersion, versions.at(-1));
  });
});

describe("a section above its limits", () => {
  const cases = [
    { limit: "the octets of its lines", limits: { fieldsBytesMax: 3 * 34 } },
    { limit: "the number of its lines", limits: { fieldLinesMax: 3 } },
  ];
  const three = Buffer.concat(["a", "b", "c"].map((name) => indexedLiteral(name, "v")));

  for (const { limit, limits } of cases) {
    test(`is too large by ${limit}, and one at its limit is not`, () => {
      const decoder = decoderOf(limits);
      assert.equal(linesOf(decoder, three).length, 3);
      const four = Buffer.concat([three, indexedLiteral("d", "v")]);
      assert.deepEqual(decode(decoder, four), { kind: "too-large" });
    });

    test(`is too large by ${limit}, with the table in step`, () => {
      const decoder = decoderOf(limits);
      const block = Buffer.concat([three, octets("be"), indexedLiteral("d", "v"), octets("bfc1")]);
      assert.equal(decode(decoder, block).kind, "too-large");
      assert.deepEqual(tableOf(decoder), ["d: v", "c: v", "b: v", "a: v"]);
      assert.deepEqual(linesOf(decoder, octets("bebf")), ["d: v", "c: v"]);
    });
  }

  test("is malformed where it would be malformed anyway", () => {
    const decoder = decoderOf({ fieldLinesMax: 1 });
    assert.equal(decode(decoder, octets("8282 80")).kind, "malformed");
  });

  test("costs nothing, however often it refers to a long value", () => {
    const decoder = decoderOf({ fieldsBytesMax: 32 * 1_024 });
    linesOf(decoder, indexedLiteral("bomb", "v".repeat(4_000)));
    assert.equal(decode(decoder, Buffer.alloc(1 << 20, 0xbe)).kind, "too-large");
    assert.equal(tableOf(decoder).length, 1);
  });
});

/** Pieces of blocks, sound for the most part, and octets of any kind between them. */
const pieces = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom("82", "be", "bf", "c5", "7e0161", "20", "3fe11f") },
  { weight: 4, arbitrary: fc.constantFrom("0401", "4084", "a8eb10649cbf", "0f0d0161") },
  {
    weight: 4,
    arbitrary: fc
      .tuple(fc.string({ maxLength: 9 }), fc.string({ maxLength: 200 }))
      .map(([name, value]) => indexedLiteral(name, value).toString("hex")),
  },
  fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes).toString("hex")),
);
const blocks = fc.array(
  fc.array(pieces, { maxLength: 12 }).map((hex) => octets(hex.join(""))),
  { minLength: 1, maxLength: 6 },
);

describe("any octets", () => {
  test("are decoded without a throw, by what stands between start and end alone", () => {
    fc.assert(
      fc.property(blocks, fc.uint8Array({ minLength: 1, maxLength: 40 }), (all, poison) => {
        const alone = new HpackDecoder(LIMITS);
        const among = new HpackDecoder(LIMITS);
        for (const block of all) {
          const around = Buffer.concat([poison, block, poison]);
          const decoded = among.decode(around, poison.length, poison.length + block.length);
          assert.deepEqual(decoded, decode(alone, block));
          if (decoded.kind === "malformed") return;
        }
        assert.deepEqual(tableOf(among), tableOf(alone));
      }),
      { numRuns: 2_000 },
    );
  });

  test("leave the same table whether they are too large or not", () => {
    fc.assert(
      fc.property(blocks, fc.integer({ min: 1, max: 4 }), (all, fieldLinesMax) => {
        const wide = new HpackDecoder(LIMITS);
        const narrow = new HpackDecoder({ ...LIMITS, fieldLinesMax });
        for (const block of all) {
          const whole = decode(wide, block);
          const decoded = decode(narrow, block);
          if (decoded.kind !== "too-large") assert.deepEqual(decoded, whole);
          if (whole.kind === "malformed") return;
          assert.deepEqual(tableOf(narrow), tableOf(wide));
          assert.equal(narrow.tableVersion, wide.tableVersion);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
