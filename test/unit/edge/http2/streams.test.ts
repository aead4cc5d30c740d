import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { HTTP2_STREAMS_MAX } from "#edge/limits.ts";
import {
  block,
  continuation,
  data,
  endHeaders,
  endStream,
  GET,
  headers,
  POST,
  rstStream,
  whole,
  windowUpdate,
} from "./frames.ts";
import { ok, Peer, type PeerTerms, reply } from "./support.ts";

/** Answers what has no content, and lets the rest wait. */
const patient: PeerTerms = {
  serve: (request, exchange) => {
    if (exchange.content === undefined && request.target !== "/wait") ok(request, exchange);
  },
};
const wait = [...GET.slice(0, -2), ":path", "/wait"];
const answered = ["HEADERS 1", "DATA 1 2 END_STREAM"];

/** §5.1: what the stream is like, what comes then, and what is said to it. */
const states: readonly (readonly [string, readonly Buffer[], readonly Buffer[], string])[] = [
  ["idle", [], [data(1, 0)], "GOAWAY 0 PROTOCOL_ERROR"],
  ["idle", [], [rstStream(1)], "GOAWAY 0 PROTOCOL_ERROR"],
  ["idle", [], [windowUpdate(1, 1)], "GOAWAY 0 PROTOCOL_ERROR"],
  ["idle", [], [continuation(1, endHeaders)], "GOAWAY 0 PROTOCOL_ERROR"],
  ["open", [headers(1, endHeaders, POST)], [headers(1, endHeaders)], "RST_STREAM 1 PROTOCOL_ERROR"],
  ["half-closed (remote)", [headers(1, whole, wait)], [data(1, 0)], "RST_STREAM 1 STREAM_CLOSED"],
  ["half-closed (remote)", [headers(1, whole, wait)], [headers(1)], "RST_STREAM 1 STREAM_CLOSED"],
  ["half-closed (remote)", [headers(1, whole, wait)], [windowUpdate(1, 1)], ""],
  ["closed by END_STREAM", [headers(1)], [data(1, 0)], "GOAWAY 1 STREAM_CLOSED"],
  ["closed by END_STREAM", [headers(1)], [headers(1)], "GOAWAY 1 STREAM_CLOSED"],
  ["closed by END_STREAM", [headers(1)], [windowUpdate(1, 1)], ""],
  ["closed by END_STREAM", [headers(1)], [rstStream(1)], ""],
  ["closed by the peer's RST_STREAM", closing(rstStream(1)), [data(1, 0)], closed(1)],
  ["closed by the peer's RST_STREAM", closing(rstStream(1)), [headers(1)], closed(1)],
  ["closed by the peer's RST_STREAM", closing(rstStream(1)), [rstStream(1)], ""],
  ["closed by the peer's RST_STREAM", closing(rstStream(1)), [windowUpdate(1, 1)], ""],
  ["closed by our RST_STREAM", closing(windowUpdate(1, 0)), [data(1, 0, "x")], ""],
  ["closed by our RST_STREAM", closing(windowUpdate(1, 0)), [headers(1)], ""],
  ["closed by our RST_STREAM", closing(windowUpdate(1, 0)), [windowUpdate(1, 0)], ""],
  ["closed by a higher one", [headers(5)], [headers(3)], "GOAWAY 5 PROTOCOL_ERROR"],
  ["closed by a higher one", [headers(5)], [data(3, 0)], "GOAWAY 5 STREAM_CLOSED"],
  ["the server's", [], [headers(2)], "GOAWAY 0 PROTOCOL_ERROR"],
  ["the server's", [headers(5)], [data(2, 0)], "GOAWAY 5 PROTOCOL_ERROR"],
  ["the server's", [headers(5)], [windowUpdate(2, 1)], "GOAWAY 5 PROTOCOL_ERROR"],
];

function closing(frame: Buffer): Buffer[] {
  return [headers(1, endHeaders, POST), frame];
}

function closed(streamId: number): string {
  return `RST_STREAM ${streamId} STREAM_CLOSED`;
}

