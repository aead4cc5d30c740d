import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  CONTENT_TIMEOUT_MS,
  HEAD_TIMEOUT_MS,
  HTTP2_FRAME_TIMEOUT_MS,
  HTTP2_SETTINGS_TIMEOUT_MS,
  IDLE_TIMEOUT_MS,
  LINGER_TIMEOUT_MS,
  STALL_BYTES_MIN,
  WRITE_STALL_TIMEOUT_MS,
} from "#edge/limits.ts";
import {
  data,
  endHeaders,
  endStream,
  headers,
  POST,
  ping,
  preface,
  settings,
  settingsAck,
  windowUpdate,
} from "./frames.ts";
import { body, ok, Peer, reply } from "./support.ts";

const INITIAL_WINDOW_SIZE = 4;

describe("a connection", () => {
  const openings = [
    ["no preface", Buffer.alloc(0)],
    ["half a preface", Buffer.from(preface.slice(0, 10))],
    ["no SETTINGS", Buffer.from(preface)],
    ["no acknowledgement", Buffer.concat([Buffer.from(preface), settings()])],
  ] as const;
  for (const [what, opening] of openings) {
    test(`§6.5.3 with ${what} ends in time`, async () => {
      using peer = new Peer({ opening });
      await peer.hear();
      assert.deepEqual(await peer.pass(HTTP2_SETTINGS_TIMEOUT_MS - 1), []);
      assert.deepEqual(await peer.pass(1), ["GOAWAY 0 SETTINGS_TIMEOUT"]);
      assert(peer.ended);
    });
  }

  test("§9.1 without streams ends when it was idle for too long, whatever it pings", async () => {
    using peer = new Peer({ serve: ok });
    await peer.hear();
    await peer.pass(IDLE_TIMEOUT_MS - 1);
    await peer.exchange(headers(1));
    assert.deepEqual(await peer.pass(IDLE_TIMEOUT_MS - 1), []);
    await peer.exchange(ping());
    assert.deepEqual(await peer.pass(1), ["GOAWAY 1 NO_ERROR"]);
    assert(peer.ended);
  });

  test("is not idle while it waits for an answer", async () => {
    using peer = new Peer();
    await peer.exchange(headers(1));
    assert.deepEqual(await peer.pass(2 * IDLE_TIMEOUT_MS), []);
    peer.asking(1).respond(reply());
    assert.deepEqual(await peer.hear(), ["HEADERS 1 END_STREAM"]);
    assert.deepEqual(await peer.pass(IDLE_TIMEOUT_MS - 1), []);
    assert.deepEqual(await peer.pass(1), ["GOAWAY 1 NO_ERROR"]);
  });

  test("ends where a field block does not", async () => {
    using peer = new Peer();
    await peer.exchange(headers(1, endStream));
    assert.deepEqual(await peer.pass(HEAD_TIMEOUT_MS - 1), []);
    assert.deepEqual(await peer.pass(1), ["GOAWAY 1 PROTOCOL_ERROR"]);
  });

  test("ends where a frame does not, and each frame has its own time", async () => {
    using peer = new Peer();
    await peer.exchange(headers(1), ping());
    const wire = ping();
    for (let i = 0; i < 3; i += 1) {
      await peer.exchange(i === 0 ? wire.subarray(0, 9) : wire);
      assert.deepEqual(await peer.pass(HTTP2_FRAME_TIMEOUT_MS - 1), []);
    }
    assert.deepEqual(await peer.pass(1), ["GOAWAY 1 PROTOCOL_ERROR"]);
  });

  test("lingers after its end, so that its last frames arrive, and not for long", async () => {
    using peer = new Peer();
    await peer.exchange(data(1, 0));
    assert(peer.ended);
    assert.deepEqual(await peer.exchange(headers(1), headers(3)), []);
    assert.equal(peer.asked.length, 0);
    assert.equal(peer.closed, false);
    await peer.pass(LINGER_TIMEOUT_MS);
    assert.equal(peer.closed, true);
  });

  test("is cut where its socket takes nothing", async () => {
    using peer = new Peer({
      settings: [INITIAL_WINDOW_SIZE, 2 ** 30],
      serve: (_, exchange) => exchange.respond(reply(Buffer.alloc(2 ** 22))),
    });
    await peer.exchange(windowUpdate(0, 2 ** 30));
    peer.stopReading();
    await peer.exchange(headers(1));
    await peer.pass(0);
    await peer.pass(WRITE_STALL_TIMEOUT_MS - 1);
    assert.equal(peer.closed, false);
    await peer.pass(1);
    assert.equal(peer.closed, true);
    assert.deepEqual(
      peer.endings.map(({ whole }) => whole),
      [false],
    );
  });
});

