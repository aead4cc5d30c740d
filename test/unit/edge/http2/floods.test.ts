import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  HEAD_BYTES_MAX,
  HTTP2_BLOCK_BYTES_MAX,
  HTTP2_CONTINUATIONS_MAX,
  HTTP2_CONTROLS_MAX,
  HTTP2_CONTROLS_PER_SECOND,
  HTTP2_FIELD_LINES_MAX,
  HTTP2_RESETS_MAX,
  HTTP2_RESETS_PER_SECOND,
} from "#edge/limits.ts";
import {
  continuation,
  data,
  endHeaders,
  endStream,
  frame,
  GET,
  headers,
  POST,
  ping,
  priority,
  rstStream,
  settings,
  whole,
  windowUpdate,
} from "./frames.ts";
import { ok, Peer, type PeerTerms, reply } from "./support.ts";

/** Answers what has no content. */
const patient: PeerTerms = {
  serve: (request, exchange) => {
    if (exchange.content === undefined) ok(request, exchange);
  },
};

/** The id of the nth stream. */
const nth = (n: number): number => 2 * n + 1;
const post = (id: number): Buffer => headers(id, endHeaders, POST);

/** What is sent for the nth time, after the POST of stream 1 where there is `open`. */
interface Flood {
  readonly max: number;
  readonly open?: true;
  readonly send: (n: number) => Buffer;
}

const floods: Readonly<Record<string, Flood>> = {
  PING: { max: HTTP2_CONTROLS_MAX, send: () => ping() },
  "the answers to no PING": { max: HTTP2_CONTROLS_MAX, send: () => ping("12345678", 1) },
  SETTINGS: { max: HTTP2_CONTROLS_MAX, send: () => settings() },
  PRIORITY: { max: HTTP2_CONTROLS_MAX, send: (n) => priority(nth(n)) },
  WINDOW_UPDATE: { max: HTTP2_CONTROLS_MAX, send: () => windowUpdate(0, 1) },
  "unknown frames": { max: HTTP2_CONTROLS_MAX, send: () => frame(0x77, 0, 0) },
  "empty DATA": { max: HTTP2_CONTROLS_MAX, open: true, send: () => data(1, 0) },
  "DATA of an octet": { max: HTTP2_CONTROLS_MAX, open: true, send: () => data(1, 0, "x") },
  "DATA of padding": { max: HTTP2_CONTROLS_MAX, open: true, send: () => frame(0, 8, 1, "\x01\0") },
  "RST_STREAM of what was reset": { max: HTTP2_CONTROLS_MAX, open: true, send: () => rstStream(1) },
  "rapid resets (CVE-2023-44487)": {
    max: HTTP2_RESETS_MAX,
    send: (n) => Buffer.concat([post(nth(n)), rstStream(nth(n))]),
  },
  "resets provoked by an increment of 0 (CVE-2025-8671)": {
    max: HTTP2_RESETS_MAX,
    send: (n) => Buffer.concat([post(nth(n)), windowUpdate(nth(n), 0)]),
  },
  "resets provoked by a window too large (CVE-2025-8671)": {
    max: HTTP2_RESETS_MAX,
    send: (n) => Buffer.concat([post(nth(n)), windowUpdate(nth(n), 2 ** 31 - 1)]),
  },
  "resets provoked by a PRIORITY of a wrong size (CVE-2025-8671)": {
    max: HTTP2_RESETS_MAX,
    send: (n) => Buffer.concat([post(nth(n)), priority(nth(n), "")]),
  },
  "resets provoked by HEADERS between DATA (CVE-2025-8671)": {
    max: HTTP2_RESETS_MAX,
    send: (n) => Buffer.concat([post(nth(n)), headers(nth(n), endHeaders, ["a", "b"])]),
  },
  "resets provoked by DATA above its length (CVE-2025-8671)": {
    max: HTTP2_RESETS_MAX,
    send: (n) => {
      const head = headers(nth(n), endHeaders, [...POST, "content-length", "1"]);
      return Buffer.concat([head, data(nth(n), endStream, "ab")]);
    },
  },
  "empty HEADERS": { max: HTTP2_RESETS_MAX, send: (n) => headers(nth(n), whole, []) },
  "malformed requests": {
    max: HTTP2_RESETS_MAX,
    send: (n) => headers(nth(n), whole, [...GET, "X", "y"]),
  },
  "DATA of a stream that was reset": {
    max: HTTP2_CONTROLS_MAX,
    send: (n) => (n === 0 ? Buffer.concat([post(1), rstStream(1)]) : data(1, 0, "x".repeat(300))),
  },
  "HEADERS of a stream that was reset": {
    max: HTTP2_CONTROLS_MAX,
    send: (n) => (n === 0 ? Buffer.concat([post(1), windowUpdate(1, 0)]) : headers(1)),
  },
};

