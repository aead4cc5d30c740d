import assert from "node:assert/strict";
import { once } from "node:events";
import type { IncomingMessage, RequestListener } from "node:http";
import { buffer } from "node:stream/consumers";
import { describe, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import * as fc from "fast-check";
import { Client } from "./client.ts";
import { request, roundTrip, startEdge, waitingOrigin } from "./support.ts";

const MIB = 1024 * 1024;

/** Answers with what it was sent. */
const echo: RequestListener = (incoming, response) => {
  response.setHeader("x-length", String(incoming.headers["content-length"]));
  response.setHeader("x-coding", String(incoming.headers["transfer-encoding"]));
  const parts: Buffer[] = [];
  incoming.on("data", (part: Buffer) => void parts.push(part));
  incoming.on("end", () => response.end(Buffer.concat(parts)));
};

function pattern(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i += 1) bytes[i] = (i * 7) % 251;
  return bytes;
}

function chunked(content: Buffer, chunkBytes: number): Buffer {
  const parts: (Buffer | string)[] = [];
  for (let at = 0; at < content.length; at += chunkBytes) {
    const chunk = content.subarray(at, at + chunkBytes);
    parts.push(`${chunk.length.toString(16)}\r\n`, chunk, "\r\n");
  }
  return Buffer.concat([...parts, "0\r\n\r\n"].map((part) => Buffer.from(part)));
}

async function firstOf(incoming: IncomingMessage): Promise<void> {
  while (incoming.read() === null) await once(incoming, "readable");
}

async function endOf(incoming: IncomingMessage): Promise<"whole" | "cut"> {
  return await buffer(incoming).then(
    () => "whole",
    () => "cut",
  );
}

