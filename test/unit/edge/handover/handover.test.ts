import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { connect as connectHttp2, constants } from "node:http2";
import { request as httpsRequest } from "node:https";
import { buffer } from "node:stream/consumers";
import { describe, test } from "node:test";
import { reservePorts } from "#listen.ts";
import { exchange } from "../../../support/exchange.ts";
import { until } from "../../../support/until.ts";
import { caPem, certificateFor } from "../tls/support.ts";
import { startWorker } from "../worker-process.ts";

const NAME = "api.example.net";
const certificates = [await certificateFor("one", NAME), await certificateFor("two", "b.test")];
const SECRET = "known-to-workers";

type Answer = (incoming: IncomingMessage, response: ServerResponse) => void;

/** A worker that hands over to a control plane of the test's own. */
async function openWorld(answer: Answer) {
  using stack = new DisposableStack();
  const server = createServer(answer);
  server.on("error", () => undefined).listen(0, "127.0.0.1");
  await once(server, "listening");
  stack.defer(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  assert(address !== null && typeof address === "object");
  const platform = [{ name: NAME, port: address.port, secret: SECRET }];
  const [port] = await reservePorts([{ host: "127.0.0.1", port: 0, variable: "" }]);
  const tls = { port };
  const started = stack.use(await startWorker({ tls, platform, snapshot: { certificates } }));
  const owned = stack.move();
  const url = `https://127.0.0.1:${started.tlsPort}`;
  const trust = { ca: caPem, servername: NAME };
  return {
    ...started,
    server,
    url,
    trust,
    ask: async (target: string, more: Parameters<typeof exchange>[1] = {}) =>
      exchange(url + target, { ...trust, ...more, headers: { host: NAME, ...more.headers } }),
    [Symbol.dispose]: () => owned.dispose(),
  };
}

/** What the control plane was asked, field by field. */
function heard(incoming: IncomingMessage): Record<string, string> {
  const { method = "", url = "", headers } = incoming;
  return { method, url, ...(headers as Record<string, string>) };
}

const echo: Answer = (incoming, response) => {
  response.setHeader("x-heard", JSON.stringify(heard(incoming)));
  incoming.pipe(response);
};

describe("a name of the platform's own", () => {
  test("is handed to the control plane as it was asked for, whatever the method", async () => {
    using world = await openWorld(echo);
    for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]) {
      const body = method === "OPTIONS" ? undefined : `{"a":"${method}"}`;
      const headers = { authorization: "Bearer t", "content-type": "application/json" };
      const reply = await world.ask("/v2/a%2Fb?c=d&e", { method, headers, ...(body && { body }) });
      assert.equal(reply.status, 200, method);
      assert.equal(reply.text, body ?? "");
      const said = JSON.parse(String(reply.headers["x-heard"])) as Record<string, string>;
      assert.deepEqual([said["method"], said["url"]], [method, "/v2/a%2Fb?c=d&e"]);
      assert.deepEqual([said["host"], said["authorization"]], [NAME, "Bearer t"]);
      assert.equal(said["content-length"], body === undefined ? undefined : String(body.length));
    }
  });

  test("is told who asks by the edge alone: what the client says of that has no effect", async () => {
    using world = await openWorld(echo);
    const reply = await world.ask("/", {
      headers: {
        forwarded: "for=192.0.2.1;proto=http",
        "x-forwarded-for": "192.0.2.1",
        "x-forwarded-host": "else.test",
        "x-atoll-secret": "guessed",
        "x-http-method-override": "DELETE",
        connection: "x-odd, keep-alive",
        "x-odd": "hop by hop",
      },
    });
    const said = JSON.parse(String(reply.headers["x-heard"])) as Record<string, string>;
    assert.equal(said["forwarded"], "for=127.0.0.1;proto=https");
    assert.equal(said["x-atoll-secret"], SECRET);
    for (const name of ["x-forwarded-for", "x-forwarded-host", "x-http-method-override", "x-odd"]) {
      assert.equal(said[name], undefined, name);
    }
  });

  test("has the control plane's own answer, and its request id", async () => {
    using world = await openWorld((_, response) => {
      response.setHeader("set-cookie", ["a=1", "b=2"]);
      response.writeHead(422, { "x-request-id": "0dd", "cache-control": "max-age=60", age: "7" });
      response.end("no");
    });
    const { status, headers, text } = await world.ask("/");
    assert.deepEqual([status, text, headers["set-cookie"]], [422, "no", ["a=1", "b=2"]]);
    assert.deepEqual([headers["x-request-id"], headers["age"]], ["0dd", "7"]);
    assert.equal(headers["x-cache"], undefined);
  });

  test("is never cached, nor collapsed", async () => {
    let asked = 0;
    using world = await openWorld((_, response) => {
      asked += 1;
      response.writeHead(200, { "cache-control": "public, max-age=600" }).end(String(asked));
    });
    const replies = await Promise.all([1, 2, 3].map(() => world.ask("/same")));
    assert.deepEqual(new Set(replies.map(({ text }) => text)), new Set(["1", "2", "3"]));
  });

  test("has no content after HEAD, 204 and 304, and is asked again on the same connection", async () => {
    using world = await openWorld((incoming, response) => {
      const status = Number(incoming.url?.slice(1));
      response.writeHead(status, status === 200 ? { "content-length": "5" } : {}).end();
    });
    const head = await world.ask("/200", { method: "HEAD" });
    assert.deepEqual([head.status, head.headers["content-length"], head.text], [200, "5", ""]);
    for (const status of [204, 304]) assert.equal((await world.ask(`/${status}`)).status, status);
  });

  test("passes bodies of any size both ways at once, over HTTP/1.1 and HTTP/2", async () => {
    using world = await openWorld((incoming, response) => incoming.pipe(response));
    const piece = randomBytes(1024 * 1024);
    const pieces = 32;
    const whole = createHash("sha256");
    for (let sent = 0; sent < pieces; sent += 1) whole.update(piece);
    const expected = whole.digest("hex");
    const session = connectHttp2(world.url, world.trust);
    const streams = [
      httpsRequest(world.url, {
        ...world.trust,
        method: "PUT",
        agent: false,
        headers: { host: NAME },
      }),
      session.request({ ":method": "PUT", ":path": "/", ":authority": NAME }),
    ];
    for (const outgoing of streams) {
      const got = createHash("sha256");
      const reading =
        "method" in outgoing ? once(outgoing, "response").then(([reply]) => reply) : outgoing;
      const done = (async () => {
        for await (const chunk of await reading) got.update(chunk as Buffer);
      })();
      for (let sent = 0; sent < pieces; sent += 1) {
        if (!outgoing.write(piece)) await once(outgoing, "drain");
      }
      outgoing.end();
      await done;
      assert.equal(got.digest("hex"), expected);
    }
    session.destroy();
  });

  test("is answered before all content has come, where the control plane does that", async () => {
    using world = await openWorld((_, response) => {
      response.writeHead(401, { connection: "close" }).end("who?");
    });
    const outgoing = httpsRequest(world.url, {
      ...world.trust,
      method: "POST",
      agent: false,
      headers: { host: NAME, "transfer-encoding": "chunked" },
    });
    outgoing.on("error", () => undefined);
    outgoing.write("first");
    const [response] = (await once(outgoing, "response")) as [IncomingMessage];
    assert.equal(response.statusCode, 401);
    assert.equal(String(await buffer(response)), "who?");
    outgoing.destroy();
  });

  test("is let go of when the client leaves, before the answer and within it", async () => {
    const left: string[] = [];
    using world = await openWorld((incoming, response) => {
      response.on("close", () => left.push(incoming.url ?? ""));
      if (incoming.url === "/within") response.write("begun");
    });
    const session = connectHttp2(world.url, world.trust);
    const asked = once(world.server, "request");
    const early = session.request({ ":path": "/before", ":authority": NAME });
    early.on("error", () => undefined);
    await asked;
    early.close(constants.NGHTTP2_CANCEL);
    await until("the first is let go of", () => left.includes("/before"));
    const late = session.request({ ":path": "/within", ":authority": NAME });
    await once(late, "data");
    late.close(constants.NGHTTP2_CANCEL);
    await until("the second is let go of", () => left.includes("/within"));
    session.destroy();
  });

  test("is cut off where its answer breaks off: nobody takes a part for the whole", async () => {
    using world = await openWorld((_, response) => {
      response.writeHead(200, { "content-length": "10" });
      response.write("half");
      setImmediate(() => response.destroy());
    });
    await assert.rejects(world.ask("/"), { code: "ECONNRESET" });
  });

  test("is a 502 while the control plane does not answer", async () => {
    using world = await openWorld((incoming) => incoming.socket.destroy());
    const reply = await world.ask("/");
    assert.equal(reply.status, 502);
    assert.equal(reply.text, "The control plane did not answer.\n");
  });

  test("is served over https alone: what comes in the clear is sent there", async () => {
    using world = await openWorld(echo);
    for (const method of ["GET", "POST"]) {
      const reply = await exchange(`http://127.0.0.1:${world.port}/v2/account?a=b`, {
        method,
        headers: { host: `API.example.net.:${world.port}`, authorization: "Bearer t" },
      });
      assert.equal(reply.status, 308);
      const { location } = reply.headers;
      assert.equal(location, `https://${NAME}:${world.tlsPort}/v2/account?a=b`);
    }
  });

  test("is 421 on a connection whose certificate is for another name", async () => {
    using world = await openWorld(echo);
    assert.equal((await world.ask("/", { servername: "b.test" })).status, 421);
  });

  test("is that name alone: all others go their usual way", async () => {
    using world = await openWorld(echo);
    const reply = await exchange(`http://127.0.0.1:${world.port}/`, {
      headers: { host: "www.api.example.net" },
    });
    assert.equal(reply.status, 404);
  });
});
