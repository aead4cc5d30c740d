import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { FieldSection } from "#edge/fields.ts";
import { HTTP2_DATA_BYTES_MAX } from "#edge/limits.ts";
import type { Reply } from "#edge/reply.ts";
import { FrameType } from "#edge/wire/http2/frames.ts";
import { headers, rstStream, settings } from "./frames.ts";
import { body, Peer, reply } from "./support.ts";

/** A peer that has asked once. */
async function asking(): Promise<Peer> {
  const peer = new Peer();
  await peer.exchange(headers(1));
  return peer;
}

describe("a response", () => {
  test("§8.3.2 has its status first, then its fields, then those of the wire", async () => {
    using peer = await asking();
    const section = new FieldSection("etag: abc\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n");
    const own = new FieldSection("age: 5\r\n");
    peer.asking(1).respond(reply("ok", { status: 404, section, own, requestId: "r-1" }));
    const [head] = await peer.receive();
    assert.deepEqual(peer.fields(head ?? assert.fail()), [
      ":status",
      "404",
      "etag",
      "abc",
      "set-cookie",
      "a=1",
      "set-cookie",
      "b=2",
      "age",
      "5",
      "content-length",
      "2",
      "x-request-id",
      "r-1",
    ]);
  });

  const bare: readonly (readonly [string, Reply])[] = [
    ["to a HEAD", reply(undefined, { contentLength: 5 })],
    ["of status 304", reply(undefined, { status: 304 })],
    ["of no octets", reply(Buffer.alloc(0))],
  ];
  for (const [what, terms] of bare) {
    test(`§8.1 ${what} ends with its HEADERS`, async () => {
      using peer = await asking();
      peer.asking(1).respond(terms);
      assert.deepEqual(await peer.hear(), ["HEADERS 1 END_STREAM"]);
    });
  }

  test("§4.3 whose head is above a frame is continued", async () => {
    using peer = await asking();
    const value = "\xff".repeat(40_000);
    peer.asking(1).respond(reply("ok", { section: new FieldSection(`x-a: ${value}\r\n`) }));
    const frames = await peer.receive();
    assert.deepEqual(
      frames.map(({ type, flags }) => [type, flags]),
      [
        [FrameType.headers, 0],
        [FrameType.continuation, 0],
        [FrameType.continuation, 4],
        [FrameType.data, 1],
      ],
    );
    const payload = Buffer.concat(frames.slice(0, 3).map((frame) => frame.payload));
    const fields = peer.fields({ type: FrameType.headers, flags: 4, streamId: 1, payload });
    assert.equal(fields[fields.indexOf("x-a") + 1], value);
  });

  test("§4.2 whose content is above a frame is cut into some", async () => {
    using peer = await asking();
    peer.asking(1).respond(reply(Buffer.alloc(HTTP2_DATA_BYTES_MAX + 1_000)));
    assert.deepEqual(await peer.hear(), [
      "HEADERS 1",
      `DATA 1 ${HTTP2_DATA_BYTES_MAX}`,
      "DATA 1 1000 END_STREAM",
    ]);
  });

  test("§8.1 comes after interim ones", async () => {
    using peer = await asking();
    peer.asking(1).inform(103, ["link", "</a.css>; rel=preload"]);
    const [hint] = await peer.receive();
    assert.deepEqual(peer.fields(hint ?? assert.fail()), [
      ":status",
      "103",
      "link",
      "</a.css>; rel=preload",
    ]);
    peer.asking(1).respond(reply("ok"));
    peer.asking(1).inform(103, []);
    assert.deepEqual(await peer.hear(), ["HEADERS 1", "DATA 1 2 END_STREAM"]);
  });

  test("§8.1 may have trailers", async () => {
    using peer = await asking();
    const content = body();
    content.append(Buffer.from("ok"));
    peer.asking(1).respond(reply(content.read()));
    assert.deepEqual(await peer.hear(), ["HEADERS 1", "DATA 1 2"]);
    content.end("whole", ["x-sum", "1"]);
    const [trailers] = await peer.receive();
    assert.equal(trailers?.flags, 5);
    assert.deepEqual(peer.fields(trailers ?? assert.fail()), ["x-sum", "1"]);
  });

  test("ends without octets where their end came after them", async () => {
    using peer = await asking();
    const content = body();
    content.append(Buffer.from("ok"));
    peer.asking(1).respond(reply(content.read()));
    await peer.hear();
    content.end("whole");
    assert.deepEqual(await peer.hear(), ["DATA 1 0 END_STREAM"]);
  });

  test("§8.1.1 that broke off is reset, so that nobody takes it for whole", async () => {
    using peer = await asking();
    const content = body();
    content.append(Buffer.from("ok"));
    peer.asking(1).respond(reply(content.read()));
    content.end("truncated");
    assert.deepEqual(await peer.hear(), ["HEADERS 1", "DATA 1 2", "RST_STREAM 1 INTERNAL_ERROR"]);
    assert.equal(content.hasReaders, false);
    assert.deepEqual(
      peer.endings.map(({ whole, sentBytes }) => [whole, sentBytes]),
      [[false, 2]],
    );
  });

  test("is given once, and its reader closed whatever becomes of it", async () => {
    using peer = await asking();
    const content = body();
    peer.asking(1).respond(reply(content.read()));
    peer.asking(1).respond(reply(content.read()));
    assert.equal(content.hasReaders, true);
    await peer.exchange(rstStream(1));
    assert.equal(content.hasReaders, false);
    peer.asking(1).respond(reply(content.read()));
    assert.equal(content.hasReaders, false);
  });

  test("RFC 7541 §4.2 keeps to the table that the peer allows", async () => {
    using peer = await asking();
    await peer.exchange(settings(1, 0), headers(3));
    const section = new FieldSection("cache-control: max-age=60\r\n");
    peer.asking(1).respond(reply("ok", { section }));
    peer.asking(3).respond(reply("ok", { section }));
    const heads = (await peer.receive()).filter(({ type }) => type === FrameType.headers);
    // A size update to 0 opens the first, and neither refers to the dynamic table.
    assert.equal(heads[0]?.payload[0], 0x20);
    const fields = heads.map((head) => peer.fields(head));
    assert.deepEqual(fields[0], fields[1]);
  });
});

describe("the observer", () => {
  test("is told of each exchange once, and how it ended", async () => {
    using peer = new Peer();
    await peer.exchange(headers(1), headers(3), headers(5), headers(7));
    peer.stopwatch.advance(40);
    const content = body();
    content.append(Buffer.from("abc"));
    peer.asking(1).respond(reply("ok"));
    peer.asking(3).respond(reply(content.read()));
    peer.asking(5).respond(reply());
    await peer.hear();
    await peer.exchange(rstStream(3), rstStream(7));
    peer.connection.destroy();
    await peer.hear();
    const told = peer.endings.map(({ request, sentBytes, whole, tookMs }) => [
      peer.asked.findIndex((asked) => asked.request === request) >= 0,
      sentBytes,
      whole,
      tookMs,
    ]);
    assert.deepEqual(told, [
      [true, 2, true, 40],
      [true, 0, true, 40],
      [true, 3, false, 40],
    ]);
  });

  test("is told of what was under way as the connection closed", async () => {
    using peer = new Peer();
    await peer.exchange(headers(1));
    peer.asking(1).respond(reply(body().read()));
    await peer.hear();
    peer.connection.destroy();
    await peer.hear();
    assert.deepEqual(
      peer.endings.map(({ whole }) => whole),
      [false],
    );
  });
});
