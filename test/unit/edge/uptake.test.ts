import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { describe, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { STALL_BYTES_MIN, WRITE_STALL_TIMEOUT_MS } from "#edge/limits.ts";
import { HoldUp } from "#edge/wire/hold-up.ts";
import { takenBytes, Uptake } from "#edge/wire/uptake.ts";

const MIB = 1024 * 1024;
const AT = 1_000_000;

/** Both ends of a connection, of which the far one reads nothing until it is told to. */
async function connected(): Promise<AsyncDisposable & { near: Socket; far: Socket }> {
  const server = createServer({ pauseOnConnect: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const near = connect({ port: (server.address() as AddressInfo).port, host: "127.0.0.1" });
  const [far] = (await once(server, "connection")) as [Socket];
  for (const socket of [near, far]) socket.on("error", () => undefined);
  return {
    near,
    far,
    [Symbol.asyncDispose]: async () => {
      near.destroy();
      far.destroy();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** Has the far end take some, and waits until the near one has got rid of as much again. */
async function take(near: Socket, far: Socket, bytes: number): Promise<void> {
  const before = takenBytes(near);
  while (takenBytes(near) - before < bytes) {
    far.read();
    await setImmediate();
  }
}

describe("what a peer takes", () => {
  test("counts before all of the write is taken that it belongs to", async () => {
    await using ends = await connected();
    const { near, far } = ends;
    near.write(Buffer.alloc(64 * MIB));
    for (let turn = 0; turn < 100; turn += 1) await setImmediate();
    const uptake = new Uptake(near);
    assert.equal(uptake.isTooSlow(AT), false);
    await take(near, far, STALL_BYTES_MIN);
    assert.equal(near.writableLength, 64 * MIB, "it is one write");
    assert.equal(uptake.isTooSlow(AT + WRITE_STALL_TIMEOUT_MS), false);
    assert.equal(uptake.isTooSlow(AT + 2 * WRITE_STALL_TIMEOUT_MS - 1), false);
    assert.equal(uptake.isTooSlow(AT + 2 * WRITE_STALL_TIMEOUT_MS), true);
  });

  test("is not asked for while nothing waits for it", async () => {
    await using ends = await connected();
    const uptake = new Uptake(ends.near);
    for (const minutes of [0, 1, 60]) assert.equal(uptake.isTooSlow(AT + minutes * 60_000), false);
  });
});

describe("a reader", () => {
  test("for whom others wait has to be faster, and only for as long as they wait", () => {
    const holdUp = new HoldUp();
    const reader = { holdsUpOthers: true, position: 0 };
    assert.equal(holdUp.isTooSlow(reader, AT), false);
    reader.position = MIB;
    assert.equal(holdUp.isTooSlow(reader, AT + WRITE_STALL_TIMEOUT_MS - 1), false);
    assert.equal(holdUp.isTooSlow(reader, AT + WRITE_STALL_TIMEOUT_MS), true);
    reader.holdsUpOthers = false;
    assert.equal(holdUp.isTooSlow(reader, AT + WRITE_STALL_TIMEOUT_MS), false);
    assert.equal(holdUp.isTooSlow(undefined, AT + 2 * WRITE_STALL_TIMEOUT_MS), false);
  });
});
