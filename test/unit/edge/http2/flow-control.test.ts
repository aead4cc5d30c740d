import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { FileBody } from "#edge/disk/file-body.ts";
import {
  CONTENT_BYTES_MAX,
  HTTP2_CONNECTION_WINDOW_BYTES,
  SMALL_BODY_BYTES_MAX,
} from "#edge/limits.ts";
import { FileReader } from "#edge/tiers/file-reader.ts";
import { FrameType } from "#edge/wire/http2/frames.ts";
import { data, endHeaders, frame, headers, POST, settings, windowUpdate } from "./frames.ts";
import { body, Peer, reply } from "./support.ts";

const WINDOW = 65_535;
const INITIAL_WINDOW_SIZE = 4;
const KIB_16 = "x".repeat(16_384);

/** How many octets of content these frames of the server's bring. */
function contentBytes(words: readonly string[]): number {
  return words.reduce((sum, word) => sum + Number(/^DATA \d+ (\d+)/.exec(word)?.[1] ?? 0), 0);
}

const large = (bytes: number): Buffer => Buffer.alloc(bytes);

/** A reader of a body in a file that has this octet all over. */
function inFile(octet: string, bytes: number): FileReader {
  const file: Pick<FileBody, "length" | "hold" | "release" | "readNow"> = {
    length: bytes,
    hold: () => undefined,
    release: () => undefined,
    readNow: (into) => {
      into.fill(octet);
      return "read";
    },
  };
  return new FileReader(file as FileBody, 0, bytes);
}