describe("a stream", () => {
  for (const [state, before, sent, heard] of states) {
    const name = `${sent[0]?.[3]}`;
    test(`§5.1 ${state}: a frame of type ${name} is ${heard || "ignored"}`, async () => {
      using peer = new Peer(patient);
      await peer.exchange(...before);
      assert.deepEqual(await peer.exchange(...sent), heard === "" ? [] : [heard]);
    });
  }

  test("§5.1 is forgotten by the field tables never: what it ignores is decoded", async () => {
    using peer = new Peer(patient);
    // RFC 7541 §6.2.1: this one enters the table, on a stream that the server has reset.
    const insert = `${block(GET)}\x40\x03x-a\x01b`;
    await peer.exchange(headers(1, endHeaders, POST), windowUpdate(1, 0));
    const inserting = Buffer.from(headers(1, whole, []));
    inserting.writeUIntBE(insert.length, 0, 3);
    const referring = Buffer.from(headers(3, whole, []));
    const reference = `${block(GET)}\xbe`;
    referring.writeUIntBE(reference.length, 0, 3);
    const octets = [inserting, Buffer.from(insert, "latin1")];
    octets.push(referring, Buffer.from(reference, "latin1"));
    assert.deepEqual(await peer.exchange(...octets), ["HEADERS 3", "DATA 3 2 END_STREAM"]);
    assert.deepEqual(peer.asked.at(-1)?.request.fields, ["x-a", "b"]);
  });

  test("§5.1 is half-closed (remote) after trailers", async () => {
    using peer = new Peer();
    const trailers = headers(1, whole, ["x-sum", "1"]);
    const frames = [headers(1, endHeaders, POST), data(1, 0, "ab"), trailers, data(1, 0)];
    assert.deepEqual(await peer.exchange(...frames), ["RST_STREAM 1 STREAM_CLOSED"]);
  });

  test("§5.1.2 is refused above the limit, and taken again below it", async () => {
    using peer = new Peer();
    for (let i = 0; i < HTTP2_STREAMS_MAX; i += 1) peer.send(headers(2 * i + 1, whole));
    const next = 2 * HTTP2_STREAMS_MAX + 1;
    assert.deepEqual(await peer.exchange(headers(next)), [`RST_STREAM ${next} REFUSED_STREAM`]);
    peer.asking(1).respond(reply());
    assert.deepEqual(await peer.exchange(headers(next + 2)), ["HEADERS 1 END_STREAM"]);
    assert.equal(peer.asked.length, HTTP2_STREAMS_MAX + 1);
  });

  test("§5.4.2 that is reset leaves the others alone", async () => {
    using peer = new Peer();
    await peer.exchange(headers(1), headers(3), rstStream(1));
    assert.equal(peer.asking(1).left, true);
    peer.asking(1).respond(reply("late"));
    peer.asking(3).respond(reply("ok"));
    assert.deepEqual(await peer.hear(), ["HEADERS 3", "DATA 3 2 END_STREAM"]);
  });

  test("tells once that its client has left, unless it was answered", async () => {
    using peer = new Peer();
    const left: number[] = [];
    await peer.exchange(headers(1), headers(3), headers(5));
    for (const [i, { exchange }] of peer.asked.entries()) exchange.whenLeft(() => left.push(i));
    peer.asking(5).respond(reply());
    await peer.exchange(rstStream(1), rstStream(5));
    peer.connection.destroy();
    await peer.hear();
    assert.deepEqual(left, [0, 1]);
  });
});

describe("a connection that drains", () => {
  test("§6.8 answers what has come, drops what comes, and ends", async () => {
    using peer = new Peer();
    await peer.exchange(headers(1));
    peer.connection.drain();
    assert.deepEqual(await peer.hear(), ["GOAWAY 1 NO_ERROR"]);
    assert.deepEqual(
      await peer.exchange(headers(3), headers(5, endHeaders), data(5, endStream)),
      [],
    );
    peer.asking(1).respond(reply("ok"));
    assert.deepEqual(await peer.hear(), answered);
    assert(peer.ended);
    assert.equal(peer.asked.length, 1);
  });

  test("§6.8 never tells of a higher last stream than before", async () => {
    using peer = new Peer();
    await peer.exchange(headers(1));
    peer.connection.drain();
    const heard = await peer.exchange(headers(3), windowUpdate(0, 0));
    assert.deepEqual(heard, ["GOAWAY 1 NO_ERROR", "GOAWAY 1 PROTOCOL_ERROR"]);
  });

  test("ends at once where nothing is open", async () => {
    using peer = new Peer(patient);
    await peer.exchange(headers(1));
    peer.connection.drain();
    assert.deepEqual(await peer.hear(), ["GOAWAY 1 NO_ERROR"]);
    assert(peer.ended);
  });

  test("answers a client that has ended its side", async () => {
    using peer = new Peer();
    await peer.exchange(headers(1));
    peer.wire.end();
    assert.deepEqual(await peer.hear(), ["GOAWAY 1 NO_ERROR"]);
    peer.asking(1).respond(reply("ok"));
    assert.deepEqual(await peer.hear(), answered);
    assert(peer.ended);
  });
});