describe("a flood", () => {
  for (const [what, flood] of Object.entries(floods)) {
    const { max, open, send } = flood;
    test(`of ${what} ends the connection, and what is below it does not`, async () => {
      using peer = new Peer(patient);
      // What the peer begins with, and the stream's end where there is one, are counted too.
      const slack = 10;
      if (open === true) peer.send(post(1));
      const some = Array.from({ length: max - slack }, (_, n) => send(n));
      const before = await peer.exchange(...some);
      assert(!before.some((word) => word.startsWith("GOAWAY")), before.join("\n"));
      const more = Array.from({ length: 2 * slack }, (_, n) => send(max - slack + n));
      const heard = await peer.exchange(...more);
      assert.match(heard.at(-1) ?? "", /^GOAWAY \d+ ENHANCE_YOUR_CALM$/);
      assert(peer.ended);
    });
  }

  test("is none where each reset has its answered request", async () => {
    using peer = new Peer(patient);
    for (let n = 0; n < 5 * HTTP2_RESETS_MAX; n += 2) {
      peer.send(headers(nth(n)), post(nth(n + 1)), rstStream(nth(n + 1)));
    }
    const heard = await peer.hear();
    assert.equal(heard.length, 5 * HTTP2_RESETS_MAX);
  });

  test("is none where there was time between", async () => {
    using peer = new Peer();
    let n = 0;
    for (let second = 0; second < 5; second += 1) {
      const count = second === 0 ? HTTP2_RESETS_MAX : HTTP2_RESETS_PER_SECOND;
      for (let i = 0; i < count; i += 1, n += 1) peer.send(post(nth(n)), rstStream(nth(n)));
      for (let i = 0; i < HTTP2_CONTROLS_PER_SECOND / 2; i += 1) peer.send(ping());
      assert(!(await peer.hear()).some((word) => word.startsWith("GOAWAY")));
      await peer.pass(1_000);
    }
  });

  test("is none where WINDOW_UPDATEs go with content that was sent", async () => {
    using peer = new Peer({
      settings: [4, 2 ** 30],
      serve: (_, exchange) => exchange.respond(reply(Buffer.alloc(2 ** 22))),
    });
    await peer.exchange(headers(1));
    let sent = 0;
    for (let n = 0; n < 2 * HTTP2_CONTROLS_MAX && sent < 2 ** 22; n += 1) {
      const words = await peer.exchange(windowUpdate(0, 4_096), windowUpdate(1, 4_096));
      sent = peer.endings[0]?.sentBytes ?? sent;
      assert(!words.some((word) => word.startsWith("GOAWAY")));
    }
  });

  test("of CONTINUATIONs ends the connection by their number", async () => {
    using peer = new Peer();
    const more = Array.from({ length: HTTP2_CONTINUATIONS_MAX }, () => continuation(1, 0));
    assert.deepEqual(await peer.exchange(headers(1, endStream), ...more), []);
    assert.deepEqual(await peer.exchange(continuation(1, 0)), ["GOAWAY 1 ENHANCE_YOUR_CALM"]);
  });

  test("of CONTINUATIONs ends the connection by their octets", async () => {
    using peer = new Peer();
    const more = Array.from({ length: HTTP2_BLOCK_BYTES_MAX / 16_384 }, () =>
      continuation(1, 0, "x".repeat(16_384)),
    );
    const heard = await peer.exchange(headers(1, endStream), ...more);
    assert.deepEqual(heard, ["GOAWAY 1 ENHANCE_YOUR_CALM"]);
  });
});

describe("a bomb", () => {
  /** RFC 7541 §6.2.1: enters the table once, and is referred to by an octet each time after. */
  const bomb = (lines: number, valueBytes: number): Buffer[] => {
    const head = headers(1, endHeaders | endStream, GET)
      .subarray(9)
      .toString("latin1");
    const length = String.fromCharCode(0x7f, 0x80 + ((valueBytes - 127) % 128));
    const inserted = `\x40\x01a${length}${String.fromCharCode((valueBytes - 127) >> 7)}`;
    const text = head + inserted + "b".repeat(valueBytes) + "\xbe".repeat(lines);
    const first = frame(1, endStream, 1, text.slice(0, 16_384));
    return [first, continuation(1, endHeaders, text.slice(16_384))];
  };

  test("of a long value that is repeated is answered 431, and nothing of it kept", async () => {
    using peer = new Peer(patient);
    peer.send(...bomb(16_000, 3_000));
    const [head] = await peer.receive().then((frames) => frames.filter(({ type }) => type === 1));
    assert.deepEqual(peer.fields(head ?? assert.fail()).slice(0, 2), [":status", "431"]);
    assert.equal(peer.asked.length, 0);
    assert.deepEqual(await peer.exchange(headers(3)), ["HEADERS 3", "DATA 3 2 END_STREAM"]);
  });

  test("of many small lines too", async () => {
    using peer = new Peer(patient);
    await peer.exchange(...bomb(Math.min(HTTP2_FIELD_LINES_MAX, HEAD_BYTES_MAX / 32), 200));
    assert.equal(peer.asked.length, 0);
    assert.equal(peer.ended, false);
  });
});

describe("a peer that does not read", () => {
  test("is read no more once replies wait for it, and is answered when it reads", async () => {
    using peer = new Peer({ serve: (_, exchange) => exchange.respond(reply()) });
    await peer.exchange(headers(1));
    peer.stopReading();
    const requests = Array.from({ length: 20_000 }, (_, n) => headers(nth(n + 1)));
    peer.send(...requests);
    await peer.hear();
    assert(peer.asked.length < 10_000, `${peer.asked.length} were served`);
    peer.wire.resume();
    while (peer.asked.length <= requests.length) await peer.hear();
    await peer.hear();
    assert.equal(peer.endings.length, requests.length + 1);
  });

  test("has little content waiting, whatever its windows say", async () => {
    using peer = new Peer({
      settings: [4, 2 ** 31 - 1],
      serve: (_, exchange) => exchange.respond(reply(Buffer.alloc(2 ** 22))),
    });
    peer.stopReading();
    await peer.exchange(windowUpdate(0, 2 ** 30), ...[1, 3, 5, 7].map((id) => headers(id)));
    peer.connection.destroy();
    await peer.hear();
    const sent = peer.endings.reduce((sum, { sentBytes }) => sum + sentBytes, 0);
    assert(sent > 0);
    assert(sent < 2 ** 20, `${sent} octets were handed over`);
  });
});
