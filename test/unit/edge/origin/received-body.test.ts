import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import type { BodyLength } from "#edge/cache/storage-decision.ts";
import { ReceivedBody } from "#edge/origin/received-body.ts";

/** Reads in one memory that is written over, as connections do, and says what came of it. */
function readPieces(length: BodyLength, pieces: readonly Buffer[]): unknown {
  const body = new ReceivedBody(length);
  const memory = Buffer.alloc(64 * 1024);
  let text = "";
  const taker = {
    isOpen: true,
    take: (chunk: Buffer) => {
      text += chunk.toString("latin1");
    },
  };
  for (const [i, piece] of pieces.entries()) {
    piece.copy(memory);
    const progress = body.read(memory.subarray(0, piece.length), taker);
    memory.fill("?");
    if (progress.kind === "malformed") return { text, ...progress };
    if (progress.kind === "more") continue;
    const isExact = progress.isExact && i === pieces.length - 1;
    return { text, ...progress, isExact };
  }
  return { text, kind: "more" };
}

function cut(octets: Buffer, at: readonly number[]): Buffer[] {
  const places = at.map((place) => place % (octets.length + 1)).toSorted((a, b) => a - b);
  const ends = [...places, octets.length];
  return ends
    .map((end, i) => octets.subarray(places[i - 1] ?? 0, end))
    .filter(({ length }) => length > 0);
}

describe("the body of a response", () => {
  const texts: readonly (readonly [length: BodyLength, text: string])[] = [
    [10, "0123456789"],
    [10, "0123456789more"],
    [10, "01234"],
    ["close-delimited", "0123456789"],
    ["chunked", "4\r\n0123\r\na;x=y\r\n456789abcd\r\n0\r\nx: y\r\n\r\n"],
    ["chunked", "4\r\n0123\r\n0\r\n\r\nmore"],
    ["chunked", "4\r\n01234\r\n0\r\n\r\n"],
    ["chunked", "4\r\n0123\r\nzz\r\n"],
    ["chunked", `${"1\r\n.\r\n".repeat(40)}0\r\n\r\n`],
  ];
  for (const [length, text] of texts) {
    test(`of length ${length} is the same however it is split: ${JSON.stringify(text)}`, () => {
      const octets = Buffer.from(text, "latin1");
      const whole = readPieces(length, [octets]);
      fc.assert(
        fc.property(fc.array(fc.nat(), { maxLength: 5 }), (at) => {
          assert.deepEqual(readPieces(length, cut(octets, at)), whole);
        }),
      );
    });
  }

  test("ends with its connection only if nothing else tells its end", () => {
    const lengths: readonly BodyLength[] = [0, 10, "chunked", "close-delimited"];
    const ends = lengths.map((length) => new ReceivedBody(length).isDelimitedByClose);
    assert.deepEqual(ends, [false, false, false, true]);
  });

  test("in many small chunks is handed on as one piece for each read", () => {
    const chunks: number[] = [];
    const taker = { isOpen: true, take: ({ length }: Buffer) => void chunks.push(length) };
    new ReceivedBody("chunked").read(Buffer.from("1\r\n.\r\n".repeat(40)), taker);
    assert.deepEqual(chunks, [40]);
  });
});