describe("the windows of a response", () => {
  test("§5.2.1 hold back what is above the stream's and the connection's", async () => {
    using peer = new Peer({ serve: (_, exchange) => exchange.respond(reply(large(WINDOW + 10))) });
    assert.equal(contentBytes(await peer.exchange(headers(1))), WINDOW);
    assert.deepEqual(await peer.exchange(windowUpdate(1, 100)), []);
    assert.deepEqual(await peer.exchange(windowUpdate(0, 4)), ["DATA 1 4"]);
    assert.deepEqual(await peer.exchange(windowUpdate(0, 100)), ["DATA 1 6 END_STREAM"]);
  });

  test("§6.9.1 do not hold back HEADERS, nor content of no octets", async () => {
    const contents = [large(WINDOW), Buffer.alloc(0), undefined];
    using peer = new Peer({
      serve: (_, exchange) => exchange.respond(reply(contents.shift())),
    });
    await peer.exchange(headers(1));
    assert.deepEqual(await peer.exchange(headers(3), headers(5)), [
      "HEADERS 3 END_STREAM",
      "HEADERS 5 END_STREAM",
    ]);
  });

  test("§6.9.1 are open in part for what is above them", async () => {
    using peer = new Peer({
      settings: [INITIAL_WINDOW_SIZE, 3],
      serve: (_, exchange) => exchange.respond(reply("12345")),
    });
    assert.deepEqual(await peer.exchange(headers(1)), ["HEADERS 1", "DATA 1 3"]);
    assert.deepEqual(await peer.exchange(windowUpdate(1, 1)), ["DATA 1 1"]);
    assert.deepEqual(await peer.exchange(windowUpdate(1, 1)), ["DATA 1 1 END_STREAM"]);
  });

  test("§6.9.2 move with SETTINGS, below nothing too", async () => {
    using peer = new Peer({ serve: (_, exchange) => exchange.respond(reply(large(30))) });
    peer.send(settings(INITIAL_WINDOW_SIZE, 20));
    assert.deepEqual(await peer.exchange(headers(1)), ["HEADERS 1", "DATA 1 20"]);
    // It is -15 now, and 0 after what is let in.
    assert.deepEqual(await peer.exchange(settings(INITIAL_WINDOW_SIZE, 5)), []);
    assert.deepEqual(await peer.exchange(windowUpdate(1, 15)), []);
    assert.deepEqual(await peer.exchange(windowUpdate(1, 2)), ["DATA 1 2"]);
    assert.deepEqual(await peer.exchange(settings(INITIAL_WINDOW_SIZE, 6)), ["DATA 1 1"]);
    assert.deepEqual(await peer.exchange(settings(INITIAL_WINDOW_SIZE, 100)), [
      "DATA 1 7 END_STREAM",
    ]);
  });

  for (const bytes of [100, SMALL_BODY_BYTES_MAX]) {
    test(`keep what waits for them, ${bytes} octets from a file, from what is read next`, async () => {
      const octets = ["a", "b", "c"];
      using peer = new Peer({
        settings: [INITIAL_WINDOW_SIZE, 0],
        serve: (_, exchange) => exchange.respond(reply(inFile(octets.shift() ?? "", bytes))),
      });
      await peer.exchange(headers(1), headers(3), headers(5));
      peer.send(settings(INITIAL_WINDOW_SIZE, bytes));
      const contents = ["", "", ""];
      for (const { type, streamId, payload } of await peer.receive()) {
        if (type === FrameType.data) contents[(streamId - 1) / 2] += payload.toString();
      }
      assert(contents.every((content) => content.length === bytes));
      assert.deepEqual(
        contents.map((content) => [...new Set(content)].join("")),
        ["a", "b", "c"],
      );
    });
  }

  test("§6.5.3 move by the last of several values", async () => {
    using peer = new Peer({ serve: (_, exchange) => exchange.respond(reply("12345")) });
    const several = settings(INITIAL_WINDOW_SIZE, 100, INITIAL_WINDOW_SIZE, 1);
    assert.deepEqual(await peer.exchange(several, headers(1)), ["HEADERS 1", "DATA 1 1"]);
  });

  const stalled = new Map<string, readonly [readonly Buffer[], string]>([
    [
      "§6.9 an increment of 0 is a stream error",
      [[windowUpdate(1, 0)], "RST_STREAM 1 PROTOCOL_ERROR"],
    ],
    ["§6.9 and the connection's on stream 0", [[windowUpdate(0, 0)], "GOAWAY 1 PROTOCOL_ERROR"]],
    [
      "§6.9.1 above 2^31-1 is a stream error",
      [[windowUpdate(1, 2 ** 31 - 1)], "RST_STREAM 1 FLOW_CONTROL_ERROR"],
    ],
    [
      "§6.9.1 and the connection's on stream 0",
      [[windowUpdate(0, 2 ** 31 - 1)], "GOAWAY 1 FLOW_CONTROL_ERROR"],
    ],
    [
      "§6.9.2 and the connection's if SETTINGS have done it",
      [
        [windowUpdate(1, 2 ** 30), settings(INITIAL_WINDOW_SIZE, 2 ** 31 - 1)],
        "GOAWAY 1 FLOW_CONTROL_ERROR",
      ],
    ],
  ]);
  for (const [rule, [frames, heard]] of stalled) {
    test(rule, async () => {
      using peer = new Peer();
      await peer.exchange(headers(1));
      assert.deepEqual(await peer.exchange(...frames), [heard]);
    });
  }

  test("are shared out in turns among those that wait", async () => {
    using peer = new Peer({ settings: [INITIAL_WINDOW_SIZE, 2 ** 20] });
    peer.send(windowUpdate(0, 2 ** 20 - WINDOW));
    await peer.exchange(headers(1), headers(3), headers(5));
    for (const { exchange } of peer.asked) exchange.respond(reply(large(40_000)));
    const order = (await peer.hear())
      .filter((word) => word.startsWith("DATA"))
      .map((word) => word.split(" ")[1]);
    assert.deepEqual(order, ["1", "3", "5", "1", "3", "5", "1", "3", "5"]);
  });

  test("do not let a stream that waits for its own hold up another", async () => {
    using peer = new Peer({ settings: [INITIAL_WINDOW_SIZE, 10] });
    await peer.exchange(headers(1), headers(3));
    for (const { exchange } of peer.asked) exchange.respond(reply(large(20)));
    await peer.hear();
    assert.deepEqual(await peer.exchange(windowUpdate(3, 10)), ["DATA 3 10 END_STREAM"]);
  });

  test("wait for the origin's octets as for the peer's windows", async () => {
    const growing = body();
    using peer = new Peer({ settings: [INITIAL_WINDOW_SIZE, 4] });
    await peer.exchange(headers(1));
    peer.asking(1).respond(reply(growing.read()));
    assert.deepEqual(await peer.hear(), ["HEADERS 1"]);
    growing.append(Buffer.from("123"));
    assert.deepEqual(await peer.hear(), ["DATA 1 3"]);
    growing.append(Buffer.from("456"));
    assert.deepEqual(await peer.hear(), ["DATA 1 1"]);
    growing.end("whole");
    assert.deepEqual(await peer.exchange(windowUpdate(1, 9)), ["DATA 1 2 END_STREAM"]);
  });
});

