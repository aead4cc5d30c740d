import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { describe, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { ORIGIN_BODY_PACE_MS } from "#edge/limits.ts";
import type { OriginResponse } from "#edge/origin/origin.ts";
import { type OriginUnderTest, ok, readBody, startOrigin } from "./support.ts";

const LONG = "0123456789abcdef".repeat(1024 * 1024);

async function respond(origin: OriginUnderTest): Promise<OriginResponse> {
  const response = await origin.fetch();
  assert(response.kind === "response");
  return response;
}

/** Takes one chunk at a time, and the next one only after `between`. */
async function readSlowly(response: OriginResponse, between: () => Promise<void>): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const chunks: Buffer[] = [];
  let isTaking = false;
  const takeAgain = async (): Promise<void> => {
    await between();
    isTaking = false;
    response.body.resume();
  };
  response.body.read({
    chunk: (chunk) => {
      assert.equal(isTaking, false, "it had not asked for more");
      isTaking = true;
      chunks.push(Buffer.from(chunk));
      void takeAgain();
      return false;
    },
    end: () => resolve(Buffer.concat(chunks).toString("latin1")),
    fail: () => resolve("(broken off)"),
  });
  return await promise;
}

describe("a body", () => {
  test("comes whole to a reader that takes one chunk at a time", async () => {
    await using origin = await startOrigin((socket) => void socket.end(ok(LONG)));
    const text = await readSlowly(await respond(origin), () => setImmediate());
    assert(text === LONG, `${text.length} octets came`);
  });

  test("comes whole to a reader who comes late", async () => {
    await using origin = await startOrigin((socket) => void socket.end(ok("0123456789")));
    const response = await respond(origin);
    for (let turn = 0; turn < 5; turn += 1) await setImmediate();
    assert.deepEqual(await readBody(response), { text: "0123456789", isWhole: true, trailers: [] });
  });

  test("without a length comes whole to a slow reader, though its connection has ended", async () => {
    await using origin = await startOrigin((socket) => {
      socket.end(`HTTP/1.1 200 OK\r\n\r\n${LONG}`);
    });
    const text = await readSlowly(await respond(origin), () => setImmediate());
    assert(text === LONG, `${text.length} octets came`);
  });

  test("is left with the origin while nobody reads it", async () => {
    let peer: Socket | undefined;
    await using origin = await startOrigin((socket) => {
      peer = socket;
      socket.write(ok(LONG));
    });
    const response = await respond(origin);
    for (let turn = 0; turn < 50; turn += 1) await setImmediate();
    assert(peer !== undefined);
    assert(peer.writableLength > 0, "all of it was read");
    assert.equal((await readBody(response)).text.length, LONG.length);
  });

  test("is not slow for the time in which its reader is", async () => {
    let peer: Socket | undefined;
    await using origin = await startOrigin(
      (socket) => {
        peer = socket;
        socket.write("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n0");
      },
      { role: "space" },
    );
    const text = await readSlowly(await respond(origin), async () => {
      origin.clock.advance(ORIGIN_BODY_PACE_MS);
      peer?.write("x");
      await setImmediate();
    });
    assert.equal(text, "0xx");
  });

  test("that brings more than its Content-Range says is broken off when it does", async () => {
    let peer: Socket | undefined;
    await using origin = await startOrigin((socket) => {
      peer = socket;
      socket.write("HTTP/1.1 206 R\r\ncontent-range: bytes 0-4/10\r\n\r\n012");
    });
    const response = await origin.fetch({ fields: ["range", "bytes=0-4"] });
    assert(response.kind === "response");
    const body = readBody(response);
    peer?.write("345");
    assert.equal((await body).isWhole, false);
    assert.equal((await body).text, "012");
  });

  test("that nobody wants costs its connection if it is long", async () => {
    const { promise: closed, resolve } = Promise.withResolvers<unknown>();
    await using origin = await startOrigin((socket) => {
      socket.on("close", resolve);
      socket.write(ok(LONG));
    });
    (await respond(origin)).discard();
    await closed;
    assert.deepEqual(origin.brokenOff, []);
  });
});

describe("a client who leaves", () => {
  test("before there is a connection has asked the origin nothing", async () => {
    const leave = new AbortController();
    await using origin = await startOrigin((socket) => void socket.write(ok("ok")));
    const fetch = origin.fetch({}, leave.signal);
    await Promise.resolve();
    leave.abort();
    const failure = await fetch;
    assert(failure.kind === "failed");
    assert.equal(failure.detail, "client-left");
    assert.deepEqual(origin.requests, []);
  });

  test("before there is an answer ends the request, and the origin sees it", async () => {
    const leave = new AbortController();
    const { promise: closed, resolve } = Promise.withResolvers<unknown>();
    await using origin = await startOrigin((socket) => {
      socket.on("close", resolve);
      leave.abort();
    });
    const failure = await origin.fetch({}, leave.signal);
    assert(failure.kind === "failed");
    assert.equal(failure.detail, "client-left");
    await closed;
  });
});
