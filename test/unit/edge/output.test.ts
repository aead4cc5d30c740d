import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { Writable } from "node:stream";
import { describe, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import * as fc from "fast-check";
import { SLAB_BYTES, SPARE_SLABS_MAX } from "#edge/limits.ts";
import { Output } from "#edge/wire/output.ts";
import { Slabs } from "#edge/wire/slabs.ts";

/** A socket whose kernel looks at what it was given when it is done with it, and not before. */
class FakeSocket extends Writable {
  readonly received: Buffer[] = [];
  #stalled: boolean;
  #waiting: (() => void) | undefined;
  writes = 0;

  constructor(options: { readonly stalled: boolean }) {
    super({ highWaterMark: SLAB_BYTES });
    this.#stalled = options.stalled;
    this.on("error", () => undefined);
  }

  /** Takes what waits, and what will come from now on as it comes. */
  proceed(): void {
    this.#stalled = false;
    this.#waiting?.();
  }

  stall(): void {
    this.#stalled = true;
  }

  override _writev(parts: { chunk: Buffer }[], done: () => void): void {
    this.writes += 1;
    const take = (): void => {
      this.#waiting = undefined;
      for (const { chunk } of parts) this.received.push(Buffer.from(chunk));
      done();
    };
    if (this.#stalled) this.#waiting = take;
    else take();
  }

  override _destroy(_error: Error | null, done: () => void): void {
    this.#waiting = undefined;
    done();
  }
}

function outputTo(socket: FakeSocket, slabs: Slabs): Output {
  // Of a socket only its writing half is used.
  return new Output(socket as unknown as Socket, slabs);
}

/** Octets that tell from which output they came, and where in it they belong. */
function pattern(output: number, at: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i += 1) bytes[i] = ((at + i) * 7 + output * 85) % 251;
  return bytes;
}

const SIZES = fc.oneof(
  { weight: 4, arbitrary: fc.nat(300) },
  { weight: 2, arbitrary: fc.integer({ min: 10_000, max: 17_000 }) },
  { weight: 1, arbitrary: fc.constantFrom(SLAB_BYTES - 1, SLAB_BYTES, SLAB_BYTES + 1, 70_000) },
);

describe("what one connection writes", () => {
  test("arrives as it was added, whatever others write and however slow their sockets are", async () => {
    const step = fc.record({
      kind: fc.constantFrom(
        "text",
        "bytes",
        "reserve",
        "open",
        "flush",
        "flush",
        "stall",
        "proceed",
        "leave",
      ),
      which: fc.nat(3),
      size: SIZES,
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const slabs = new Slabs();
        const sides = [false, true, false, true].map((stalled) => {
          const socket = new FakeSocket({ stalled });
          return { socket, output: outputTo(socket, slabs), sent: [] as Buffer[], sentBytes: 0 };
        });
        for (const { kind, which, size } of steps) {
          const side = sides[which];
          assert(side !== undefined);
          const { socket, output } = side;
          const add = (bytes: Buffer): void => {
            side.sent.push(bytes);
            side.sentBytes += bytes.length;
          };
          const bytes = pattern(which, side.sentBytes, size);
          const act = {
            text: () => {
              add(bytes);
              output.text(bytes.toString("latin1"));
            },
            bytes: () => {
              add(Buffer.from(bytes));
              output.bytes(bytes);
            },
            reserve: () => {
              // More room is asked for than is used.
              const room = Math.min(size + 9, SLAB_BYTES);
              const used = bytes.subarray(0, Math.min(size, room));
              add(used);
              used.copy(output.reserve(room), output.at);
              output.advance(output.at + used.length);
            },
            open: () => {
              // What is read there may be less, or nothing.
              const room = output.open(Math.max(size, 1)).subarray(0, size);
              if (size % 5 === 0) return;
              const used = bytes.subarray(0, room.length);
              add(used);
              used.copy(room);
              output.bytes(room.subarray(0, used.length));
            },
            flush: () => output.flush(),
            stall: () => socket.stall(),
            proceed: () => socket.proceed(),
            leave: () => {
              // One client of four may leave, and what it had not taken is lost.
              if (which === 3) socket.destroy();
            },
          };
          act[kind]();
          if (size % 3 === 0) await setImmediate();
        }
        for (const { output, socket } of sides) {
          output.flush();
          socket.proceed();
        }
        await setImmediate();
        for (const { socket, sent } of sides) {
          const received = Buffer.concat(socket.received);
          const expected = Buffer.concat(sent);
          if (socket.destroyed) assert(received.equals(expected.subarray(0, received.length)));
          else assert(received.equals(expected));
        }
      }),
      { numRuns: 300 },
    );
  });

  test("leaves in one write, however many replies it is", () => {
    const socket = new FakeSocket({ stalled: false });
    const output = outputTo(socket, new Slabs());
    for (let i = 0; i < 20; i += 1) {
      output.text("head");
      output.bytes(Buffer.from("body"));
    }
    output.bytes(Buffer.alloc(100_000));
    output.text("head");
    assert.equal(socket.writes, 0);
    output.flush();
    assert.equal(socket.writes, 1);
    assert.equal(Buffer.concat(socket.received).length, 100_000 + 20 * 8 + 4);
  });
});

describe("the slabs of a worker", () => {
  test("are one, as long as each write is taken at once", async () => {
    const slabs = new Slabs();
    const first = slabs.withRoom(1);
    const outputs = [0, 1].map(() => outputTo(new FakeSocket({ stalled: false }), slabs));
    for (let i = 0; i < 1_000; i += 1) {
      for (const output of outputs) {
        output.text("x".repeat(1_000));
        output.flush();
      }
      await setImmediate();
    }
    assert.equal(slabs.withRoom(SLAB_BYTES), first);
  });

  test("are used again after a burst, as many as are kept for the next one, and no more", async () => {
    const slabs = new Slabs();
    const burst = async (): Promise<ReadonlySet<Buffer>> => {
      const used = new Set<Buffer>();
      const sockets = Array.from({ length: 3 * SPARE_SLABS_MAX }, () => {
        const socket = new FakeSocket({ stalled: true });
        const output = outputTo(socket, slabs);
        used.add(output.reserve(SLAB_BYTES));
        output.advance(output.at + SLAB_BYTES);
        output.flush();
        return socket;
      });
      for (const socket of sockets) socket.proceed();
      await setImmediate();
      return used;
    };
    const first = await burst();
    const second = await burst();
    assert.equal(first.size, 3 * SPARE_SLABS_MAX);
    const again = first.intersection(second).size;
    assert(again >= SPARE_SLABS_MAX, `${again} used again`);
    assert(again <= SPARE_SLABS_MAX + 1, `${again} kept`);
  });

  test("come back from a connection that was cut before all was taken", async () => {
    const server = createServer({ pauseOnConnect: true }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    assert(address !== null && typeof address === "object");
    const socket = connect(address.port, "127.0.0.1");
    socket.on("error", () => undefined);
    await once(socket, "connect");
    const slabs = new Slabs();
    const slab = slabs.withRoom(1);
    const output = new Output(socket, slabs);
    // Far more than the kernel takes for a peer that does not read.
    for (let i = 0; i < 64; i += 1) output.bytes(Buffer.alloc(1024 * 1024));
    for (let i = 0; i < 3; i += 1) {
      output.text("waits behind it");
      output.flush();
    }
    assert.equal(slab.pending, 3);
    socket.destroy();
    output.text("comes too late");
    output.flush();
    await once(socket, "close");
    await setImmediate();
    assert.equal(slab.pending, 0);
    assert.equal(slab.used, 0);
    server.close();
  });
});
