import assert from "node:assert/strict";
import { once } from "node:events";
import type { Socket } from "node:net";
import { describe, test } from "node:test";
import { fetchAndPool, ok, type RawAnswer, readBody, startOrigin } from "./support.ts";

/** Answers the first request well, so that its connection is in the pool for the second. */
function afterOne(second: RawAnswer): RawAnswer {
  return (socket, number) => {
    if (number === 2) second(socket, number);
    else socket.write(ok("ok"));
  };
}

const ends: readonly (readonly [string, (socket: Socket) => void])[] = [
  ["closed", (socket) => void socket.destroy()],
  ["reset", (socket) => void socket.resetAndDestroy()],
];

describe("a fetch on a connection from the pool", () => {
  for (const [what, end] of ends) {
    test(`is tried once more, on another one, if it is ${what} without a word`, async () => {
      await using origin = await startOrigin(afterOne(end));
      await fetchAndPool(origin);
      const second = await origin.fetch();
      assert(second.kind === "response");
      assert.equal((await readBody(second)).text, "ok");
      assert.equal(origin.requests.length, 3);
      assert.equal(origin.connections, 2);
    });
  }

  test("is tried once more and not twice", async () => {
    await using origin = await startOrigin((socket, number) => {
      if (number === 1) socket.write(ok("ok"));
      else socket.destroy();
    });
    await fetchAndPool(origin);
    const second = await origin.fetch();
    assert(second.kind === "failed");
    assert.equal(second.detail, "origin-unreachable");
    assert.equal(origin.requests.length, 3);
  });

  test("is tried once more and not twice, though the pool has others", async () => {
    await using origin = await startOrigin((socket, number) => {
      if (number === 3 || number === 4) socket.destroy();
      else socket.write(ok("ok"));
    });
    await Promise.all([fetchAndPool(origin), fetchAndPool(origin)]);
    assert.equal(origin.connections, 2);
    assert.equal((await origin.fetch()).kind, "failed");
    assert.equal(origin.requests.length, 4);
  });

  const answered: readonly (readonly [string, string])[] = [
    ["an octet of an answer has come", "H"],
    ["an interim response has come", "HTTP/1.1 103 Early Hints\r\n\r\n"],
    ["half a head has come", "HTTP/1.1 200 OK\r\ncontent-le"],
  ];
  for (const [when, octets] of answered) {
    test(`is not tried again once ${when}`, async () => {
      await using origin = await startOrigin(afterOne((socket) => void socket.end(octets)));
      await fetchAndPool(origin);
      assert.equal((await origin.fetch()).kind, "failed");
      assert.equal(origin.requests.length, 2);
    });
  }

  test("is not tried again if it may change something", async () => {
    await using origin = await startOrigin(afterOne((socket) => void socket.destroy()));
    await fetchAndPool(origin);
    assert.equal((await origin.fetch({ method: "POST" })).kind, "failed");
    assert.equal(origin.requests.length, 2);
  });

  test("is not tried again for a client who has left", async () => {
    const leave = new AbortController();
    await using origin = await startOrigin(
      afterOne((socket) => {
        leave.abort();
        socket.destroy();
      }),
    );
    await fetchAndPool(origin);
    const second = await origin.fetch({}, leave.signal);
    assert(second.kind === "failed");
    assert.equal(second.detail, "client-left");
    assert.equal(origin.requests.length, 2);
  });
});

describe("a fetch on a connection of its own", () => {
  for (const [what, end] of ends) {
    test(`is not tried again if it is ${what} without a word`, async () => {
      await using origin = await startOrigin((socket) => end(socket));
      const failure = await origin.fetch();
      assert(failure.kind === "failed");
      assert.equal(failure.status, 502);
      assert.equal(failure.detail, "origin-unreachable");
      assert.equal(origin.requests.length, 1);
    });
  }
});

test("a connection whose response was read is used again", async () => {
  await using origin = await startOrigin((socket) => void socket.write(ok("ok")));
  for (let i = 0; i < 3; i += 1) await fetchAndPool(origin);
  assert.equal(origin.connections, 1);
});

test("a connection is not used again for what came on it unasked", async () => {
  let first: Socket | undefined;
  await using origin = await startOrigin((socket, number) => {
    first ??= socket;
    socket.write(ok(String(number)));
  });
  await fetchAndPool(origin);
  assert(first !== undefined);
  const closed = once(first, "close");
  first.write(ok("for nobody"));
  await closed;
  assert.equal(await fetchAndPool(origin), "2");
  assert.equal(origin.connections, 2);
});
