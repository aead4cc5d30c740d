import assert from "node:assert/strict";
import { once } from "node:events";
import type { RequestListener, ServerResponse } from "node:http";
import { connect } from "node:net";
import { describe, test } from "node:test";
import { Client } from "./client.ts";
import { fetchOnce, host, request, startEdge } from "./support.ts";

const MIB = 1024 * 1024;

/** An origin whose responses the test writes itself. */
function manualOrigin(): {
  answer: RequestListener;
  next(): Promise<ServerResponse>;
  fetches: number;
} {
  const waiting: ServerResponse[] = [];
  let arrived: (() => void) | undefined;
  const state = {
    fetches: 0,
    answer: ((_incoming, response) => {
      state.fetches += 1;
      waiting.push(response);
      arrived?.();
    }) satisfies RequestListener,
    next: async () => {
      while (waiting.length === 0) {
        await new Promise<void>((resolve) => {
          arrived = resolve;
        });
      }
      return waiting.shift() as ServerResponse;
    },
  };
  return state;
}

function pattern(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i += 4_096) bytes.writeUInt32LE(i, i);
  return bytes;
}

/** Reads one response with Content-Length and compares it as it comes; nothing is collected. */
async function verify(port: number, target: string, expected: Buffer): Promise<boolean> {
  const socket = connect({ port, host: "127.0.0.1" });
  socket.write(request("GET", target, "connection: close"));
  let head = Buffer.alloc(0);
  let position = -1;
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    let rest = chunk;
    if (position < 0) {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf("\r\n\r\n");
      if (end < 0) continue;
      rest = head.subarray(end + 4);
      position = 0;
    }
    if (expected.compare(rest, 0, rest.length, position, position + rest.length) !== 0)
      return false;
    position += rest.length;
  }
  return position === expected.length;
}

