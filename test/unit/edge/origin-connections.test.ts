import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { connect } from "node:net";
import { describe, type TestContext, test } from "node:test";
import { manualClock } from "#clock.ts";
import { ORIGIN_CONNECTIONS_MAX } from "#edge/limits.ts";
import { FetchSlots } from "#edge/origin/fetch-slots.ts";
import { HttpOrigin } from "#edge/origin/http-origin.ts";
import type { OriginFailure, OriginResponse } from "#edge/origin/origin.ts";
import { endpoint, fetchOnce, request, startEdge } from "./support.ts";

const MIB = 1024 * 1024;
const NOBODY_LEAVES = new AbortController().signal;

describe("the embedded Spaces", () => {
  test("serve a cold request while 100 readers of what cannot be stored read nothing", async () => {
    const large = Buffer.alloc(24 * MIB);
    await using edge = await startEdge(
      (incoming, response) => response.end(incoming.url?.includes("large") ? large : "small"),
      { memoryBytesMax: 16 * MIB },
    );
    const slow = Array.from({ length: 100 }, async (_, i) => {
      const socket = connect({ port: edge.port, host: "127.0.0.1" });
      socket.on("error", () => undefined);
      socket.write(request("GET", `/large/${i}`));
      // From its head on nothing is taken.
      await once(socket, "readable");
      return socket;
    });
    const sockets = await Promise.all(slow);
    assert.equal((await fetchOnce(edge, "/cold")).body.toString(), "small");
    for (const socket of sockets) socket.destroy();
  });
});

/** An origin's client, in front of an upstream store that `answer` plays. */
async function startUpstream(answer: RequestListener): Promise<
  AsyncDisposable & {
    fetch(signal?: AbortSignal): Promise<OriginResponse | OriginFailure>;
  }
> {
  const server = createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert(address !== null && typeof address === "object");
  const origin = new HttpOrigin({ port: 1, secret: "" }, manualClock(0));
  const upstream = { url: `http://127.0.0.1:${address.port}` };
  const wanted = {
    endpoint: { ...endpoint, upstream },
    method: "GET",
    target: "/a",
    requestId: "1",
    fields: [],
    informed: () => undefined,
  } as const;
  return {
    fetch: (signal = NOBODY_LEAVES) => origin.fetch(wanted, signal),
    [Symbol.asyncDispose]: async () => {
      await origin.close();
      server.closeAllConnections();
      server.close();
    },
  };
}

describe("an upstream store whose connections are all in use", () => {
  test("is a 503 that says so, for who gets none in time", async (t) => {
    await using upstream = await startUpstream((_incoming, response) => {
      response.writeHead(200);
      response.write("never ends");
    });
    const used = Array.from({ length: ORIGIN_CONNECTIONS_MAX }, () => upstream.fetch());
    const answers = await Promise.all(used);
    assert(answers.every(({ kind }) => kind === "response"));
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const waiting = upstream.fetch();
    t.mock.timers.tick(5_000);
    const failure = await waiting;
    t.mock.timers.reset();
    assert(failure.kind === "failed");
    assert.equal(failure.status, 503);
    assert.equal(failure.detail, "origin-busy");
    assert.match(failure.reason, /^No connection to the origin came free in time\.$/);
  });

  test("serves who waits as soon as one comes free", async () => {
    await using upstream = await startUpstream((_incoming, response) => {
      response.writeHead(200);
      response.write("never ends");
    });
    const leave = new AbortController();
    const first = await upstream.fetch(leave.signal);
    const others = Array.from({ length: ORIGIN_CONNECTIONS_MAX - 1 }, () => upstream.fetch());
    await Promise.all(others);
    const waiting = upstream.fetch();
    leave.abort();
    assert(first.kind === "response");
    first.discard();
    assert.equal((await waiting).kind, "response");
  });
});

describe("a connection to an upstream store", () => {
  const answers: readonly (readonly [string, RequestListener])[] = [
    ["no content", (_incoming, response) => void response.writeHead(204).end()],
    ["a 304", (_incoming, response) => void response.writeHead(304).end()],
    ["a length of 0", (_incoming, response) => void response.end()],
    ["a large body", (_incoming, response) => void response.end(Buffer.alloc(MIB))],
    ["what is no answer", (_incoming, response) => void response.writeHead(999).end("no")],
    ["a reset", (incoming) => void incoming.socket.resetAndDestroy()],
    [
      "a body that breaks off",
      (_incoming, response) => {
        response.writeHead(200, { "content-length": 10 });
        response.write("01234", () => response.destroy());
      },
    ],
  ];
  for (const [what, answer] of answers) {
    test(`is there for the next fetch after ${what}`, async () => {
      await using upstream = await startUpstream(answer);
      for (let i = 0; i <= ORIGIN_CONNECTIONS_MAX; i += 1) {
        const received = await upstream.fetch();
        if (received.kind === "response") received.discard();
        else assert.match(received.detail, /^origin-(?:unreachable|invalid)$/);
      }
    });
  }

  test("is there for the next fetch when a client leaves before there is an answer", async () => {
    let asked: (() => void) | undefined;
    await using upstream = await startUpstream(() => asked?.());
    for (let i = 0; i <= ORIGIN_CONNECTIONS_MAX; i += 1) {
      const leave = new AbortController();
      asked = () => leave.abort();
      const received = await upstream.fetch(leave.signal);
      assert(received.kind === "failed");
      assert.notEqual(received.detail, "origin-busy");
    }
  });
});

function slotsOfTwo(t: TestContext): FetchSlots {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  return new FetchSlots({ fetchingMax: 2, fetchesMax: 4, waitMs: 1_000 });
}

describe("the fetches of an origin", () => {
  test("wait in the order in which they came, and for so long", async (t) => {
    const slots = slotsOfTwo(t);
    const order: string[] = [];
    const take = async (name: string): Promise<void> => {
      order.push(`${name} ${await slots.take("a", NOBODY_LEAVES)}`);
    };
    await Promise.all([take("1"), take("2")]);
    const third = take("3");
    const fourth = take("4");
    await take("5");
    slots.giveBack("a");
    await third;
    t.mock.timers.tick(1_000);
    await fourth;
    assert.deepEqual(order, ["1 granted", "2 granted", "5 full", "3 granted", "4 late"]);
  });

  test("are nobody's any more when their client has left", async (t) => {
    const slots = slotsOfTwo(t);
    const leave = new AbortController();
    await slots.take("a", NOBODY_LEAVES);
    await slots.take("a", NOBODY_LEAVES);
    const waiting = slots.take("a", leave.signal);
    leave.abort();
    assert.equal(await waiting, "aborted");
    assert.equal(await slots.take("a", leave.signal), "aborted");
    slots.giveBack("a");
    assert.equal(await slots.take("a", NOBODY_LEAVES), "granted");
  });

  test("do not wait for those of another", async (t) => {
    const slots = slotsOfTwo(t);
    await slots.take("a", NOBODY_LEAVES);
    await slots.take("a", NOBODY_LEAVES);
    assert.equal(await slots.take("b", NOBODY_LEAVES), "granted");
  });
});
