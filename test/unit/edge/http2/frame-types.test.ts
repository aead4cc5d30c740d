import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  continuation,
  data,
  endHeaders,
  endStream,
  frame,
  GET,
  goAway,
  headers,
  number,
  POST,
  ping,
  preface,
  priority,
  rstStream,
  settings,
  settingsAck,
  whole,
  windowUpdate,
} from "./frames.ts";
import { ok, Peer } from "./support.ts";

const PADDED = 0x08;
const PRIORITY = 0x20;
const answered = ["HEADERS 1", "DATA 1 2 END_STREAM"];
const open = headers(1, endHeaders, POST);

/** What is sent after the preface, and all that comes of it. */
const rules: readonly (readonly [string, readonly Buffer[], readonly string[]])[] = [
  ["§4.1 a frame of an unknown type is ignored", [frame(0x77, 0xff, 9, "x"), headers(1)], answered],
  [
    "§4.1 the reserved bit is ignored",
    [windowUpdate(0, number(2 ** 31 + 1)), frame(6, 0, 2 ** 31, "12345678")],
    ["PING ACK"],
  ],
  ["§4.1 flags that mean nothing are ignored", [ping("12345678", 0xf6)], ["PING ACK"]],
  [
    "§4.2 a frame above 16,384 octets is a connection error, told by its head",
    [frame(0, 0, 1, "x".repeat(16_385)).subarray(0, 9)],
    ["GOAWAY 0 FRAME_SIZE_ERROR"],
  ],
  [
    "§4.2 HEADERS too short for their flags are FRAME_SIZE_ERROR",
    [frame(1, whole | PRIORITY, 1, "1234")],
    ["GOAWAY 0 FRAME_SIZE_ERROR"],
  ],
  [
    "§4.3 a block that cannot be decoded is COMPRESSION_ERROR",
    [frame(1, whole, 1, "\x80")],
    ["GOAWAY 1 COMPRESSION_ERROR"],
  ],
  [
    "§4.3 nothing comes between the frames of a block",
    [headers(1, endStream), ping()],
    ["GOAWAY 1 PROTOCOL_ERROR"],
  ],
  [
    "§5.5 nothing unknown either",
    [headers(1, endStream), frame(0x77, 0, 0)],
    ["GOAWAY 1 PROTOCOL_ERROR"],
  ],
  ["§6.1 DATA of stream 0", [data(0, 0, "x")], ["GOAWAY 0 PROTOCOL_ERROR"]],
  [
    "§6.1 DATA padded to the full",
    [open, frame(0, PADDED, 1, "\x03ab")],
    ["GOAWAY 1 PROTOCOL_ERROR"],
  ],
  [
    "§6.1 DATA with padding and nothing else",
    [open, frame(0, PADDED | endStream, 1, "\x02ab")],
    [],
  ],
  ["§6.1 DATA padded without a length", [open, frame(0, PADDED, 1)], ["GOAWAY 1 FRAME_SIZE_ERROR"]],
  ["§6.2 HEADERS of stream 0", [headers(0)], ["GOAWAY 0 PROTOCOL_ERROR"]],
  [
    "§6.2 HEADERS padded beyond their end",
    [frame(1, whole | PADDED, 1, "\x05abcd")],
    ["GOAWAY 0 PROTOCOL_ERROR"],
  ],
  [
    "§6.3 PRIORITY is ignored on any stream",
    [priority(1), priority(8), headers(3), priority(3)],
    ["HEADERS 3", "DATA 3 2 END_STREAM"],
  ],
  ["§6.3 PRIORITY of stream 0", [priority(0)], ["GOAWAY 0 PROTOCOL_ERROR"]],
  [
    "§6.3 PRIORITY of a wrong size is a stream error",
    [open, priority(1, "1234")],
    ["RST_STREAM 1 FRAME_SIZE_ERROR"],
  ],
  [
    "§6.3 which on an idle stream has to be the connection's",
    [priority(1, "1234")],
    ["GOAWAY 0 FRAME_SIZE_ERROR"],
  ],
  [
    "RFC 7540 §5.3.1 a stream depends on itself by PRIORITY",
    [open, priority(1, `${number(1)}\0`)],
    ["RST_STREAM 1 PROTOCOL_ERROR"],
  ],
  [
    "RFC 7540 §5.3.1 or by HEADERS",
    [frame(1, whole | PRIORITY, 1, `${number(1)}\0`)],
    ["RST_STREAM 1 PROTOCOL_ERROR"],
  ],
  ["§6.4 RST_STREAM of stream 0", [rstStream(0)], ["GOAWAY 0 PROTOCOL_ERROR"]],
  ["§6.4 RST_STREAM of an idle stream", [rstStream(1)], ["GOAWAY 0 PROTOCOL_ERROR"]],
  ["§6.4 RST_STREAM of a wrong size", [open, rstStream(1, "123")], ["GOAWAY 1 FRAME_SIZE_ERROR"]],
  ["§6.5 SETTINGS of a stream", [frame(4, 0, 1)], ["GOAWAY 0 PROTOCOL_ERROR"]],
  ["§6.5 SETTINGS of a wrong size", [frame(4, 0, 0, "12345")], ["GOAWAY 0 FRAME_SIZE_ERROR"]],
  [
    "§6.5 an acknowledgement with a payload",
    [frame(4, 1, 0, number(0, 6))],
    ["GOAWAY 0 FRAME_SIZE_ERROR"],
  ],
  ["§6.5.2 ENABLE_PUSH of 2", [settings(2, 2)], ["GOAWAY 0 PROTOCOL_ERROR"]],
  ["§6.5.2 INITIAL_WINDOW_SIZE of 2^31", [settings(4, 2 ** 31)], ["GOAWAY 0 FLOW_CONTROL_ERROR"]],
  ["§6.5.2 MAX_FRAME_SIZE of 16,383", [settings(5, 16_383)], ["GOAWAY 0 PROTOCOL_ERROR"]],
  ["§6.5.2 MAX_FRAME_SIZE of 2^24", [settings(5, 2 ** 24)], ["GOAWAY 0 PROTOCOL_ERROR"]],
  ["§6.5.2 a setting that is not known is ignored", [settings(0x77, 1), headers(1)], answered],
  ["RFC 9218 §2.1 NO_RFC7540_PRIORITIES of 2", [settings(9, 2)], ["GOAWAY 0 PROTOCOL_ERROR"]],
  ["§6.6 PUSH_PROMISE of a client", [frame(5, endHeaders, 1)], ["GOAWAY 0 PROTOCOL_ERROR"]],
  ["§6.7 PING is answered", [ping()], ["PING ACK"]],
  ["§6.7 the answer to a PING is not", [ping("12345678", 1)], []],
  ["§6.7 PING of a stream", [frame(6, 0, 1, "12345678")], ["GOAWAY 0 PROTOCOL_ERROR"]],
  ["§6.7 PING of a wrong size", [ping("1234567")], ["GOAWAY 0 FRAME_SIZE_ERROR"]],
  ["§6.8 GOAWAY of a stream", [goAway(1)], ["GOAWAY 0 PROTOCOL_ERROR"]],
  ["§6.8 GOAWAY of a wrong size", [goAway(0, "1234567")], ["GOAWAY 0 FRAME_SIZE_ERROR"]],
  [
    "§6.8 after GOAWAY what is open is answered, and the connection ends",
    [headers(1), goAway()],
    [...answered, "GOAWAY 1 NO_ERROR"],
  ],
  ["§6.9 WINDOW_UPDATE of a wrong size", [windowUpdate(0, "123")], ["GOAWAY 0 FRAME_SIZE_ERROR"]],
  ["§6.9 WINDOW_UPDATE of an idle stream", [windowUpdate(1, 1)], ["GOAWAY 0 PROTOCOL_ERROR"]],
  ["§6.10 CONTINUATION of nothing", [continuation(1, endHeaders)], ["GOAWAY 0 PROTOCOL_ERROR"]],
  [
    "§6.10 CONTINUATION of a block that has ended",
    [open, continuation(1, endHeaders)],
    ["GOAWAY 1 PROTOCOL_ERROR"],
  ],
  [
    "§6.10 CONTINUATION of another stream",
    [headers(1, endStream), continuation(3, endHeaders)],
    ["GOAWAY 1 PROTOCOL_ERROR"],
  ],
];