describe("a fill", () => {
  test("is one fetch for 200 clients that ask at once, each of whom gets all", async () => {
    const object = pattern(4 * MIB);
    let fetches = 0;
    await using edge = await startEdge((_incoming, response) => {
      fetches += 1;
      response.end(object);
    });
    const clients = Array.from({ length: 200 }, () => verify(edge.port, "/big", object));
    const verified = await Promise.all(clients);
    assert(verified.every(Boolean));
    assert.equal(fetches, 1);
    assert(edge.budget.used < 5 * MIB);
  });

  test("reaches those who wait as it grows", async () => {
    const origin = manualOrigin();
    await using edge = await startEdge(origin.answer);
    using first = new Client(edge.port);
    using second = new Client(edge.port);
    first.send(request("GET", "/a", "range: bytes=2-3"));
    second.send(request("GET", "/a", "range: bytes=6-7"));
    const response = await origin.next();
    response.writeHead(200, { "content-length": 8 });
    response.write("0123");
    assert.equal((await first.receive()).body.toString(), "23");
    response.end("4567");
    assert.equal((await second.receive()).body.toString(), "67");
    assert.equal(origin.fetches, 1);
  });

  test("frames what has no length in chunks, or by the end for HTTP/1.0", async () => {
    const origin = manualOrigin();
    await using edge = await startEdge(origin.answer);
    using modern = new Client(edge.port);
    using old = new Client(edge.port);
    modern.send(request("GET", "/a"));
    const response = await origin.next();
    old.send(`GET /a HTTP/1.0\r\nhost: ${host}\r\nconnection: keep-alive\r\n\r\n`);
    response.write("0123");
    response.end("4567");
    const chunked = await modern.receive();
    assert.equal(chunked.fields.get("transfer-encoding"), "chunked");
    assert.equal(chunked.body.toString(), "01234567");
    const closed = await old.receive();
    assert.equal(closed.fields.get("connection"), "close");
    assert.equal(closed.body.toString(), "01234567");
    const hit = await fetchOnce(edge, "/a");
    assert.equal(hit.fields.get("content-length"), "8");
    assert.equal(hit.fields.get("x-cache"), "HIT");
  });

  test("is stored though its first client left, and serves the others", async () => {
    const origin = manualOrigin();
    await using edge = await startEdge(origin.answer);
    const first = new Client(edge.port);
    using second = new Client(edge.port);
    first.send(request("GET", "/a"));
    const response = await origin.next();
    second.send(request("GET", "/a"));
    response.writeHead(200, { "content-length": 8 });
    response.write("0123");
    await once(first.socket, "readable");
    first.socket.destroy();
    await once(first.socket, "close");
    response.end("4567");
    assert.equal((await second.receive()).body.toString(), "01234567");
    assert.equal((await fetchOnce(edge, "/a")).fields.get("x-cache"), "HIT");
    assert.equal(origin.fetches, 1);
  });

  test("that began before a purge is neither stored nor joined after it", async () => {
    const origin = manualOrigin();
    await using edge = await startEdge(origin.answer);
    using early = new Client(edge.port);
    using late = new Client(edge.port);
    early.send(request("GET", "/a"));
    const old = await origin.next();
    edge.purge("/a");
    late.send(request("GET", "/a"));
    const fresh = await origin.next();
    fresh.end("new");
    assert.equal((await late.receive()).body.toString(), "new");
    old.end("old");
    assert.equal((await early.receive()).body.toString(), "old");
    const hit = await fetchOnce(edge, "/a");
    assert.equal(hit.fields.get("x-cache"), "HIT");
    assert.equal(hit.body.toString(), "new");
  });

  test("never brings old bytes to a request that comes after a purge", async () => {
    let version = 0;
    await using edge = await startEdge((_incoming, response) => {
      const begun = String(version);
      // Answers late, each a little differently, so that purges fall into every moment of a fill.
      setTimeout(() => response.end(begun), begun.length + (version % 4));
    });
    const ask = async (target: string, purgedAt: number): Promise<void> => {
      const { body } = await fetchOnce(edge, target);
      assert(Number(body.toString()) >= purgedAt, `${body.toString()} is older than ${purgedAt}`);
    };
    const asked: Promise<void>[] = [];
    for (let round = 1; round <= 60; round += 1) {
      for (let i = 0; i < 10; i += 1) asked.push(ask(`/${i}`, version));
      await ask("/0", version);
      version = round;
      edge.purge(
        round % 2 === 0 ? "/*" : "/other",
        ...Array.from({ length: 10 }, (_, i) => `/${i}`),
      );
    }
    await Promise.all(asked);
  });

  test("that breaks off is cut for its clients, and not stored", async () => {
    const origin = manualOrigin();
    await using edge = await startEdge(origin.answer);
    for (const headers of [{ "content-length": 8 }, {}]) {
      using client = new Client(edge.port);
      client.send(request("GET", "/a"));
      const response = await origin.next();
      response.writeHead(200, headers);
      response.write("0123");
      await once(client.socket, "readable");
      response.destroy();
      assert.equal((await client.receive()).whole, false);
    }
    // A round trip later, everything that the two left behind has been let go.
    assert.equal((await fetchOnce(edge, "/a", "cdn-loop: atoll")).status, 508);
    assert.equal(edge.store.size, 0);
    assert.equal(edge.budget.used, 0);
  });

  test("is read at a client's own pace: one that takes nothing holds up nobody", async () => {
    const object = pattern(16 * MIB);
    await using edge = await startEdge((_incoming, response) => void response.end(object));
    const slow = connect({ port: edge.port, host: "127.0.0.1" });
    slow.on("error", () => undefined);
    slow.write(request("GET", "/big"));
    assert(await verify(edge.port, "/big", object));
    assert(slow.bytesRead < object.length);
    // It takes nothing for a minute, and is cut.
    edge.sweep();
    edge.clock.advance(61_000);
    edge.sweep();
    slow.resume();
    await once(slow, "close");
    assert(slow.bytesRead < object.length);
  });

  test("that outgrows what may be stored is passed on whole, and not kept", async () => {
    const object = pattern(8 * MIB);
    await using edge = await startEdge(
      (_incoming, response) => {
        response.write(object.subarray(0, MIB));
        response.end(object.subarray(MIB));
      },
      { memoryBytesMax: 16 * MIB },
    );
    const [one, other] = await Promise.all([fetchOnce(edge, "/a"), fetchOnce(edge, "/a")]);
    assert(one?.body.equals(object));
    assert(other?.body.equals(object));
    assert.equal(edge.store.size, 0);
    assert.equal(edge.budget.used, 0);
  });

  test("that is too large by its length serves each client by a fetch of its own", async () => {
    const object = pattern(8 * MIB);
    const ranges: (string | undefined)[] = [];
    await using edge = await startEdge(
      (incoming, response) => {
        ranges.push(incoming.headers.range);
        const whole = incoming.headers.range === undefined;
        if (!whole) response.writeHead(206, { "content-range": `bytes 0-3/${object.length}` });
        response.end(whole ? object : object.subarray(0, 4));
      },
      { memoryBytesMax: 16 * MIB },
    );
    const [one, other] = await Promise.all([fetchOnce(edge, "/a"), fetchOnce(edge, "/a")]);
    assert(one?.body.equals(object));
    assert(other?.body.equals(object));
    assert.deepEqual(ranges, [undefined, undefined]);
    const part = await fetchOnce(edge, "/a", "range: bytes=0-3");
    assert.equal(part.status, 206);
    assert.deepEqual(ranges.slice(2), [undefined, "bytes=0-3"]);
    assert.equal(part.fields.get("cache-status"), "Atoll; fwd=uri-miss; detail=too-large");
  });

  test("that cannot be stored is held back while its client reads nothing, and ended when it leaves", async () => {
    const origin = manualOrigin();
    await using edge = await startEdge(origin.answer);
    const client = connect({ port: edge.port, host: "127.0.0.1" });
    client.pause();
    client.write(request("GET", "/a"));
    const response = await origin.next();
    response.writeHead(200, { "cache-control": "no-store" });
    for (let i = 0; i < 64; i += 1) {
      response.write(Buffer.alloc(MIB));
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert(response.writableLength > 0, "the origin was read without bound");
    client.destroy();
    await once(response, "close");
    assert.equal(response.writableFinished, false);
  });

  test("whose origin cannot be reached is a 502 for all who wait", async () => {
    await using edge = await startEdge((incoming) => void incoming.socket.resetAndDestroy());
    const responses = await Promise.all([fetchOnce(edge, "/a"), fetchOnce(edge, "/a")]);
    for (const response of responses) {
      assert.equal(response.status, 502);
      assert.equal(response.body.toString().split("\n").length, 2);
    }
  });

  test("is tried again once when the pooled connection turns out closed", async () => {
    let requests = 0;
    await using edge = await startEdge((incoming, response) => {
      requests += 1;
      if (requests === 2) incoming.socket.destroy();
      else response.end("ok");
    });
    await fetchOnce(edge, "/a");
    assert.equal((await fetchOnce(edge, "/b")).status, 200);
    assert.equal(requests, 3);
  });
});