describe("request content arrives octet for octet", () => {
  for (const length of [1, 1_000, 70_000, 3 * MIB]) {
    test(`by Content-Length, ${length} octets`, async () => {
      const content = pattern(length);
      await using edge = await startEdge(echo, { proxy: {} });
      using client = new Client(edge.port);
      client.send(request("PUT", "/a", `content-length: ${length}`));
      client.send(content);
      const response = await client.receive();
      assert.equal(response.fields.get("x-length"), String(length));
      assert(response.body.equals(content));
    });

    test(`in chunks, ${length} octets`, async () => {
      const content = pattern(length);
      await using edge = await startEdge(echo, { proxy: {} });
      using client = new Client(edge.port);
      for (const chunkBytes of [1 + Math.floor(length / 1_000), 40_000]) {
        client.send(request("POST", "/a", "transfer-encoding: chunked"));
        client.send(chunked(content, chunkBytes));
        const response = await client.receive();
        assert.equal(response.fields.get("x-coding"), "chunked");
        assert(response.body.equals(content));
      }
    });
  }

  test("of any length and cut, one request after another on one connection", async () => {
    await using edge = await startEdge(echo, { proxy: {} });
    using client = new Client(edge.port);
    const content = fc.record({
      length: fc.nat(3_000),
      chunkBytes: fc.option(fc.integer({ min: 1, max: 900 })),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(content, { minLength: 1, maxLength: 8 }),
        fc.nat(),
        async (contents, cut) => {
          const sent = contents.map(({ length, chunkBytes }) => {
            const octets = pattern(length);
            return chunkBytes === null
              ? Buffer.concat([
                  Buffer.from(request("POST", "/a", `content-length: ${length}`)),
                  octets,
                ])
              : Buffer.concat([
                  Buffer.from(request("POST", "/a", "transfer-encoding: chunked")),
                  chunked(octets, chunkBytes),
                ]);
          });
          const all = Buffer.concat(sent);
          client.send(all.subarray(0, cut % all.length));
          await setImmediate();
          client.send(all.subarray(cut % all.length));
          for (const { length } of contents) {
            assert((await client.receive()).body.equals(pattern(length)));
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  test("of GET and DELETE too, past the cache", async () => {
    await using edge = await startEdge(echo, { proxy: { ttl: 60 } });
    using client = new Client(edge.port);
    for (const [method, text] of [
      ["GET", "one"],
      ["GET", "two"],
      ["DELETE", "three"],
    ] as const) {
      client.send(`${request(method, "/a", `content-length: ${text.length}`)}${text}`);
      const response = await client.receive();
      assert.equal(response.body.toString(), text);
      assert.equal(response.fields.get("x-cache"), "BYPASS");
    }
  });
});

describe("a client that expects to be told to continue", () => {
  test("is, and the origin is not asked that", async () => {
    await using edge = await startEdge(echo, { proxy: {} });
    using client = new Client(edge.port);
    client.send(request("POST", "/a", "content-length: 3", "expect: 100-continue"));
    assert.equal((await client.receive()).status, 100);
    client.send("abc");
    assert.equal((await client.receive()).body.toString(), "abc");
  });
});

describe("an origin that answers before it has all of the content", () => {
  test("is believed, and the connection closed", async () => {
    const origin = waitingOrigin();
    await using edge = await startEdge(origin.answer, { proxy: {} });
    using client = new Client(edge.port);
    client.send(request("POST", "/a", `content-length: ${MIB}`));
    client.send(pattern(1_000));
    const { response } = await origin.next();
    response.writeHead(413, { "content-length": 200_000 }).end(pattern(200_000));
    const received = await client.receive();
    assert.equal(received.status, 413);
    assert(received.body.equals(pattern(200_000)));
    assert.equal(received.fields.get("connection"), "close");
    client.send(pattern(1_000));
    assert(await client.ended());
  });

  test("still gets the rest of it while it answers", async () => {
    const origin = waitingOrigin();
    await using edge = await startEdge(origin.answer, { proxy: {} });
    using client = new Client(edge.port);
    client.send(`${request("POST", "/a", "transfer-encoding: chunked")}3\r\nabc\r\n`);
    const { incoming, response } = await origin.next();
    response.writeHead(200);
    response.write("begun ");
    await once(client.socket, "readable");
    client.send("3\r\ndef\r\n0\r\n\r\n");
    response.end(await buffer(incoming));
    const received = await client.receive();
    assert.equal(received.body.toString(), "begun abcdef");
    assert(received.whole);
  });
});

describe("content that breaks off", () => {
  const ends: readonly (readonly [how: string, end: (client: Client) => void, status: number])[] = [
    ["because the client resets", (client) => client.socket.resetAndDestroy(), 0],
    ["because the client ends its side", (client) => client.end(), 400],
    ["by a malformed chunk", (client) => client.send("zz\r\n"), 400],
  ];
  for (const [how, end, status] of ends) {
    test(`${how} is not taken for the whole by the origin`, async () => {
      const origin = waitingOrigin();
      await using edge = await startEdge(origin.answer, { proxy: {} });
      using client = new Client(edge.port);
      client.send(`${request("POST", "/a", "transfer-encoding: chunked")}3\r\nabc\r\n`);
      const { incoming } = await origin.next();
      await firstOf(incoming);
      end(client);
      assert.equal(await endOf(incoming), "cut");
      if (status > 0) assert.equal((await client.receive()).status, status);
      assert.deepEqual(edge.errors, []);
      assert.equal(edge.budget.used, 0);
    });
  }

  test("while it is answered is not taken for the whole either", async () => {
    const origin = waitingOrigin();
    await using edge = await startEdge(origin.answer, { proxy: {} });
    using client = new Client(edge.port);
    client.send(`${request("POST", "/a", "transfer-encoding: chunked")}3\r\nabc\r\n`);
    const { incoming, response } = await origin.next();
    response.writeHead(200).write("begun");
    await once(client.socket, "readable");
    client.send("zz\r\n");
    assert.equal(await endOf(incoming), "cut");
    assert.equal((await client.receive()).whole, false);
  });

  test("is a 408 when it comes too slowly, and the origin's request ends", async () => {
    const origin = waitingOrigin();
    await using edge = await startEdge(origin.answer, { proxy: {} });
    using client = new Client(edge.port);
    client.send(`${request("POST", "/a", "content-length: 9")}x`);
    const { incoming } = await origin.next();
    for (const seconds of [20, 9]) {
      client.send("x");
      await roundTrip(edge);
      edge.clock.advance(seconds * 1_000);
      edge.sweep();
    }
    assert.equal(incoming.destroyed, false);
    edge.clock.advance(1_000);
    edge.sweep();
    assert.equal((await client.receive()).status, 408);
    assert(await client.ended());
    assert.equal(await endOf(incoming), "cut");
  });

  test("is not too slow while the origin is what takes its time", async () => {
    const origin = waitingOrigin();
    await using edge = await startEdge(origin.answer, { proxy: {} });
    using client = new Client(edge.port);
    const content = pattern(8 * MIB);
    client.send(request("POST", "/a", `content-length: ${content.length}`));
    client.send(content);
    const { incoming, response } = await origin.next();
    for (let i = 0; i < 5; i += 1) {
      for (let turn = 0; turn < 20; turn += 1) await setImmediate();
      await roundTrip(edge);
      edge.clock.advance(29_000);
      edge.sweep();
    }
    response.end((await buffer(incoming)).equals(content) ? "same" : "other");
    assert.equal((await client.receive()).body.toString(), "same");
  });
});
