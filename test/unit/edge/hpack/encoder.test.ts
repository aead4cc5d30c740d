import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { HpackDecoder } from "#edge/wire/hpack/decoder.ts";
import { HpackEncoder, literalBytesMax, OPENING_BYTES_MAX } from "#edge/wire/hpack/encoder.ts";
import { prepareFields } from "#edge/wire/hpack/prepared-fields.ts";
import { decode, decoderOf, LIMITS, linesOf, tableOf } from "./support.ts";

interface Section {
  readonly status: number;
  readonly fields: readonly string[];
  readonly own: readonly (readonly [name: string, value: string])[];
}

/** Encodes a section as the engine does; every bound that it relies on is checked on the way. */
function encode(encoder: HpackEncoder, { status, fields, own }: Section): Buffer {
  const out = Buffer.alloc(64 * 1_024);
  let at = encoder.status(status, out, encoder.begin(out, 0));
  assert(at <= OPENING_BYTES_MAX);
  const prepared = prepareFields(fields);
  const end = encoder.prepared(prepared, out, at);
  assert(end - at <= prepared.bytesMax);
  at = end;
  for (const [name, value] of own) {
    const next = encoder.literal(name, value, out, at);
    assert(next - at <= literalBytesMax(name, value));
    at = next;
  }
  return out.subarray(0, at);
}

function encodeFields(encoder: HpackEncoder, ...fields: string[]): Buffer {
  const out = Buffer.alloc(4_096);
  return out.subarray(0, encoder.prepared(prepareFields(fields), out, encoder.begin(out, 0)));
}

const VARY = ["vary", "accept-encoding"] as const;

describe("a response", () => {
  test("takes an octet for each field that repeats, once the table has it", () => {
    const encoder = new HpackEncoder(4_096);
    const decoder = decoderOf();
    const fields = [...VARY, "content-type", "text/css", "cache-control", "max-age=60"];
    const section = { status: 200, fields, own: [] };
    const lines = linesOf(decoder, encode(encoder, section));
    const again = encode(encoder, section);
    assert.equal(again.toString("hex"), "88c0bfbe");
    assert.deepEqual(linesOf(decoder, again), lines);
  });

  const statuses = [
    { status: 200, first: "88", again: "88" },
    { status: 304, first: "8b", again: "8b" },
    { status: 500, first: "8e", again: "8e" },
    { status: 302, first: "48826402", again: "be" },
    { status: 416, first: "4803343136", again: "be" },
  ];
  for (const { status, first, again } of statuses) {
    test(`§6.1: has status ${status} as ${first}, then ${again}`, () => {
      const encoder = new HpackEncoder(4_096);
      const out = Buffer.alloc(OPENING_BYTES_MAX);
      const end = encoder.status(status, out, 0);
      assert.equal(out.toString("hex", 0, end), first);
      assert.deepEqual(linesOf(decoderOf(), out.subarray(0, end)), [`:status: ${status}`]);
      assert.equal(out.toString("hex", 0, encoder.status(status, out, 0)), again);
    });
  }

  const literals = [
    { clause: "§6.2.2: a name of the static table", name: "age", value: "12", is: "0f06023132" },
    { clause: "§6.2.2: one of its first names", name: ":path", value: "/", is: "04012f" },
    { clause: "§6.2.2: a new name", name: "x-id", value: "1", is: "0004782d69640131" },
    { clause: "§7.1.3: set-cookie", name: "set-cookie", value: "a", is: "1f280161" },
    { clause: "§7.1.3: authorization", name: "authorization", value: "a", is: "1f080161" },
    { clause: "§7.1.3: cookie", name: "cookie", value: "a", is: "1f110161" },
    {
      clause: "§7.1.3: proxy-authenticate",
      name: "proxy-authenticate",
      value: "a",
      is: "1f210161",
    },
    {
      clause: "§7.1.3: any proxy field",
      name: "proxy-x",
      value: "a",
      is: "100770726f78792d780161",
    },
  ];
  for (const { clause, name, value, is } of literals) {
    test(`${clause} is a literal that no table keeps`, () => {
      const out = Buffer.alloc(literalBytesMax(name, value));
      assert.equal(
        out.toString("hex", 0, new HpackEncoder(4_096).literal(name, value, out, 0)),
        is,
      );
      const prepared = prepareFields([name, value]);
      assert.deepEqual(prepared.repeating, []);
      assert.equal(prepared.literals[0], out[0]);
    });
  }

  test("keeps the order of lines of one name, also where one is too long for the table", () => {
    const long = "v".repeat(600);
    const block = encodeFields(new HpackEncoder(4_096), "vary", "b", "vary", long, "vary", "a");
    assert.deepEqual(linesOf(decoderOf(), block), ["vary: b", `vary: ${long}`, "vary: a"]);
  });

  test("shares what repeats between the responses that have it", () => {
    const [one] = prepareFields(VARY).repeating;
    const [other] = prepareFields(["etag", "1", ...VARY]).repeating;
    assert.equal(one, other);
  });
});

