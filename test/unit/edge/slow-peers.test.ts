import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { memoryUsage } from "node:process";
import { describe, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { CONTENT_BYTES_MAX } from "#edge/limits.ts";
import { Client } from "./client.ts";
import { type EdgeUnderTest, request, roundTrip, startEdge, waitingOrigin } from "./support.ts";

const MIB = 1024 * 1024;

function pattern(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i += 4_096) bytes.writeUInt32LE(i, i);
  return bytes;
}

/** Sends until what is sent is not taken any more, and answers how much was. */
async function sendUntilHeld(edge: EdgeUnderTest, client: Client, piece: Buffer): Promise<number> {
  let sent = 0;
  while (client.socket.writableLength < 8 * MIB) {
    assert(sent < 500 * MIB, "all is taken");
    client.socket.write(piece);
    sent += piece.length;
    await roundTrip(edge);
  }
  return sent;
}

/** Has it stored, and reads it to its end. */
async function drained(edge: EdgeUnderTest, target: string): Promise<void> {
  const socket = connect({ port: edge.port, host: "127.0.0.1" }).resume();
  socket.write(request("GET", target, "connection: close"));
  await once(socket, "close");
}

/** A client that reads nothing from the first octet of its answer on. */
async function stalled(edge: EdgeUnderTest, target: string): Promise<Socket> {
  const socket = connect({ port: edge.port, host: "127.0.0.1" });
  socket.on("error", () => undefined);
  socket.write(request("GET", target));
  await once(socket, "readable");
  return socket;
}

describe("what waits for a slow side is bounded:", () => {
  test("content for an origin that reads nothing", async () => {
    const origin = waitingOrigin();
    await using edge = await startEdge(origin.answer, { proxy: {} });
    using client = new Client(edge.port);
    const before = memoryUsage().arrayBuffers;
    client.send(request("POST", "/a", `content-length: ${1_000 * MIB}`));
    const sent = await sendUntilHeld(edge, client, pattern(MIB));
    // Kernels hold a few MiB on each of two connections.
    assert(sent < 64 * MIB, `${sent / MIB} MiB were taken`);
    const held = memoryUsage().arrayBuffers - before;
    assert(held < 9 * MIB + 4 * CONTENT_BYTES_MAX, `${held} bytes`);
  });

  test("content in chunks of one octet, whatever each costs to hold", async () => {
    const origin = waitingOrigin();
    await using edge = await startEdge(origin.answer, { proxy: {} });
    using client = new Client(edge.port);
    client.send(request("POST", "/a", "transfer-encoding: chunked"));
    const sent = await sendUntilHeld(edge, client, Buffer.from("1\r\nx\r\n".repeat(100_000)));
    assert(sent < 128 * MIB, `${sent / MIB} MiB were taken`);
  });

  test("requests that come while one is answered", async () => {
    const origin = waitingOrigin();
    await using edge = await startEdge(origin.answer);
    using client = new Client(edge.port);
    client.send(request("GET", "/a"));
    await origin.next();
    await sendUntilHeld(edge, client, Buffer.from(request("GET", "/b").repeat(5_000)));
  });
});

describe("a reader of what is stored", () => {
  test("that takes nothing for a minute is cut", async () => {
    // More than the kernel takes for it.
    const object = pattern(16 * MIB);
    await using edge = await startEdge((_incoming, response) => void response.end(object));
    await drained(edge, "/a");
    const slow = await stalled(edge, "/a");
    for (let turn = 0; turn < 100; turn += 1) await setImmediate();
    edge.sweep();
    edge.clock.advance(59_000);
    edge.sweep();
    await roundTrip(edge);
    assert(edge.endings.every(({ whole }) => whole));
    edge.clock.advance(1_000);
    edge.sweep();
    slow.resume();
    await once(slow, "close");
    assert(slow.bytesRead < object.length);
    assert.equal(edge.endings.at(-1)?.whole, false);
  });

  test("that takes a little now and then gets all of it", async () => {
    const object = pattern(48 * MIB);
    await using edge = await startEdge((_incoming, response) => void response.end(object));
    await drained(edge, "/a");
    const slow = await stalled(edge, "/a");
    const received: Buffer[] = [];
    for (let minutes = 0; minutes < 8; minutes += 1) {
      // The kernel asks for more when a third of its buffer is free: 4 MiB, on so fast a line.
      for (let bytes = 0; bytes < 4 * MIB; ) {
        const part = slow.read() as Buffer | null;
        if (part === null) await once(slow, "readable");
        else received.push(part);
        bytes += part?.length ?? 0;
      }
      await roundTrip(edge);
      edge.clock.advance(55_000);
      edge.sweep();
    }
    slow.end();
    for await (const part of slow as AsyncIterable<Buffer>) received.push(part);
    const all = Buffer.concat(received);
    assert(all.subarray(all.indexOf("\r\n\r\n") + 4).equals(object));
  });

  test("holds nobody's memory when it is gone", async () => {
    const object = pattern(2 * MIB);
    await using edge = await startEdge((_incoming, response) => void response.end(object));
    await drained(edge, "/a");
    const { used } = edge.budget;
    const readers = await Promise.all(Array.from({ length: 50 }, () => stalled(edge, "/a")));
    for (const reader of readers) reader.resetAndDestroy();
    while (edge.connections.size > 0) await setImmediate();
    assert.equal(edge.budget.used, used);
    assert.equal(edge.budget.heldFor("store"), used);
  });
});

describe("after a refusal", () => {
  test("a peer that sends on is read for a while, so that it gets the answer, and then cut", async () => {
    await using edge = await startEdge((_incoming, response) => void response.end());
    using client = new Client(edge.port);
    client.send("nonsense\r\n\r\n");
    for (let i = 0; i < 20; i += 1) {
      client.send(Buffer.alloc(100_000));
      await roundTrip(edge);
    }
    assert.equal((await client.receive()).status, 400);
    assert(await client.ended());
    for (let turn = 0; turn < 100; turn += 1) await setImmediate();
    assert.equal(edge.connections.size, 1);
    edge.clock.advance(2_000);
    edge.sweep();
    while (edge.connections.size > 0) await setImmediate();
  });
});
