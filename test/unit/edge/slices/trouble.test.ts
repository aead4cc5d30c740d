import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { describe, test } from "node:test";
import { SLICE_AHEAD_MAX } from "#edge/slices/limits.ts";
import { fetchOnce, request, roundTrip, startEdge } from "../support.ts";
import { Content, check, MIB, objectOrigin, slicesIn } from "./support.ts";

const CONTENT = new Content(5.5 * MIB);

describe("a large object that many read", () => {
  test("is fetched once by 20 who read it whole", async () => {
    const origin = objectOrigin(CONTENT);
    await using edge = await startEdge(origin.answer);
    const readers = Array.from({ length: 20 }, () => check(edge.port, { content: CONTENT }));
    for (const { status, bytes, wrongAt } of await Promise.all(readers)) {
      assert.deepEqual([status, bytes, wrongAt], [200, CONTENT.length, undefined]);
    }
    assert.deepEqual(origin.asked, ["whole"]);
    assert.equal(origin.sentBytes, CONTENT.length);
  });

  test("is fetched slice by slice, each once, by 20 who read ranges of it", async () => {
    const origin = objectOrigin(CONTENT);
    await using edge = await startEdge(origin.answer);
    await fetchOnce(edge, "/big", "range: bytes=0-0");
    const readers = Array.from({ length: 20 }, async (_, i) => {
      const [first, last] = [i * 100_000, 3 * MIB + i * 100_000];
      const range = `range: bytes=${first}-${last}`;
      const { bytes, wrongAt } = await check(edge.port, { content: CONTENT, first }, range);
      assert.deepEqual([bytes, wrongAt], [last - first + 1, undefined]);
    });
    await Promise.all(readers);
    // Two runs may bring one slice each for two readers who are at its border.
    assert(origin.sentBytes <= 6 * MIB, `${origin.sentBytes / MIB} MiB`);
  });
});

describe("an origin that breaks off", () => {
  test("in the middle of a slice is asked for the rest, and nobody notices", async () => {
    const origin = objectOrigin(CONTENT);
    origin.breaks.push(2.5 * MIB, 1.25 * MIB);
    await using edge = await startEdge(origin.answer);
    const readers = Array.from({ length: 3 }, () => check(edge.port, { content: CONTENT }));
    for (const { bytes, wrongAt } of await Promise.all(readers)) {
      assert.deepEqual([bytes, wrongAt], [CONTENT.length, undefined]);
    }
    assert.equal(origin.asked[0], "whole");
    assert.match(slicesIn(origin.asked)[1] ?? "", /^2-/);
    assert((await fetchOnce(edge, "/big")).body.equals(CONTENT.slice(0)));
  });

  test("again and again is given up, and its reader is cut", async () => {
    const origin = objectOrigin(CONTENT);
    origin.breaks.push(1.5 * MIB, 1_000, 1_000, 1_000, 1_000);
    await using edge = await startEdge(origin.answer);
    const cut = await check(edge.port, { content: CONTENT });
    assert.equal(cut.wrongAt, undefined);
    assert(cut.bytes >= MIB && cut.bytes < 2 * MIB);
    assert.equal(origin.asked.length, 3);
    // It was a bad moment: what is there is kept, and the rest comes when it can.
    origin.breaks.length = 0;
    const next = await check(edge.port, { content: CONTENT });
    assert.deepEqual([next.bytes, next.wrongAt], [CONTENT.length, undefined]);
    assert.match(next.head, /^x-cache: HIT\r$/m);
  });
});

describe("an origin that has another version in the middle of it", () => {
  test("has its readers cut, and none of them has an octet of both", async () => {
    const origin = objectOrigin(CONTENT);
    const changed = new Content(CONTENT.length, 2);
    origin.breaks.push(2.5 * MIB);
    await using edge = await startEdge((incoming, response) => {
      if (incoming.headers.range !== undefined) {
        Object.assign(origin, { content: changed, headers: { etag: '"b"' } });
      }
      origin.answer(incoming, response);
    });
    const readers = Array.from({ length: 3 }, () => check(edge.port, { content: CONTENT }));
    for (const { bytes, wrongAt } of await Promise.all(readers)) {
      assert.equal(wrongAt, undefined);
      assert(bytes < CONTENT.length);
    }
    const next = await check(edge.port, { content: changed });
    assert.deepEqual([next.bytes, next.wrongAt], [CONTENT.length, undefined]);
    assert.match(next.head, /^etag: "b"\r$/m);
  });
});

