import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { describe, test } from "node:test";
import { Client, host, request, startEdge } from "./support.ts";

const ok = (_incoming: unknown, response: { end(text: string): void }): void => response.end("ok");

describe("a connection", () => {
  test("answers pipelined requests in their order, hits and misses alike", async () => {
    await using edge = await startEdge((incoming, response) => {
      // The first is answered last, if order were left to the origin.
      if (incoming.url?.endsWith("/0") === true) setImmediate(() => response.end(incoming.url));
      else response.end(incoming.url);
    });
    using client = new Client(edge.port);
    const targets = Array.from({ length: 200 }, (_, i) => `/${i % 10}`);
    client.send(targets.map((target) => request("GET", target)).join(""));
    for (const target of targets) {
      assert.equal((await client.receive()).body.toString(), `/static.nyc3${target}`);
    }
  });

  test("takes a request one octet at a time", async () => {
    await using edge = await startEdge(ok);
    using client = new Client(edge.port);
    client.socket.setNoDelay(true);
    for (const octet of request("GET", "/a")) {
      client.send(octet);
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.equal((await client.receive()).status, 200);
  });

  test("gives a head that trickles in line by line no more time than one that does not", async () => {
    await using edge = await startEdge(ok);
    using client = new Client(edge.port);
    client.send("GET / HTTP/1.1\r\n");
    for (let seconds = 0; seconds < 20; seconds += 5) {
      client.send(`x-${seconds}: a\r\n`);
      // The octets have arrived once another connection, made later, has been answered.
      using other = new Client(edge.port);
      other.send(request("GET", "/other"));
      await other.receive();
      edge.clock.advance(5_000);
      edge.listener.sweep();
    }
    assert.equal((await client.receive()).status, 408);
  });

  const refused = [
    ["a bare LF", `GET / HTTP/1.1\nhost: ${host}\n\n`, 400],
    ["two lengths", request("GET", "/", "content-length: 1", "transfer-encoding: chunked"), 400],
    ["content in a GET", `${request("GET", "/", "content-length: 5")}hello`, 400],
    [
      "chunked content in a GET",
      `${request("GET", "/", "transfer-encoding: chunked")}0\r\n\r\n`,
      400,
    ],
    ["a POST with content", `${request("POST", "/", "content-length: 5")}hello`, 405],
    ["HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505],
    ["CONNECT", "CONNECT a:443 HTTP/1.1\r\nhost: a:443\r\n\r\n", 501],
    ["a head that does not end", `GET / HTTP/1.1\r\na: ${"a".repeat(40_000)}`, 431],
  ] as const;
  for (const [what, text, status] of refused) {
    test(`answers ${status} to ${what}, closes, and answers nothing after it`, async () => {
      await using edge = await startEdge(ok);
      using client = new Client(edge.port);
      client.send(text + request("GET", "/smuggled"));
      const response = await client.receive();
      assert.equal(response.status, status);
      assert.equal(response.fields.get("connection"), "close");
      assert(response.fields.has("x-request-id"));
      assert(await client.ended());
      assert.equal(edge.store.size, 0);
    });
  }

  test("persists for HTTP/1.0 only if that is asked for", async () => {
    await using edge = await startEdge(ok);
    using client = new Client(edge.port);
    client.send(`GET / HTTP/1.0\r\nhost: ${host}\r\nconnection: keep-alive\r\n\r\n`);
    assert.equal((await client.receive()).fields.get("connection"), "keep-alive");
    client.send(`GET / HTTP/1.0\r\nhost: ${host}\r\n\r\n`);
    assert.equal((await client.receive()).fields.get("connection"), "close");
    assert(await client.ended());
  });

  test("answers a client that has ended its side", async () => {
    await using edge = await startEdge(ok);
    using client = new Client(edge.port);
    client.socket.end(request("GET", "/a"));
    assert.equal((await client.receive()).status, 200);
    assert(await client.ended());
  });

  test("is closed when nothing comes for too long", async () => {
    await using edge = await startEdge(ok);
    using client = new Client(edge.port);
    client.get("/a");
    await client.receive();
    edge.clock.advance(74_000);
    edge.listener.sweep();
    client.get("/a");
    assert.equal((await client.receive()).status, 200);
    edge.clock.advance(75_000);
    edge.listener.sweep();
    assert(await client.ended());
  });

  test("is told 408 when a head takes too long, however it trickles", async () => {
    await using edge = await startEdge(ok);
    using client = new Client(edge.port);
    client.get("/a");
    await client.receive();
    client.send(`${request("GET", "/b")}GET /a HT`);
    await client.receive();
    edge.clock.advance(15_000);
    edge.listener.sweep();
    assert.equal((await client.receive()).status, 408);
    assert(await client.ended());
  });

  test("stops reading from a client that sends on and reads nothing", async () => {
    const large = Buffer.alloc(1024 * 1024);
    await using edge = await startEdge((_incoming, response) => void response.end(large));
    const greedy = connect({ port: edge.port, host: "127.0.0.1" });
    greedy.on("error", () => undefined);
    greedy.pause();
    const batch = request("GET", "/a").repeat(1_000);
    for (let i = 0; i < 200; i += 1) {
      greedy.write(batch);
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert(greedy.writableLength > 0, "requests were read without bound");
    greedy.destroy();
    await once(greedy, "close");
  });

  test("survives clients that reset while they are answered", async () => {
    const large = Buffer.alloc(4 * 1024 * 1024);
    await using edge = await startEdge((_incoming, response) => void response.end(large));
    const leaving = Array.from({ length: 20 }, async () => {
      const socket = connect({ port: edge.port, host: "127.0.0.1" });
      socket.on("error", () => undefined);
      socket.write(request("GET", "/a"));
      await once(socket, "data");
      socket.resetAndDestroy();
      await once(socket, "close");
    });
    await Promise.all(leaving);
    using client = new Client(edge.port);
    client.get("/a");
    assert.equal((await client.receive()).body.length, large.length);
    assert.deepEqual(edge.errors, []);
  });

  test("finishes its response when the listener stops", async () => {
    let respond: (() => void) | undefined;
    let asked: (() => void) | undefined;
    const arrival = new Promise<void>((resolve) => {
      asked = resolve;
    });
    await using edge = await startEdge((_incoming, response) => {
      respond = () => response.end("late");
      asked?.();
    });
    using idle = new Client(edge.port);
    using busy = new Client(edge.port);
    idle.get("/nowhere", "cdn-loop: atoll");
    await idle.receive();
    busy.get("/a");
    await arrival;
    const stopped = edge.listener.stop(10_000);
    assert(await idle.ended());
    respond?.();
    const response = await busy.receive();
    assert.equal(response.body.toString(), "late");
    assert.equal(response.fields.get("connection"), "close");
    await stopped;
  });
});
