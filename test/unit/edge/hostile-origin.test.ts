import assert from "node:assert/strict";
import { once } from "node:events";
import type { Socket } from "node:net";
import { describe, test } from "node:test";
import { Client } from "./client.ts";
import { type EdgeUnderTest, fetchOnce, request, roundTrip, startEdge } from "./support.ts";

const CHUNKED = "transfer-encoding: chunked";
/** The cache has nothing to do with it. */
const PRESIGNED = "/a?x-amz-signature=s";
const OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/** An edge in front of an origin that says this, whatever it is asked. */
async function before(answer: string): Promise<EdgeUnderTest> {
  return await startEdge((incoming) => void incoming.socket.write(answer, "latin1"));
}

describe("an answer that breaks HTTP is a 502, and stored nowhere:", () => {
  const answers = [
    { what: "a transfer coding", head: "200 OK\r\ntransfer-encoding: gzip", body: "hel" },
    {
      what: "two transfer codings",
      head: "200 OK\r\ntransfer-encoding: gzip, chunked",
      body: "5\r\nhello\r\n0\r\n\r\n",
    },
    { what: "a 304 to no condition", head: '304 Not Modified\r\netag: "zz"', body: "" },
    {
      what: "a 206 to no range",
      head: "206 Partial Content\r\ncontent-range: bytes 0-4/100\r\ncontent-length: 5",
      body: "hello",
    },
    { what: "status 600", head: "600 R\r\ncontent-length: 2", body: "hi" },
    { what: "status 999", head: "999 R\r\ncontent-length: 2", body: "hi" },
    { what: "a change of protocol", head: "101 R\r\nconnection: upgrade\r\nupgrade: x", body: OK },
    { what: "a response split by a bare CR", head: "200 OK\r\nx: a\rset-cookie: b", body: "" },
    { what: "two lengths", head: "200 OK\r\ncontent-length: 1\r\ncontent-length: 2", body: "hi" },
    { what: "a head without an end", head: `200 OK\r\nx: ${"y".repeat(70_000)}`, body: "" },
    { what: "fields without an end", head: `200 OK${"\r\nx: ".repeat(501)}`, body: "" },
  ];
  for (const { what, head, body } of answers) {
    test(what, async () => {
      await using edge = await before(`HTTP/1.1 ${head}\r\n\r\n${body}`);
      for (const lines of [[], ["authorization: Bearer t"]]) {
        const received = await fetchOnce(edge, "/a", ...lines);
        assert.equal(received.status, 502);
        assert.match(received.fields.get("cache-status") ?? "", /detail=origin-invalid$/);
      }
      assert.equal(edge.store.size, 0);
      assert.equal(edge.budget.used, 0);
    });
  }
});

describe("a body that is not what its head says is cut, and stored nowhere:", () => {
  const ends = {
    "and an orderly end": (socket: Socket) => void socket.end(),
    "and a reset": (socket: Socket) => void socket.resetAndDestroy(),
    "and nothing more": () => undefined,
  };
  const lies: readonly (readonly [what: string, head: string, body: string, keyof typeof ends])[] =
    [
      ["less than its length,", "content-length: 10", "hello", "and an orderly end"],
      ["less than its length,", "content-length: 10", "hello", "and a reset"],
      ["half a chunk,", CHUNKED, "a\r\nhello", "and an orderly end"],
      ["half a chunk,", CHUNKED, "a\r\nhello", "and a reset"],
      ["no last chunk,", CHUNKED, "5\r\nhello\r\n", "and an orderly end"],
      ["no last chunk,", CHUNKED, "5\r\nhello\r\n", "and a reset"],
      ["a chunk that is none,", CHUNKED, "5\r\nhello\r\nzz\r\n", "and nothing more"],
      ["a chunk longer than it says,", CHUNKED, "5\r\nhello, world\r\n", "and nothing more"],
    ];
  for (const [what, head, body, how] of lies) {
    test(`${what} ${how}`, async () => {
      let origin: Socket | undefined;
      await using edge = await startEdge((incoming) => {
        origin = incoming.socket;
        origin.write(`HTTP/1.1 200 OK\r\n${head}\r\n\r\n${body}`);
      });
      for (let fetches = 0; fetches < 2; fetches += 1) {
        using client = new Client(edge.port);
        client.send(request("GET", "/a"));
        await once(client.socket, "readable");
        assert(origin !== undefined);
        ends[how](origin);
        const received = await client.receive();
        assert.equal(received.status, 200);
        assert.equal(received.whole, false);
        assert.equal(received.fields.get("x-cache"), "MISS");
      }
      await roundTrip(edge);
      assert.equal(edge.store.size, 0);
      assert.equal(edge.budget.used, 0);
    });
  }
});