describe("a reader", () => {
  const stalled = ["RST_STREAM 1 CANCEL"];

  test("that opens no window is cut, and the others are not", async () => {
    using peer = new Peer({ settings: [INITIAL_WINDOW_SIZE, 10] });
    await peer.exchange(headers(1), headers(3));
    peer.asking(1).respond(reply(Buffer.alloc(20)));
    await peer.hear();
    assert.deepEqual(await peer.pass(WRITE_STALL_TIMEOUT_MS - 1), []);
    peer.asking(3).respond(reply("ok"));
    const heard = await peer.pass(1);
    assert.deepEqual(heard, ["HEADERS 3", "DATA 3 2 END_STREAM", ...stalled]);
  });

  test("that opens its window by the octet is cut too", async () => {
    using peer = new Peer({ settings: [INITIAL_WINDOW_SIZE, 10] });
    await peer.exchange(headers(1));
    peer.asking(1).respond(reply(Buffer.alloc(2_000)));
    const heard: string[] = await peer.hear();
    for (let ms = 0; ms < WRITE_STALL_TIMEOUT_MS; ms += 1_000) {
      heard.push(...(await peer.exchange(windowUpdate(1, 1))), ...(await peer.pass(1_000)));
    }
    assert.match(heard.join("\n"), /(RST_STREAM 1 CANCEL|GOAWAY 1 ENHANCE_YOUR_CALM)/);
  });

  test("that takes enough is not, however slow", async () => {
    using peer = new Peer({ settings: [INITIAL_WINDOW_SIZE, 2 ** 14] });
    const large = 20 * STALL_BYTES_MIN;
    await peer.exchange(headers(1));
    peer.asking(1).respond(reply(Buffer.alloc(large)));
    await peer.hear();
    const step = STALL_BYTES_MIN / 4;
    for (let sent = 2 ** 14; sent < large; sent += step) {
      await peer.exchange(windowUpdate(0, step), windowUpdate(1, step));
      await peer.pass(WRITE_STALL_TIMEOUT_MS / 5);
    }
    assert.equal(peer.endings[0]?.whole, true);
  });

  test("that waits for the origin has all the time there is", async () => {
    using peer = new Peer();
    await peer.exchange(headers(1));
    peer.asking(1).respond(reply(body().read()));
    await peer.hear();
    await peer.pass(10 * WRITE_STALL_TIMEOUT_MS);
    assert.equal(peer.ended, false);
    assert.deepEqual(peer.endings, []);
  });

  test("that opens no window of the connection's ends it", async () => {
    using peer = new Peer({ settings: [INITIAL_WINDOW_SIZE, 2 ** 20] });
    await peer.exchange(headers(1), headers(3));
    for (const { exchange } of peer.asked) exchange.respond(reply(Buffer.alloc(2 ** 17)));
    await peer.hear();
    assert.deepEqual(await peer.pass(WRITE_STALL_TIMEOUT_MS - 1), []);
    assert.deepEqual(await peer.pass(1), ["GOAWAY 3 ENHANCE_YOUR_CALM"]);
    assert.deepEqual(
      peer.endings.map(({ whole }) => whole),
      [false, false],
    );
  });

  test("that others wait for is cut where it takes little", async () => {
    using peer = new Peer({ settings: [INITIAL_WINDOW_SIZE, 2 ** 20] });
    const shared = body("windowed");
    await peer.exchange(headers(1));
    const other = shared.read();
    peer.asking(1).respond(reply(shared.read()));
    // It takes 64 KiB in a minute: enough for itself, and too little for those who wait.
    const heard: string[] = [];
    for (let ms = 0; ms < WRITE_STALL_TIMEOUT_MS + 3_000; ms += 1_000) {
      for (let i = 0; i < 20; i += 1) shared.append(Buffer.alloc(2 ** 14));
      while (typeof other.read() !== "string");
      void shared.room();
      const opened = STALL_BYTES_MIN / 10;
      heard.push(...(await peer.exchange(windowUpdate(0, opened), windowUpdate(1, opened))));
      heard.push(...(await peer.pass(1_000)));
    }
    assert(heard.includes("RST_STREAM 1 CANCEL"));
  });
});

describe("a request's content", () => {
  test("that does not come is given up", async () => {
    using peer = new Peer();
    await peer.exchange(headers(1, endHeaders, POST), data(1, 0, "a"));
    assert.deepEqual(await peer.pass(CONTENT_TIMEOUT_MS - 1), []);
    assert.deepEqual(await peer.pass(1), ["RST_STREAM 1 CANCEL"]);
    assert.equal(peer.asking(1).left, true);
  });

  test("that nobody takes has all the time there is", async () => {
    using peer = new Peer();
    const all = Array.from({ length: 16 }, () => data(1, 0, "x".repeat(16_384)));
    await peer.exchange(headers(1, endHeaders, POST), ...all);
    await peer.pass(CONTENT_TIMEOUT_MS);
    await peer.pass(CONTENT_TIMEOUT_MS);
    assert.equal(peer.asking(1).left, false);
  });

  test("§6.5.3 is not waited for longer than SETTINGS", async () => {
    using peer = new Peer({ opening: Buffer.concat([Buffer.from(preface), settings()]) });
    await peer.exchange(headers(1, endHeaders, POST), settingsAck);
    assert.deepEqual(await peer.pass(HTTP2_SETTINGS_TIMEOUT_MS), []);
  });
});
