import assert from "node:assert/strict";
import { once } from "node:events";
import { type ClientHttp2Session, connect } from "node:http2";
import { type AddressInfo, createServer } from "node:net";
import { describe, test } from "node:test";
import { monotonicClock, systemClock } from "#clock.ts";
import type { Serve } from "#edge/exchange.ts";
import { Http2Connection } from "#edge/wire/http2/connection.ts";
import { Slabs } from "#edge/wire/slabs.ts";
import { body, reply } from "./support.ts";

/** A port where node:http2 has asked for a connection. */
interface Port extends AsyncDisposable {
  readonly session: ClientHttp2Session;
  readonly connections: readonly Http2Connection[];
}

async function listen(serve: Serve): Promise<Port> {
  await using stack = new AsyncDisposableStack();
  const connections: Http2Connection[] = [];
  const parts = {
    serve,
    observer: { ended: () => undefined },
    clock: systemClock,
    stopwatch: monotonicClock,
    slabs: new Slabs(),
  };
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    connections.push(new Http2Connection(socket, parts, { address: "127.0.0.1" }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  stack.defer(async () => {
    server.close();
    for (const connection of connections) connection.destroy();
    await once(server, "close");
  });
  const { port } = server.address() as AddressInfo;
  const session = connect(`http://127.0.0.1:${port}`);
  stack.defer(() => session.destroy());
  await once(session, "connect");
  const owned = stack.move();
  return { session, connections, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Asks with this content, and answers the content of the response. */
async function ask(session: ClientHttp2Session, path: string, content?: Buffer): Promise<Buffer> {
  const method = content === undefined ? "GET" : "POST";
  const stream = session.request({ ":path": path, ":method": method });
  stream.end(content);
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

describe("node:http2 as a client", () => {
  test("is answered on many streams at a time", async () => {
    await using port = await listen((request, exchange) =>
      exchange.respond(reply(`${request.host} ${request.target}`)),
    );
    const paths = Array.from({ length: 500 }, (_, i) => `/${i}`);
    const contents = await Promise.all(paths.map((path) => ask(port.session, path)));
    assert.deepEqual(
      contents.map((content) => content.toString().split(" ")[1]),
      paths,
    );
  });

  test("gets back all of what it sends, above every window", async () => {
    await using port = await listen((_request, exchange) => {
      void (async () => {
        const chunks: Buffer[] = [];
        for await (const chunk of exchange.content ?? []) chunks.push(chunk);
        exchange.respond(reply(Buffer.concat(chunks)));
      })();
    });
    const sent = Array.from({ length: 4 }, (_, i) => Buffer.alloc(3_000_000, String(i)));
    const echoed = await Promise.all(sent.map((content) => ask(port.session, "/", content)));
    assert(echoed.every((content, i) => content.equals(sent[i] ?? Buffer.alloc(0))));
  });

  test("reads a body that grows as it reads, and its trailers", async () => {
    const growing = body("windowed");
    await using port = await listen((_request, exchange) =>
      exchange.respond(reply(growing.read())),
    );
    const stream = port.session.request({ ":path": "/" });
    const trailers = once(stream, "trailers");
    await once(stream, "response");
    for (let i = 0; i < 100; i += 1) {
      growing.append(Buffer.alloc(20_000, "x"));
      await growing.room();
      if (i === 0) stream.resume();
    }
    growing.end("whole", ["x-sum", "1"]);
    assert.equal((await trailers)[0]?.["x-sum"], "1");
    growing.release();
    await once(stream, "close");
  });

  test("has its request left when it cancels it", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    await using port = await listen((_request, exchange) => {
      exchange.whenLeft(resolve);
      asked.resolve();
    });
    const stream = port.session.request({ ":path": "/" });
    stream.on("error", () => undefined);
    await asked.promise;
    stream.close(8);
    await promise;
  });

  test("is told of a drain, and gets what it has asked for", async () => {
    const answers: (() => void)[] = [];
    const asked = Promise.withResolvers<void>();
    await using port = await listen((_request, exchange) => {
      answers.push(() => exchange.respond(reply("late")));
      asked.resolve();
    });
    const content = ask(port.session, "/");
    await asked.promise;
    const told = once(port.session, "goaway");
    port.connections[0]?.drain();
    await told;
    answers[0]?.();
    assert.equal((await content).toString(), "late");
    await once(port.session, "close");
  });
});