describe("what the client asked of the origin itself may be answered:", () => {
  test("a condition with 304", async () => {
    await using edge = await before('HTTP/1.1 304 Not Modified\r\netag: "a"\r\n\r\n');
    const lines = ["authorization: Bearer t", 'if-none-match: "a"'];
    assert.equal((await fetchOnce(edge, "/a", ...lines)).status, 304);
  });

  test("a range with 206", async () => {
    await using edge = await before(
      "HTTP/1.1 206 Partial Content\r\ncontent-range: bytes 0-4/100\r\ncontent-length: 5\r\n\r\nhello",
    );
    const lines = ["authorization: Bearer t", "range: bytes=0-4"];
    assert.equal((await fetchOnce(edge, "/a", ...lines)).status, 206);
  });
});

describe("a part that is not the one that the client asked for is a 502:", () => {
  const parts = [
    { what: "another one", fields: "content-range: bytes 5-9/100" },
    { what: "a longer one", fields: "content-range: bytes 0-5/100" },
    { what: "one of another length", fields: "content-range: bytes 0-3/100" },
    { what: "one that does not say which", fields: "x: y" },
    { what: "several", fields: "content-type: multipart/byteranges; boundary=b" },
  ];
  for (const { what, fields } of parts) {
    test(what, async () => {
      const head = `HTTP/1.1 206 R\r\n${fields}\r\ncontent-length: 5`;
      await using edge = await before(`${head}\r\n\r\nhello`);
      const received = await fetchOnce(edge, PRESIGNED, "range: bytes=0-4");
      assert.equal(received.status, 502);
      assert.match(received.fields.get("cache-status") ?? "", /detail=origin-invalid$/);
      assert.equal(edge.budget.used, 0);
    });
  }
});

describe("a body that ends with its connection", () => {
  const ends = [
    { how: "an orderly end", whole: true, end: (socket: Socket) => void socket.end() },
    { how: "a reset", whole: false, end: (socket: Socket) => void socket.resetAndDestroy() },
  ];
  for (const { how, whole, end } of ends) {
    test(`is ${whole ? "whole" : "cut"} after ${how}`, async () => {
      let origin: Socket | undefined;
      await using edge = await startEdge((incoming) => {
        origin = incoming.socket;
        origin.write("HTTP/1.1 200 OK\r\n\r\nhello");
      });
      using client = new Client(edge.port);
      client.send(request("GET", "/a"));
      await once(client.socket, "readable");
      assert(origin !== undefined);
      end(origin);
      const received = await client.receive();
      assert.equal(received.status, 200);
      assert.equal(received.whole, whole);
    });
  }
});

test("a 204 has no Content-Length, whatever the origin says", async () => {
  await using edge = await before("HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\n");
  using client = new Client(edge.port);
  for (const lines of [[], ["authorization: Bearer t"]]) {
    client.send(request("GET", "/a", ...lines));
    const received = await client.receive();
    assert.equal(received.status, 204);
    assert.equal(received.fields.get("content-length"), undefined);
  }
});

test("an Age beyond all bounds is very old, and not new", async () => {
  await using edge = await before(
    "HTTP/1.1 200 OK\r\nage: 99999999999999999999\r\ncache-control: max-age=100\r\ncontent-length: 2\r\n\r\nhi",
  );
  for (let i = 0; i < 2; i += 1) {
    const received = await fetchOnce(edge, "/a");
    assert.equal(received.fields.get("x-cache"), "MISS");
    assert.equal(received.fields.get("age"), "2147483648");
  }
});

test("a failed fetch is logged with the request that met it", async () => {
  await using edge = await startEdge((incoming) => void incoming.socket.resetAndDestroy());
  const received = await fetchOnce(edge, "/a");
  const [line] = edge.warnings;
  assert(typeof line === "object" && line !== null && "request_id" in line);
  assert.equal(line.request_id, received.fields.get("x-request-id"));
});
