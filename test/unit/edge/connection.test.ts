import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { describe, test } from "node:test";
import { connect as connectTls, createServer } from "node:tls";
import { Body } from "#edge/cache/body.ts";
import { MemoryBudget } from "#edge/cache/memory-budget.ts";
import { Connection } from "#edge/wire/http1/connection.ts";
import { Client } from "./client.ts";
import { request, startEdge } from "./support.ts";
import { caPem, certificateFor } from "./tls/support.ts";
import { connectionParts, replyWith } from "./wire.ts";

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
      edge.sweep();
    }
    assert.equal((await client.receive()).status, 408);
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
    client.send(request("GET", "/a"));
    await client.receive();
    edge.clock.advance(74_000);
    edge.sweep();
    client.send(request("GET", "/a"));
    assert.equal((await client.receive()).status, 200);
    edge.clock.advance(75_000);
    edge.sweep();
    assert(await client.ended());
  });

  test("is told 408 when a head takes too long, however it trickles", async () => {
    await using edge = await startEdge(ok);
    using client = new Client(edge.port);
    client.send(request("GET", "/a"));
    await client.receive();
    client.send(`${request("GET", "/b")}GET /a HT`);
    await client.receive();
    edge.clock.advance(15_000);
    edge.sweep();
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
    client.send(request("GET", "/a"));
    assert.equal((await client.receive()).body.length, large.length);
    assert.deepEqual(edge.errors, []);
  });

  test("finishes its response when it is told to take no more requests", async () => {
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
    idle.send(request("GET", "/nowhere", "cdn-loop: atoll"));
    await idle.receive();
    busy.send(request("GET", "/a"));
    await arrival;
    for (const connection of edge.connections) connection.drain();
    assert(await idle.ended());
    respond?.();
    const response = await busy.receive();
    assert.equal(response.body.toString(), "late");
    assert.equal(response.fields.get("connection"), "close");
    assert(await busy.ended());
  });
});

describe("a reply whose source breaks off", () => {
  test("is cut over TLS too, where there is no reset", async () => {
    const { certPem, keyPem } = await certificateFor("one", "one.test");
    const parts = connectionParts((asked, exchange) => {
      const body = new Body(new MemoryBudget(1_000_000), "windowed");
      const content = body.read();
      exchange.respond({ ...replyWith(asked, ""), contentLength: 9, content });
      body.append(Buffer.from("some"));
      setImmediate(() => body.end("truncated"));
    });
    const server = createServer({ cert: certPem, key: keyPem }, (socket) => {
      assert(new Connection(socket, parts, { address: "192.0.2.1" }));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    assert(address !== null && typeof address === "object");
    const client = connectTls({ port: address.port, ca: caPem, servername: "one.test" });
    client.on("error", () => undefined);
    client.write(request("GET", "/"));
    let received = "";
    client.on("data", (chunk) => {
      received += String(chunk);
    });
    await once(client, "close");
    assert(received.endsWith("\r\n\r\nsome"));
    assert.equal(parts.endings[0]?.whole, false);
    server.close();
  });
});