describe("frames", () => {
  for (const [rule, sent, heard] of rules) {
    test(rule, async () => {
      using peer = new Peer({
        serve: (request, exchange) => void (exchange.content ?? ok(request, exchange)),
      });
      assert.deepEqual(await peer.exchange(...sent), heard);
      assert.equal(
        peer.ended,
        heard.some((word) => word.startsWith("GOAWAY")),
      );
    });
  }

  test("§6.7 the answer to a PING has its octets", async () => {
    using peer = new Peer();
    peer.send(ping("abcdefgh"));
    assert.equal((await peer.receive()).at(-1)?.payload.toString(), "abcdefgh");
  });

  test("§6.10 a block may come in any number of pieces", async () => {
    using peer = new Peer({ serve: ok });
    const text = headers(1).subarray(9).toString("latin1");
    const pieces = [frame(1, endStream, 1, text.slice(0, 3)), continuation(1, 0)];
    pieces.push(continuation(1, 0, text.slice(3, 9)), continuation(1, endHeaders, text.slice(9)));
    assert.deepEqual(await peer.exchange(...pieces), answered);
    assert.equal(peer.asked[0]?.request.host, "a.test");
  });

  test("§6.2 padding and priority are taken off HEADERS", async () => {
    using peer = new Peer({ serve: ok });
    const text = headers(1).subarray(9).toString("latin1");
    const payload = `\x04${number(0)}\x10${text}\0\0\0\0`;
    assert.deepEqual(
      await peer.exchange(frame(1, whole | PADDED | PRIORITY, 1, payload)),
      answered,
    );
    assert.equal(peer.asked[0]?.request.target, "/");
  });
});

