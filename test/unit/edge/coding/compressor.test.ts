import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { describe, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from "node:zlib";
import * as fc from "fast-check";
import { CODINGS, compressed } from "#edge/coding/compressor.ts";

const DECODERS = { br: brotliDecompressSync, gzip: gunzipSync, zstd: zstdDecompressSync };
const NEVER = new AbortController().signal;

async function* chunksOf(content: Buffer, sizeBytes: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < content.length; at += sizeBytes) yield content.subarray(at, at + sizeBytes);
}

/** Text that takes work, and does not shrink to nothing. */
function words(sizeBytes: number): Buffer {
  let text = "";
  for (let i = 1; text.length < sizeBytes; i = (i * 48_271) % 2_147_483_647)
    text += `${i % 9_999} `;
  return Buffer.from(text.slice(0, sizeBytes));
}

for (const coding of CODINGS) {
  const of = (sizeBytes: number) => ({ coding, sizeBytes });

  describe(`content in ${coding}`, () => {
    test("is what it was, decoded, in whatever chunks it comes", async () => {
      const content = fc.uint8Array({ maxLength: 5_000 });
      await fc.assert(
        fc.asyncProperty(content, fc.integer({ min: 1, max: 2_000 }), async (octets, size) => {
          const source = chunksOf(Buffer.from(octets), size);
          const coded = await Array.fromAsync(compressed(source, of(octets.length), NEVER));
          assert.deepEqual(DECODERS[coding](Buffer.concat(coded)), Buffer.from(octets));
        }),
        { numRuns: 30 },
      );
    });

    test("is smaller, a megabyte long, and comes in pieces", async () => {
      const content = words(1024 * 1024);
      const source = chunksOf(content, 64 * 1024);
      const coded = await Array.fromAsync(compressed(source, of(content.length), NEVER));
      assert(coded.length > 1);
      const whole = Buffer.concat(coded);
      assert(whole.length < content.length * 0.7);
      assert.deepEqual(DECODERS[coding](whole), content);
    });

    test("is made while the loop does other things", async () => {
      const content = words(4 * 1024 * 1024);
      let turns = 0;
      const turning = setInterval(() => (turns += 1), 1);
      const source = chunksOf(content, content.length);
      await Array.fromAsync(compressed(source, of(content.length), NEVER));
      clearInterval(turning);
      assert(turns >= 3, `${turns} turns`);
    });

    test("is read from its source no faster than it is taken", async () => {
      // What cannot be made smaller: the two can be compared octet by octet.
      const content = randomBytes(8 * 1024 * 1024);
      let ahead = 0;
      async function* counted(): AsyncGenerator<Buffer> {
        for await (const chunk of chunksOf(content, 16 * 1024)) {
          ahead += chunk.length;
          yield chunk;
        }
      }
      let furthest = 0;
      for await (const chunk of compressed(counted(), of(content.length), NEVER)) {
        ahead -= chunk.length;
        for (let turn = 0; turn < 50; turn += 1) await setImmediate();
        furthest = Math.max(furthest, ahead);
      }
      assert(furthest < content.length / 2, `${furthest} octets ahead`);
    });

    test("breaks off as its source does", async () => {
      async function* broken(): AsyncGenerator<Buffer> {
        yield words(100_000);
        throw new Error("connection reset");
      }
      const reading = Array.fromAsync(compressed(broken(), of(200_000), NEVER));
      await assert.rejects(reading, /connection reset/);
    });

    test("breaks off when it is aborted, even while its source is silent", async () => {
      const controller = new AbortController();
      async function* silent(): AsyncGenerator<Buffer> {
        yield words(1_000);
        controller.abort(new Error("reader left"));
        await once(new EventTarget(), "never");
      }
      const reading = Array.fromAsync(compressed(silent(), of(2_000), controller.signal));
      await assert.rejects(reading, ({ name, cause }: Error) => {
        return name === "AbortError" && cause === controller.signal.reason;
      });
    });

    test("never begins when it was aborted before", async () => {
      const reading = Array.fromAsync(
        compressed(chunksOf(words(1_000), 100), of(1_000), AbortSignal.abort()),
      );
      await assert.rejects(reading, { name: "AbortError" });
    });

    test("lets its source go when nobody reads on", async () => {
      const { promise: closed, resolve } = Promise.withResolvers<void>();
      const content = words(8 * 1024 * 1024);
      async function* source(): AsyncGenerator<Buffer> {
        try {
          yield* chunksOf(content, 16 * 1024);
        } finally {
          resolve();
        }
      }
      for await (const chunk of compressed(source(), of(content.length), NEVER)) {
        assert(chunk.length > 0);
        break;
      }
      await closed;
    });

    test("fails nobody when nobody reads it at all", async () => {
      const { promise: failed, resolve } = Promise.withResolvers<void>();
      async function* broken(): AsyncGenerator<Buffer> {
        yield words(5);
        resolve();
        throw new Error("connection reset");
      }
      compressed(broken(), of(10), NEVER);
      await failed;
      // An unhandled error would end the process in this turn.
      await setImmediate();
    });
  });
}