describe("an origin without ranges", () => {
  test("answers a range with all of it, which is stored", async () => {
    const origin = objectOrigin(CONTENT);
    origin.ignoresRange = true;
    await using edge = await startEdge(origin.answer);
    const first = 2 * MIB + 7;
    const range = `range: bytes=${first}-${first + 9}`;
    const part = await check(edge.port, { content: CONTENT, first }, range);
    assert.deepEqual([part.status, part.bytes, part.wrongAt], [206, 10, undefined]);
    const whole = await check(edge.port, { content: CONTENT });
    assert.deepEqual([whole.bytes, whole.wrongAt], [CONTENT.length, undefined]);
    // The first slices were kept on the way to the range; the others came by one fetch.
    assert(origin.asked.length <= 2);
  });

  test("is asked once for all that is missing", async () => {
    const origin = objectOrigin(CONTENT);
    await using edge = await startEdge(origin.answer);
    await fetchOnce(edge, "/big", "range: bytes=0-0");
    origin.ignoresRange = true;
    const whole = await check(edge.port, { content: CONTENT });
    assert.deepEqual([whole.bytes, whole.wrongAt], [CONTENT.length, undefined]);
    assert.equal(origin.asked.length, 2);
  });
});

describe("a large object without a strong validator", () => {
  for (const headers of [{ etag: 'W/"a"' }, {}]) {
    test(`passes through with ${JSON.stringify(headers)} where it is too large for one piece`, async () => {
      const origin = objectOrigin(CONTENT, headers);
      await using edge = await startEdge(origin.answer, { memoryBytesMax: 16 * MIB });
      for (let i = 0; i < 2; i += 1) {
        const passed = await check(edge.port, { content: CONTENT });
        assert.deepEqual([passed.bytes, passed.wrongAt], [CONTENT.length, undefined]);
        assert.match(passed.head, /^cache-status: Atoll; fwd=uri-miss; detail=too-large\r$/m);
      }
      assert.equal(edge.store.size, 0);
    });
  }
});

describe("a reader of a large object", () => {
  test("who has stopped is not fetched for, and the rest comes when it goes on", async () => {
    const content = new Content(40 * MIB);
    const origin = objectOrigin(content);
    await using edge = await startEdge(origin.answer);
    const socket = connect({ port: edge.port, host: "127.0.0.1" });
    socket.pause();
    socket.write(request("GET", "/big", "connection: close"));
    // Until its buffers are full, and so are those of its origin's connection.
    let before = -1;
    while (origin.sentBytes === 0 || origin.sentBytes > before) {
      before = origin.sentBytes;
      for (let i = 0; i < 20; i += 1) await roundTrip(edge);
    }
    const buffered = 12 * MIB;
    assert(origin.sentBytes < SLICE_AHEAD_MAX * MIB + buffered, `${origin.sentBytes / MIB} MiB`);
    let bytes = 0;
    socket.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
    });
    socket.resume();
    await once(socket, "close");
    assert(bytes > content.length);
    assert.equal(origin.sentBytes, content.length);
  });

  test("who leaves as the only one ends its fetch with a slice", async () => {
    const content = new Content(40 * MIB);
    const origin = objectOrigin(content);
    await using edge = await startEdge(origin.answer);
    const socket = connect({ port: edge.port, host: "127.0.0.1" });
    socket.write(request("GET", "/big"));
    await once(socket, "data");
    socket.destroy();
    await once(socket, "close");
    // All that is stored are its head, and slices that are whole.
    let stored = -1;
    while (edge.budget.heldFor("flight") > 0 || stored !== edge.store.size) {
      stored = edge.store.size;
      await roundTrip(edge);
    }
    assert(origin.sentBytes < content.length);
    const [head, ...slices] = edge.store.entries();
    assert.equal(head?.status, 200);
    for (const slice of slices) assert.equal(slice.body.sizeBytes, MIB);
  });
});

describe("the memory that a large object takes", () => {
  test("stays within its bounds, whatever is read of how much", async () => {
    const content = new Content(300 * MIB);
    const origin = objectOrigin(content);
    await using edge = await startEdge(origin.answer, { memoryBytesMax: 64 * MIB });
    let most = 0;
    const watch = setInterval(() => {
      most = Math.max(most, edge.budget.used);
    }, 1);
    const ranges = [0, 100, 200, 290].map(async (mib) => {
      const range = `range: bytes=${mib * MIB}-${(mib + 10) * MIB - 1}`;
      return await check(edge.port, { content, first: mib * MIB }, range);
    });
    const whole = check(edge.port, { content });
    for (const { bytes, wrongAt } of await Promise.all(ranges)) {
      assert.deepEqual([bytes, wrongAt], [10 * MIB, undefined]);
    }
    const { bytes, wrongAt } = await whole;
    clearInterval(watch);
    assert.deepEqual([bytes, wrongAt], [content.length, undefined]);
    assert(most > 32 * MIB && most <= 64 * MIB, `${most / MIB} MiB`);
  });
});