describe("the encoder's table", () => {
  test("§4.4: evicts its oldest entries, and does not refer to them again", () => {
    const encoder = new HpackEncoder(4_096);
    const decoder = decoderOf();
    encoder.limitTable(100);
    for (const value of ["a", "b", "c", "a", "b", "b"]) {
      const block = encodeFields(encoder, "vary", value, "vary", value);
      assert.deepEqual(linesOf(decoder, block), [`vary: ${value}`, `vary: ${value}`]);
    }
    assert.deepEqual(tableOf(decoder), ["vary: b", "vary: a"]);
  });

  test("§4.4: is not emptied by an entry that is larger than itself", () => {
    const encoder = new HpackEncoder(4_096);
    const decoder = decoderOf();
    encoder.limitTable(60);
    linesOf(decoder, encodeFields(encoder, ...VARY));
    const block = encodeFields(encoder, "server", "v".repeat(40), "x-cache", "v".repeat(40));
    linesOf(decoder, block);
    assert.deepEqual(tableOf(decoder), ["vary: accept-encoding"]);
  });

  const updates = [
    { when: "the peer keeps to the usual size", own: 4_096, limits: [4_096], is: "" },
    { when: "the peer allows more than this side uses", own: 4_096, limits: [65_536], is: "" },
    { when: "the peer allows less", own: 4_096, limits: [256], is: "3fe101" },
    { when: "the peer allows none", own: 4_096, limits: [0], is: "20" },
    { when: "the peer allows less, then the same", own: 4_096, limits: [0, 4_096], is: "203fe11f" },
    { when: "the peer changes its mind", own: 4_096, limits: [256, 30, 256], is: "3e3fe101" },
    { when: "the peer allows more, and it is used", own: 8_192, limits: [8_192], is: "3fe13f" },
    { when: "this side uses less than is usual", own: 256, limits: [], is: "3fe101" },
  ];
  for (const { when, own, limits, is } of updates) {
    test(`§4.2: is announced as ${is || "nothing"} when ${when}, once`, () => {
      const encoder = new HpackEncoder(own);
      for (const limit of limits) encoder.limitTable(limit);
      const out = Buffer.alloc(OPENING_BYTES_MAX);
      assert.equal(out.toString("hex", 0, encoder.begin(out, 0)), is);
      assert.equal(encoder.begin(out, 0), 0);
    });
  }
});

const name = fc.constantFrom(
  "vary",
  "server",
  "content-type",
  "cache-control",
  "access-control-allow-origin",
  "x-cache",
  "etag",
  "set-cookie",
  "proxy-status",
  "x-anything",
);
const value = fc.oneof(
  fc.constantFrom("", "a", "b", "c"),
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString("latin1")),
  fc.nat(700).map((length) => "v".repeat(length)),
);
const section = fc.record({
  status: fc.constantFrom(200, 206, 301, 302, 304, 404, 416, 503, 999),
  fields: fc.array(fc.tuple(name, value), { maxLength: 12 }).map((fields) => fields.flat()),
  own: fc.array(fc.tuple(name, value), { maxLength: 3 }),
});
const limit = fc.constantFrom(0, 33, 50, 100, 256, 1_000, 4_096, 8_192, 65_536);

/** Lines by name: only those of one name have an order. */
function byName(fields: readonly string[]): Record<string, string[]> {
  const lines: Record<string, string[]> = {};
  for (let i = 0; i < fields.length; i += 2)
    (lines[fields[i] ?? ""] ??= []).push(fields[i + 1] ?? "");
  return lines;
}

test("what is encoded is decoded again, over any blocks and sizes of the table", () => {
  const steps = fc.array(fc.oneof({ weight: 4, arbitrary: section }, limit), { maxLength: 12 });
  fc.assert(
    fc.property(fc.constantFrom(0, 256, 4_096, 16_384), steps, (tableBytesMax, all) => {
      const encoder = new HpackEncoder(tableBytesMax);
      const decoder = new HpackDecoder({ ...LIMITS, tableBytesMax });
      for (const step of all) {
        if (typeof step === "number") {
          encoder.limitTable(step);
          continue;
        }
        const decoded = decode(decoder, encode(encoder, step));
        assert(decoded.kind === "fields", JSON.stringify(decoded));
        const sent = [":status", String(step.status), ...step.fields, ...step.own.flat()];
        assert.deepEqual(byName(decoded.fields), byName(sent));
      }
    }),
    { numRuns: 1_000 },
  );
});
