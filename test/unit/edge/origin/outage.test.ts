import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { describe, test } from "node:test";
import {
  ORIGIN_CONNECTIONS_MAX,
  ORIGIN_DOWN_AFTER_FAILURES,
  ORIGIN_PROBE_DELAY_MAX_MS,
} from "#edge/limits.ts";
import type { OriginFailure } from "#edge/origin/origin.ts";
import { ENDPOINT, fetchAndPool, type OriginUnderTest, ok, startOrigin } from "./support.ts";

/** A port that nobody listens on. */
async function deadPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

function proxyTo(url: string): Parameters<OriginUnderTest["fetch"]>[0] {
  return { endpoint: { ...ENDPOINT, role: "proxy", upstream: { url } } };
}

/** As many fetches as it takes, one after another or together, and the last one's failure. */
async function takeDown(
  origin: OriginUnderTest,
  request: Parameters<OriginUnderTest["fetch"]>[0],
): Promise<OriginFailure> {
  const fetches = Array.from({ length: ORIGIN_DOWN_AFTER_FAILURES }, () => origin.fetch(request));
  const last = (await Promise.all(fetches)).at(-1);
  assert(last?.kind === "failed");
  return last;
}

describe("an origin that refuses connections", () => {
  test("is a 502, and one that says when to come again once it is down", async () => {
    const request = proxyTo(`http://127.0.0.1:${await deadPort()}`);
    await using origin = await startOrigin(() => undefined, { random: () => 0 });
    assert.equal((await takeDown(origin, request)).detail, "origin-unreachable");
    const failure = await origin.fetch(request);
    assert(failure.kind === "failed");
    assert.equal(failure.status, 502);
    assert.equal(failure.detail, "origin-down");
    assert.equal(failure.retryAfterSeconds, 1);
  });

  test("is as it was with the first fetch after its return", async () => {
    const port = await deadPort();
    const request = proxyTo(`http://127.0.0.1:${port}`);
    await using origin = await startOrigin(() => undefined, { random: () => 0 });
    await takeDown(origin, request);
    // Four minutes of fetches that go nowhere.
    for (let at = 0; at < 240_000; at += 10_000) {
      origin.clock.advance(10_000);
      assert.equal((await origin.fetch(request)).kind, "failed");
    }
    const server = createServer((socket) => {
      socket.on("error", () => undefined).on("data", () => socket.end(ok("back")));
    });
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    origin.clock.advance(ORIGIN_PROBE_DELAY_MAX_MS);
    const fetches = [origin.fetch(request), origin.fetch(request)];
    const [probe, other] = await Promise.all(fetches);
    assert.equal(probe?.kind, "response");
    assert.equal(other?.kind === "failed" && other.detail, "origin-down");
    assert.equal((await origin.fetch(request)).kind, "response");
    await server[Symbol.asyncDispose]();
  });

  test("does not stand in the way of another", async () => {
    await using origin = await startOrigin((socket) => void socket.write(ok("ok")));
    await takeDown(origin, proxyTo(`http://127.0.0.1:${await deadPort()}`));
    assert.equal(await fetchAndPool(origin), "ok");
  });
});

describe("an origin that answers nothing", () => {
  test("is a 504, and is then asked by one fetch at a time only", async () => {
    await using origin = await startOrigin(() => undefined, {
      headTimeoutMs: 50,
      random: () => 0,
    });
    assert.equal((await takeDown(origin, {})).detail, "origin-timeout");
    assert.equal(origin.requests.length, ORIGIN_DOWN_AFTER_FAILURES);
    const failure = await origin.fetch();
    assert(failure.kind === "failed");
    assert.equal(failure.status, 504);
    assert.equal(failure.detail, "origin-down");
    origin.clock.advance(ORIGIN_PROBE_DELAY_MAX_MS);
    const probe = origin.fetch();
    assert.equal((await origin.fetch()).kind, "failed");
    assert.equal((await probe).kind, "failed");
    assert.equal(origin.requests.length, ORIGIN_DOWN_AFTER_FAILURES + 1);
  });

  test("is asked by none of those who had waited for their turn when it went down", async () => {
    // Long enough for a busy machine to make them all.
    await using origin = await startOrigin(() => undefined, { headTimeoutMs: 1_000 });
    const waiting = 44;
    const fetches = Array.from({ length: ORIGIN_CONNECTIONS_MAX + waiting }, () => origin.fetch());
    const details = (await Promise.all(fetches)).map((answer) => {
      return answer.kind === "failed" ? answer.detail : answer.kind;
    });
    // The first failures may give their turns to others before there were enough of them.
    const asked = origin.requests.length;
    assert(asked >= ORIGIN_CONNECTIONS_MAX, `${asked} were asked`);
    assert(asked < ORIGIN_CONNECTIONS_MAX + ORIGIN_DOWN_AFTER_FAILURES, `${asked} were asked`);
    assert.equal(details.filter((detail) => detail === "origin-timeout").length, asked);
    assert.equal(
      details.filter((detail) => detail === "origin-down").length,
      fetches.length - asked,
    );
  });

  test("is not kept down by a fetch that hangs while it has come back", async () => {
    let isBack = false;
    await using origin = await startOrigin((socket) => isBack && void socket.write(ok("back")), {
      headTimeoutMs: 50,
      random: () => 0,
    });
    await takeDown(origin, {});
    origin.clock.advance(ORIGIN_PROBE_DELAY_MAX_MS);
    const leave = new AbortController();
    const hanging = origin.fetch({}, leave.signal);
    isBack = true;
    origin.clock.advance(ORIGIN_PROBE_DELAY_MAX_MS);
    assert.equal(await fetchAndPool(origin), "back");
    leave.abort();
    await hanging;
    assert.equal(await fetchAndPool(origin), "back");
  });
});

test("an origin that breaks answers off is not down: it has said something each time", async () => {
  await using origin = await startOrigin((socket) => void socket.destroy());
  await takeDown(origin, {});
  const failure = await origin.fetch();
  assert(failure.kind === "failed");
  assert.equal(failure.detail, "origin-unreachable");
  assert.equal(origin.requests.length, ORIGIN_DOWN_AFTER_FAILURES + 1);
});