describe("the windows of a request", () => {
  const post = (streamId: number): Buffer => headers(streamId, endHeaders, POST);
  const fill = (streamId: number): Buffer[] =>
    Array.from({ length: CONTENT_BYTES_MAX / KIB_16.length }, () => data(streamId, 0, KIB_16));

  test("§6.9.1 are not to be overrun on a stream", async () => {
    using peer = new Peer();
    assert.deepEqual(await peer.exchange(post(1), ...fill(1)), []);
    assert.deepEqual(await peer.exchange(data(1, 0, "x")), ["RST_STREAM 1 FLOW_CONTROL_ERROR"]);
  });

  test("§6.9.1 nor on the connection", async () => {
    using peer = new Peer();
    const streams = HTTP2_CONNECTION_WINDOW_BYTES / CONTENT_BYTES_MAX;
    for (let id = 1; id < 2 * streams; id += 2) peer.send(post(id), ...fill(id));
    assert.deepEqual(await peer.hear(), []);
    const id = 2 * streams + 1;
    const heard = await peer.exchange(post(id), data(id, 0, "x"));
    assert.deepEqual(heard, [`GOAWAY ${id} FLOW_CONTROL_ERROR`]);
  });

  test("§6.9 are opened as octets are taken, by halves", async () => {
    using peer = new Peer();
    await peer.exchange(post(1), ...fill(1));
    let taken = 0;
    for await (const chunk of peer.asking(1).content ?? []) {
      taken += chunk.length;
      if (taken === CONTENT_BYTES_MAX) break;
    }
    const half = CONTENT_BYTES_MAX / 2;
    assert.deepEqual(await peer.hear(), [`WINDOW_UPDATE 1 ${half}`]);
    peer.asking(1).respond(reply());
    assert.deepEqual(await peer.hear(), ["HEADERS 1 END_STREAM", "RST_STREAM 1 NO_ERROR"]);
  });

  test("give the connection back what is dropped, whoever drops it", async () => {
    using peer = new Peer({
      serve: (request, exchange) => {
        // Every other one is answered at once; the rest stay unread until they are reset.
        if (request.fields.includes("now")) exchange.respond(reply());
      },
    });
    let opened = 0;
    const rounds = (4 * HTTP2_CONNECTION_WINDOW_BYTES) / CONTENT_BYTES_MAX;
    for (let i = 0; i < rounds; i += 1) {
      const id = 2 * i + 1;
      const head = headers(id, endHeaders, i % 2 === 0 ? [...POST, "x-when", "now"] : POST);
      const heard = await peer.exchange(head, ...fill(id), frame(3, 0, id, "\0\0\0\x08"));
      for (const word of heard) opened += Number(/^WINDOW_UPDATE 0 (\d+)/.exec(word)?.[1] ?? 0);
    }
    const sent = rounds * CONTENT_BYTES_MAX;
    assert(sent - opened <= HTTP2_CONNECTION_WINDOW_BYTES / 2, `${opened} of ${sent}`);
  });

  test("§6.1 count padding too", async () => {
    using peer = new Peer();
    const padded = (): Buffer => frame(0, 0x08, 1, `\xff${"\0".repeat(255)}`);
    const frames = CONTENT_BYTES_MAX / 2 / 256;
    const heard = await peer.exchange(post(1), ...Array.from({ length: frames }, padded));
    assert.deepEqual(heard, [`WINDOW_UPDATE 1 ${CONTENT_BYTES_MAX / 2}`]);
  });

  test("are kept open for others while one stalls", async () => {
    using peer = new Peer();
    await peer.exchange(post(1), ...fill(1), post(3), ...fill(3));
    const content = peer.asking(3).content ?? assert.fail();
    let taken = 0;
    for await (const chunk of content) {
      taken += chunk.length;
      if (taken === CONTENT_BYTES_MAX) break;
    }
    assert.equal(taken, CONTENT_BYTES_MAX);
  });
});
