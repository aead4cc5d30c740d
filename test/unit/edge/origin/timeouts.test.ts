import assert from "node:assert/strict";
import { once } from "node:events";
import type { Socket } from "node:net";
import { describe, test } from "node:test";
import { ORIGIN_BODY_BYTES_MIN, ORIGIN_BODY_PACE_MS } from "#edge/limits.ts";
import { BodyPace } from "#edge/origin/body-pace.ts";
import { ENDPOINT, ok, readBody, startOrigin } from "./support.ts";

/** Long enough to tell that it was waited for, and no longer. */
const TIMEOUT_MS = 100;

describe("an origin that hangs is a 504:", { concurrency: true }, () => {
  test("one that does not finish a TLS handshake", async () => {
    await using origin = await startOrigin(() => undefined, { connectTimeoutMs: TIMEOUT_MS });
    const upstream = { url: origin.url.replace("http:", "https:") };
    const failure = await origin.fetch({ endpoint: { ...ENDPOINT, role: "proxy", upstream } });
    assert(failure.kind === "failed");
    assert.equal(failure.status, 504);
    assert.equal(failure.detail, "origin-timeout");
    assert.equal(origin.connections, 1);
  });

  const silences: readonly (readonly [string, (socket: Socket) => void])[] = [
    ["one that says nothing", () => undefined],
    [
      "one that stops in the middle of its head",
      (socket) => void socket.write("HTTP/1.1 200 OK\r\n"),
    ],
    [
      "one that has said something in between",
      (socket) => void socket.write("HTTP/1.1 103 Early Hints\r\n\r\n"),
    ],
  ];
  for (const [what, answer] of silences) {
    test(what, async () => {
      await using origin = await startOrigin(answer, { headTimeoutMs: TIMEOUT_MS });
      const failure = await origin.fetch();
      assert(failure.kind === "failed");
      assert.equal(failure.status, 504);
      assert.equal(failure.detail, "origin-timeout");
      assert.equal(origin.requests.length, 1);
    });
  }

  test("one that sends its head octet by octet, however it goes on", async () => {
    await using origin = await startOrigin(
      (socket) => {
        socket.write("HTTP/1.1 200 OK\r\nx: ");
        const drip = setInterval(() => socket.write("x"), TIMEOUT_MS / 10);
        socket.on("close", () => clearInterval(drip));
      },
      { headTimeoutMs: TIMEOUT_MS },
    );
    const failure = await origin.fetch();
    assert(failure.kind === "failed");
    assert.equal(failure.detail, "origin-timeout");
  });
});

describe("a body", { concurrency: true }, () => {
  const bodies: readonly (readonly [string, string])[] = [
    ["that stops", "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n01234"],
    [
      "that stops within its chunks",
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n01234",
    ],
    ["that stops and would end with its connection", "HTTP/1.1 200 OK\r\n\r\n01234"],
  ];
  for (const [what, octets] of bodies) {
    test(`${what} is broken off, and its connection closed`, async () => {
      let closed: Promise<unknown> | undefined;
      await using origin = await startOrigin(
        (socket) => {
          closed = once(socket, "close");
          socket.write(octets);
        },
        { bodyIdleTimeoutMs: TIMEOUT_MS },
      );
      const response = await origin.fetch();
      assert(response.kind === "response");
      const { text, isWhole } = await readBody(response);
      assert.equal(text, "01234");
      assert.equal(isWhole, false);
      await closed;
      assert.deepEqual(
        origin.brokenOff.map(({ detail }) => detail),
        ["origin-broke-off"],
      );
    });
  }

  test("that nobody takes is waited for, however long that is", async () => {
    const long = "x".repeat(4 * 1024 * 1024);
    await using origin = await startOrigin((socket) => void socket.write(ok(long)), {
      bodyIdleTimeoutMs: TIMEOUT_MS,
    });
    const response = await origin.fetch();
    assert(response.kind === "response");
    const { promise, resolve } = Promise.withResolvers<number>();
    let bytes = 0;
    let isHeld = true;
    response.body.read({
      chunk: (chunk) => {
        bytes += chunk.length;
        if (!isHeld) return true;
        isHeld = false;
        // Its reader comes back only after the time in which it would have been idle.
        setTimeout(() => response.body.resume(), 3 * TIMEOUT_MS);
        return false;
      },
      end: () => resolve(bytes),
      fail: () => resolve(-1),
    });
    assert.equal(await promise, long.length);
  });
});

describe("the pace of a body", () => {
  const AT = 1_000_000;

  test("is too slow when too little came in its time", () => {
    const pace = new BodyPace();
    assert.equal(pace.isTooSlow(1, AT), false);
    assert.equal(pace.isTooSlow(2, AT + ORIGIN_BODY_PACE_MS - 1), false);
    assert.equal(pace.isTooSlow(3, AT + ORIGIN_BODY_PACE_MS), true);
  });

  test("is measured anew each time", () => {
    const pace = new BodyPace();
    assert.equal(pace.isTooSlow(1, AT), false);
    const enough = 1 + ORIGIN_BODY_BYTES_MIN;
    assert.equal(pace.isTooSlow(enough, AT + ORIGIN_BODY_PACE_MS), false);
    assert.equal(pace.isTooSlow(enough + 1, AT + 2 * ORIGIN_BODY_PACE_MS), true);
  });

  test("does not count the time in which we hold it back", () => {
    const pace = new BodyPace();
    assert.equal(pace.isTooSlow(1, AT), false);
    pace.hold();
    assert.equal(pace.isTooSlow(2, AT + 10 * ORIGIN_BODY_PACE_MS), false);
  });

  /** Three octets, each a while after the one before, of what says that it has many more. */
  async function trickle(role: "space" | "proxy"): Promise<number> {
    let socket: Socket | undefined;
    await using origin = await startOrigin(
      (connection) => {
        socket = connection;
        connection.write("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n0");
      },
      { role },
    );
    const response = await origin.fetch();
    assert(response.kind === "response");
    const { promise, resolve } = Promise.withResolvers<void>();
    let bytes = 0;
    response.body.read({
      chunk: (chunk) => {
        bytes += chunk.length;
        origin.clock.advance(ORIGIN_BODY_PACE_MS - 1);
        return socket?.write("x") !== undefined;
      },
      end: () => resolve(),
      fail: () => resolve(),
    });
    await promise;
    return bytes;
  }

  test("is asked of a Space's store, and not of what may be a stream of events", async () => {
    assert.equal(await trickle("space"), 2);
    assert.equal(await trickle("proxy"), 3);
  });
});
