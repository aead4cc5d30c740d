import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { ContentIntake } from "#edge/wire/http1/content-intake.ts";

const KIB = 1024;
const NOBODY = { wanted: () => undefined, room: () => undefined };

function intakeOf(length: number | "unknown", events = NOBODY): ContentIntake {
  return new ContentIntake(length, 0, events);
}

describe("content that nobody has taken yet", () => {
  test("is full with 256 KiB of it, and has room again once some was taken", async () => {
    let rooms = 0;
    const intake = intakeOf(1_000 * KIB, { ...NOBODY, room: () => void (rooms += 1) });
    for (let i = 0; i < 4; i += 1) {
      assert.equal(intake.isFull, false);
      intake.take(Buffer.alloc(64 * KIB), 0);
    }
    assert(intake.isFull);
    const reader = intake.content[Symbol.asyncIterator]();
    await reader.next();
    assert(intake.isFull, "what its reader has in hand is still there");
    await reader.next();
    assert.equal(intake.isFull, false);
    assert.equal(rooms, 1);
  });

  test("is full with far less that came octet by octet: each costs what holds it", () => {
    const intake = intakeOf(1_000 * KIB);
    let octets = 0;
    for (; octets < 100_000 && !intake.isFull; octets += 1) intake.take(Buffer.alloc(1), 0);
    assert(octets < 1_000, `${octets} octets`);
  });

  test("is one piece where it came in one read, in whatever chunks", async () => {
    const intake = intakeOf("unknown");
    intake.take(Buffer.from("1\r\nx\r\n".repeat(10_000)), 0);
    const { value } = await intake.content[Symbol.asyncIterator]().next();
    assert.equal(value?.length, 10_000);
  });

  test("that was given up is dropped, and its end is still seen", async () => {
    for (const length of [9, "unknown"] as const) {
      const intake = intakeOf(length);
      const coded = length === 9 ? ["abc", "defghi"] : ["3\r\nabc\r\n", "6\r\ndefghi\r\n0\r\n\r\n"];
      const [first = "", second = ""] = coded;
      intake.take(Buffer.from(first), 0);
      const reader = intake.content[Symbol.asyncIterator]();
      await reader.next();
      await reader.return();
      assert.equal(intake.isWhole, false);
      assert.deepEqual(intake.take(Buffer.from(`${second}GET /`), 0), {
        kind: "end",
        at: second.length,
      });
      assert(intake.isWhole);
    }
  });
});

describe("a reader of content", () => {
  test("gets what was sent and no octet more, however it came", async () => {
    const pieces = fc.array(fc.uint8Array({ minLength: 1, maxLength: 50 }), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(pieces, fc.uint8Array({ maxLength: 9 }), async (sent, next) => {
        const whole = Buffer.concat(sent);
        const intake = intakeOf(whole.length);
        const read: Buffer[] = [];
        const reading = (async () => {
          for await (const chunk of intake.content) read.push(chunk);
        })();
        let end = 0;
        for (const [i, piece] of sent.entries()) {
          const input = Buffer.concat(i === sent.length - 1 ? [piece, next] : [piece]);
          const decoded = intake.take(input, 0);
          assert(decoded.kind !== "malformed");
          end = decoded.at;
          await Promise.resolve();
        }
        if (sent.length === 0) intake.take(Buffer.from(next), 0);
        else assert.equal(end, sent.at(-1)?.length);
        await reading;
        assert(Buffer.concat(read).equals(whole));
      }),
    );
  });
});
