import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { PassThrough } from "node:stream";
import { describe, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { manualClock } from "#clock.ts";
import { Body } from "#edge/cache/body.ts";
import type { BodyReader } from "#edge/cache/body-reader.ts";
import { MemoryBudget } from "#edge/cache/memory-budget.ts";
import { FieldSection } from "#edge/fields.ts";
import type { Reply } from "#edge/reply.ts";
import { ReplyWriter } from "#edge/wire/http1/reply-writer.ts";
import { Output } from "#edge/wire/output.ts";
import { Slabs } from "#edge/wire/slabs.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const CHUNK = Buffer.alloc(64 * KIB);

/** Writes as `pump` does, from an origin that is always ready. */
async function write(body: Body, sizeBytes: number): Promise<void> {
  for (let written = 0; written < sizeBytes; written += CHUNK.length) {
    body.append(CHUNK);
    await setImmediate();
    if (!body.retained) await body.room();
  }
  body.end("whole");
}

const FRAMED = { chunked: false, last: false, version: "HTTP/1.1" };

function writerTo(wire: PassThrough): ReplyWriter {
  // Of a socket only its writing half is used.
  const socket = wire as unknown as Socket;
  return new ReplyWriter(socket, new Output(socket, new Slabs()), {}, () => undefined);
}

function replyOf(content: BodyReader): Reply {
  const nothing = new FieldSection("");
  return {
    status: 200,
    section: nothing,
    own: nothing,
    requestId: "1",
    contentLength: undefined,
    content,
    cache: "MISS",
    live: undefined,
  };
}

/** A reply that is written to a peer who takes as much as it is let, while another reads it all. */
function sharedWindow(): {
  readonly writer: ReplyWriter;
  readonly clock: ReturnType<typeof manualClock>;
  readonly take: (chunks: number) => void;
} {
  const clock = manualClock(0);
  const body = new Body(new MemoryBudget(64 * MIB), "retained");
  const wire = new PassThrough({ highWaterMark: CHUNK.length });
  const writer = writerTo(wire);
  const fast = body.read();
  wire.on("drain", () => writer.pump());
  writer.write(replyOf(body.read()), FRAMED);
  body.stopRetaining();
  void write(body, 64 * MIB);
  const readAll = (): void => {
    while (Buffer.isBuffer(fast.read()));
  };
  fast.whenReadable(readAll);
  readAll();
  const handle = Object.assign(wire, { _handle: { bytesWritten: 0, writeQueueSize: 0 } })._handle;
  const take = (chunks: number): void => {
    handle.bytesWritten += (wire.read(chunks * CHUNK.length) as Buffer | null)?.length ?? 0;
  };
  return { writer, clock, take };
}

describe("a reader that takes nothing", () => {
  test("is given no more time because the origin goes on sending", () => {
    const clock = manualClock(0);
    const body = new Body(new MemoryBudget(64 * MIB), "retained");
    const wire = new PassThrough({ highWaterMark: CHUNK.length });
    const writer = writerTo(wire);
    writer.write(replyOf(body.read()), FRAMED);
    for (let chunks = 0; chunks < 4; chunks += 1) body.append(CHUNK);
    for (let seconds = 0; seconds < 60; seconds += 5) {
      assert.equal(writer.isTooSlow(clock.now()), false, `after ${seconds} s`);
      body.append(CHUNK);
      clock.advance(5_000);
    }
    assert.equal(writer.isTooSlow(clock.now()), true);
  });
});

describe("a reader that others wait for", () => {
  test("is too slow when it takes only drops, though it never stalls", async () => {
    const { writer, clock, take } = sharedWindow();
    const tooSlowAt: number[] = [];
    for (let second = 0; second <= 100; second += 10) {
      for (let turn = 0; turn < 20; turn += 1) await setImmediate();
      if (writer.isTooSlow(clock.now())) tooSlowAt.push(second);
      take(1);
      clock.advance(10_000);
    }
    assert.deepEqual(tooSlowAt, [60, 70, 80, 90, 100]);
  });

  test("is not too slow as long as it takes half a megabit a second", async () => {
    const { writer, clock, take } = sharedWindow();
    for (let second = 0; second <= 120; second += 1) {
      for (let turn = 0; turn < 20; turn += 1) await setImmediate();
      assert.equal(writer.isTooSlow(clock.now()), false, `after ${second} s`);
      take(2);
      clock.advance(1_000);
    }
  });
});