describe("the preface", () => {
  test("§3.4 of the server is SETTINGS, before anything has come", async () => {
    using peer = new Peer({ opening: Buffer.alloc(0) });
    const [first] = await peer.receive();
    assert.equal(first?.type, 4);
    assert.equal(first.flags, 0);
  });

  test("§6.5.3 SETTINGS are acknowledged", async () => {
    using peer = new Peer();
    const frames = await peer.receive();
    assert.deepEqual(frames.map(({ type, flags }) => [type, flags]).slice(2), [[4, 1]]);
  });

  test("§3.3 may have been read before it was known what it is", async () => {
    const opening = Buffer.concat([Buffer.from(preface), settings(), settingsAck, headers(1)]);
    for (const read of [1, 14, 24, 30, opening.length]) {
      const received = opening.subarray(0, read);
      using peer = new Peer({ serve: ok, received, opening: opening.subarray(read) });
      assert.deepEqual(await peer.hear(), answered);
    }
  });

  const wrong = [
    ["§3.4 that is another", Buffer.from("GET / HTTP/1.1\r\n\r\n")],
    ["§3.4 that has another end", Buffer.from(`${preface.slice(0, -2)}xx`)],
    ["§3.4 without SETTINGS", Buffer.concat([Buffer.from(preface), ping()])],
    ["§3.4 with an acknowledgement first", Buffer.concat([Buffer.from(preface), settingsAck])],
    ["§3.4 with a request first", Buffer.concat([Buffer.from(preface), headers(1, whole, GET)])],
  ] as const;
  for (const [what, opening] of wrong) {
    test(`${what} is PROTOCOL_ERROR`, async () => {
      using peer = new Peer({ opening });
      assert.deepEqual(await peer.hear(), ["GOAWAY 0 PROTOCOL_ERROR"]);
      assert(peer.ended);
    });
  }
});
