import assert from "node:assert/strict";
import { once } from "node:events";
import type { Socket } from "node:net";
import { describe, test } from "node:test";
import type { OriginResponse } from "#edge/origin/origin.ts";
import { fetchAndPool, type OriginUnderTest, ok, readBody, startOrigin } from "./support.ts";

/** Answers each request by this, and says how many connections two fetches in a row took. */
async function connectionsOfTwo(answer: string, method = "GET"): Promise<number> {
  await using origin = await startOrigin((socket) => void socket.write(answer, "latin1"));
  for (let i = 0; i < 2; i += 1) {
    const response = await origin.fetch({ method, fields: ["if-none-match", '"a"'] });
    assert(response.kind === "response", JSON.stringify(response));
    assert.equal((await readBody(response)).isWhole, true);
  }
  return origin.connections;
}

async function respond(origin: OriginUnderTest): Promise<OriginResponse> {
  const response = await origin.fetch();
  assert(response.kind === "response");
  return response;
}

describe("a connection is used again after", () => {
  const answers: readonly (readonly [string, string, string?])[] = [
    ["a body with a length", ok("ok")],
    ["chunks", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"],
    [
      "an answer to HEAD, whatever length it tells",
      "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n",
      "HEAD",
    ],
    ["one that tells of chunks", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "HEAD"],
    ["a 304, whatever length it tells", "HTTP/1.1 304 R\r\ncontent-length: 9\r\n\r\n"],
    ["a 204", "HTTP/1.1 204 R\r\n\r\n"],
    ["interim responses", `HTTP/1.1 100\r\n\r\nHTTP/1.1 103 E\r\n\r\n${ok("ok")}`],
    [
      "an answer of HTTP/1.0 that keeps it",
      ok("ok", "connection: keep-alive").replace("1.1", "1.0"),
    ],
  ];
  for (const [what, answer, method] of answers) {
    test(what, async () => assert.equal(await connectionsOfTwo(answer, method), 1));
  }
});

describe("a connection is not used again after", () => {
  const answers: readonly (readonly [string, string])[] = [
    ["an answer that closes it", ok("ok", "connection: close")],
    ["an answer of HTTP/1.0", ok("ok").replace("1.1", "1.0")],
    ["more than the answer", `${ok("ok")}x`],
    ["more than the chunks", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nx"],
    ["a 204 with content", "HTTP/1.1 204 R\r\ncontent-length: 1\r\n\r\nx"],
    ["a 204 that only tells of content", "HTTP/1.1 204 R\r\ncontent-length: 1\r\n\r\n"],
  ];
  for (const [what, answer] of answers) {
    test(what, async () => assert.equal(await connectionsOfTwo(answer), 2));
  }
});

describe("the connections of an origin", () => {
  test("are used again last in, first out, so that those not needed grow old", async () => {
    const used: Socket[] = [];
    await using origin = await startOrigin((socket) => {
      used.push(socket);
      socket.write(ok("ok"));
    });
    await Promise.all([fetchAndPool(origin), fetchAndPool(origin)]);
    for (let i = 0; i < 3; i += 1) await fetchAndPool(origin);
    assert.equal(origin.connections, 2);
    assert.equal(new Set(used.slice(2)).size, 1);
  });

  test("are closed when nobody has used them for a while", async () => {
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    await using origin = await startOrigin(
      (socket) => {
        socket.on("close", () => resolve());
        socket.write(ok("ok"));
      },
      { idleTimeoutMs: 50, headTimeoutMs: 1_000 },
    );
    await fetchAndPool(origin);
    await closed;
    assert.equal(await fetchAndPool(origin), "ok");
    assert.equal(origin.connections, 2);
  });

  test("are let go when the origin ends them", async () => {
    let first: Socket | undefined;
    await using origin = await startOrigin((socket) => {
      first ??= socket;
      socket.write(ok("ok"));
    });
    await fetchAndPool(origin);
    assert(first !== undefined);
    const closed = once(first, "close");
    first.end();
    await closed;
    assert.equal(await fetchAndPool(origin), "ok");
    assert.equal(origin.requests.length, 2);
  });

  test("are ready for another fetch when the reader of the last one is told of its end", async () => {
    await using origin = await startOrigin((socket) => void socket.write(ok("ok")));
    const first = await respond(origin);
    const { promise: again, resolve } = Promise.withResolvers<OriginResponse>();
    first.body.read({
      chunk: () => true,
      end: () => void respond(origin).then(resolve),
      fail: () => assert.fail(),
    });
    assert.equal((await readBody(await again)).text, "ok");
    assert.equal(origin.connections, 1);
  });

  test("go on where a reader that was slow has held one back up to its end", async () => {
    const long = "x".repeat(300_000);
    await using origin = await startOrigin((socket) => void socket.write(ok(long)));
    for (let i = 0; i < 2; i += 1) {
      const { body } = await respond(origin);
      const { promise, resolve, reject } = Promise.withResolvers<number>();
      let bytes = 0;
      body.read({
        chunk: ({ length }) => {
          bytes += length;
          setImmediate(() => body.resume());
          return false;
        },
        end: () => resolve(bytes),
        fail: () => reject(new Error("it broke off")),
      });
      assert.equal(await promise, long.length);
    }
    assert.equal(origin.connections, 1);
  });
});

test("what a reader is given is the origin's, however much comes behind it", async () => {
  const long = Array.from({ length: 100_000 }, (_, i) => `${i} `).join("");
  await using origin = await startOrigin((socket) => void socket.write(ok(long)));
  const responses = await Promise.all(Array.from({ length: 4 }, () => respond(origin)));
  // They have waited for their readers, while the others were read.
  const texts = await Promise.all(responses.map(async (each) => (await readBody(each)).text));
  assert(texts.every((text) => text === long));
});
