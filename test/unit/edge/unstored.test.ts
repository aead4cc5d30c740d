import assert from "node:assert/strict";
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { describe, test } from "node:test";
import { Client } from "./client.ts";
import { type EdgeUnderTest, fetchOnce, request, startEdge } from "./support.ts";

const MIB = 1024 * 1024;
const LENGTH = 24 * MIB;
const object = Buffer.alloc(LENGTH, "x");

interface LargeOrigin {
  readonly edge: EdgeUnderTest;
  /** Whether each whole answer, in their order, has been sent to its end. */
  readonly sent: Promise<boolean>[];
  [Symbol.asyncDispose](): Promise<void>;
}

/** An origin whose one object is too large to be stored in one piece, and cannot be in slices. */
async function largeOrigin({ hasRanges = false } = {}): Promise<LargeOrigin> {
  const sent: Promise<boolean>[] = [];
  const ended = async (response: ServerResponse): Promise<boolean> => {
    await once(response, "close");
    return response.writableFinished;
  };
  const edge = await startEdge(
    (incoming, response) => {
      if (hasRanges && incoming.headers.range !== undefined) {
        const headers = { "content-range": `bytes 0-3/${LENGTH}`, etag: 'W/"a"' };
        response.writeHead(206, headers).end("xxxx");
        return;
      }
      sent.push(ended(response));
      response.writeHead(200, {
        "content-length": LENGTH,
        // Octets of what has it may differ: no part of one may be put beside a part of another.
        etag: 'W/"a"',
        "last-modified": "Sun, 22 Nov 2026 11:00:00 GMT",
      });
      response.end(object);
    },
    { memoryBytesMax: 16 * MIB },
  );
  return { edge, sent, [Symbol.asyncDispose]: async () => await edge[Symbol.asyncDispose]() };
}

describe("what cannot be stored", () => {
  const conditions = [
    { line: 'if-none-match: "b", "a"', status: 304 },
    { line: "if-none-match: *", status: 304 },
    { line: "if-modified-since: Sun, 22 Nov 2026 11:00:00 GMT", status: 304 },
    { line: 'if-none-match: "b"', status: 200 },
  ];
  for (const { line, status } of conditions) {
    test(`is a ${status} for ${line}`, async () => {
      await using large = await largeOrigin();
      const response = await fetchOnce(large.edge, "/big", line);
      assert.equal(response.status, status);
      assert.equal(response.body.length, status === 200 ? LENGTH : 0);
      assert.equal(response.fields.get("etag"), 'W/"a"');
      assert.equal(response.fields.get("cache-status"), "Atoll; fwd=uri-miss; detail=too-large");
    });
  }

  test("frees its origin's connection at once when the client has it already", async () => {
    await using large = await largeOrigin();
    await fetchOnce(large.edge, "/big", 'if-none-match: "a"');
    assert.equal(await large.sent[0], false);
    assert.equal(large.edge.budget.used, 0);
  });

  test("is asked for by the client's own range, of an origin that has ranges", async () => {
    await using large = await largeOrigin({ hasRanges: true });
    const part = await fetchOnce(large.edge, "/big", "range: bytes=0-3");
    assert.equal(part.status, 206);
    assert.equal(part.fields.get("content-range"), `bytes 0-3/${LENGTH}`);
    assert.equal(part.fields.get("cache-status"), "Atoll; fwd=uri-miss; detail=weak-validator");
    assert.deepEqual(large.sent, []);
  });

  test("frees its origin's connection at once when only a range of it is wanted", async () => {
    await using large = await largeOrigin({ hasRanges: true });
    // What is answered for one client alone is asked for whole, to learn whether it still is.
    await fetchOnce(large.edge, "/big", 'if-none-match: "a"');
    assert.equal((await fetchOnce(large.edge, "/big", "range: bytes=0-3")).status, 206);
    assert.deepEqual(await Promise.all(large.sent), [false, false]);
  });

  test("is not a range when it is what the client has already", async () => {
    await using large = await largeOrigin();
    const lines = ["range: bytes=0-3", 'if-none-match: "a"'];
    assert.equal((await fetchOnce(large.edge, "/big", ...lines)).status, 304);
  });

  test("answers HEAD with its length, and 304 to HEAD on a condition that holds", async () => {
    await using large = await largeOrigin();
    using client = new Client(large.edge.port);
    client.send(request("HEAD", "/big"));
    const head = await client.receive("HEAD");
    assert.equal(head.fields.get("content-length"), String(LENGTH));
    client.send(request("HEAD", "/big", 'if-none-match: "a"'));
    assert.equal((await client.receive("HEAD")).status, 304);
  });

  test("may be empty, and is then answered whole to any range", async () => {
    await using edge = await startEdge((_incoming, response) => {
      response.writeHead(200, { "cache-control": "no-store", "content-length": 0 }).end();
    });
    for (let i = 0; i < 2; i += 1) {
      const response = await fetchOnce(edge, "/empty", "range: bytes=0-");
      assert.equal(response.status, 200);
      assert.equal(response.fields.get("content-length"), "0");
    }
  });
});

describe("a failure of the origin", () => {
  test("says in Cache-Status why there is no answer", async () => {
    await using edge = await startEdge((incoming) => void incoming.socket.resetAndDestroy());
    const failed = await fetchOnce(edge, "/a");
    assert.equal(
      failed.fields.get("cache-status"),
      "Atoll; fwd=uri-miss; detail=origin-unreachable",
    );
    const bypassed = await fetchOnce(edge, "/a", "authorization: Bearer t");
    assert.equal(
      bypassed.fields.get("cache-status"),
      "Atoll; fwd=bypass; detail=origin-unreachable",
    );
    const unusable = await fetchOnce(edge, "/../a");
    assert.equal(unusable.fields.get("cache-status"), "Atoll; fwd=uri-miss; detail=unusable-path");
  });
});
