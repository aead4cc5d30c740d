import assert from "node:assert/strict";
import type { OutgoingHttpHeaders } from "node:http";
import { describe, mock, test } from "node:test";
import { STALE_DISCONNECTED_WAIT_MS, STALE_IF_ERROR_WAIT_MS } from "#edge/cache/limits.ts";
import { ORIGIN_DOWN_AFTER_FAILURES, ORIGIN_PROBE_DELAY_MAX_MS } from "#edge/limits.ts";
import type { Received } from "./client.ts";
import { type EdgeUnderTest, fetchOnce, roundTrip, startEdge, waitingOrigin } from "./support.ts";

const PROXY = { proxy: {} };

interface Hanging extends AsyncDisposable {
  readonly edge: EdgeUnderTest;
  readonly next: ReturnType<typeof waitingOrigin>["next"];
}

/** An edge with what is stale by now, and an origin that answers no more unless the test does. */
async function startHanging(
  headers: OutgoingHttpHeaders,
  options: Parameters<typeof startEdge>[1] = {},
): Promise<Hanging> {
  const origin = waitingOrigin();
  const next = (): ReturnType<typeof origin.next> => origin.next();
  const edge = await startEdge(origin.answer, options);
  const first = fetchOnce(edge, "/a");
  (await next()).response.writeHead(200, { etag: '"a"', ...headers }).end("old");
  await first;
  edge.clock.advance(61_000);
  return { edge, next, [Symbol.asyncDispose]: () => edge[Symbol.asyncDispose]() };
}

function said({ status, fields, body }: Received): readonly [number, string | undefined, string] {
  return [status, fields.get("x-cache"), body.toString()];
}

const STALE = [200, "STALE", "old"] as const;

/** Time that passes for whoever waits, and not for sockets. */
function heldTimers(): Disposable & { pass(ms: number): void } {
  mock.timers.enable({ apis: ["setTimeout"] });
  return {
    pass: (ms) => mock.timers.tick(ms),
    [Symbol.dispose]: () => mock.timers.reset(),
  };
}

describe("what may stand in for an origin that fails", () => {
  test("RFC 5861 §4: does so once the origin has taken too long, whose answer still counts", async () => {
    await using hanging = await startHanging({ "cache-control": "max-age=60" });
    const { edge, next } = hanging;
    using timers = heldTimers();
    const waiting = fetchOnce(edge, "/a");
    const { response } = await next();
    timers.pass(STALE_IF_ERROR_WAIT_MS);
    const answer = await waiting;
    assert.deepEqual(said(answer), STALE);
    assert.match(
      String(answer.fields.get("cache-status")),
      /^Atoll; hit; ttl=-1; detail=stale-if-error/,
    );
    // Who asks for it later waits no longer, and no second fetch is made.
    edge.clock.advance(STALE_IF_ERROR_WAIT_MS);
    assert.deepEqual(said(await fetchOnce(edge, "/a")), STALE);
    response.writeHead(200, { "cache-control": "max-age=60" }).end("new");
    await roundTrip(edge);
    assert.deepEqual(said(await fetchOnce(edge, "/a")), [200, "HIT", "new"]);
  });

  test("waits for longer where only a disconnected cache may use it (RFC 9111 §4.2.4)", async () => {
    await using hanging = await startHanging({ "cache-control": "max-age=60" }, PROXY);
    const { edge, next } = hanging;
    using timers = heldTimers();
    const first = fetchOnce(edge, "/a");
    const { response } = await next();
    timers.pass(STALE_DISCONNECTED_WAIT_MS - 1);
    response.writeHead(304).end();
    assert.deepEqual(said(await first), [200, "REVALIDATED", "old"]);
    edge.clock.advance(61_000);
    const second = fetchOnce(edge, "/a");
    await next();
    timers.pass(STALE_DISCONNECTED_WAIT_MS);
    assert.deepEqual(said(await second), STALE);
  });

  test("is not used where the origin forbids it, however long that takes", async () => {
    const headers = { "cache-control": "max-age=60, must-revalidate" };
    await using hanging = await startHanging(headers, PROXY);
    const { edge, next } = hanging;
    using timers = heldTimers();
    const waiting = fetchOnce(edge, "/a");
    const { response } = await next();
    timers.pass(2 * STALE_DISCONNECTED_WAIT_MS);
    response.writeHead(200).end("new");
    assert.deepEqual(said(await waiting), [200, "MISS", "new"]);
  });
});

describe("an origin that is known to be silent", () => {
  /** Five fetches of other things have had no answer. */
  async function startDown(): Promise<Hanging> {
    const options = { origin: { headTimeoutMs: 50, random: () => 0 } };
    const hanging = await startHanging({ "cache-control": "max-age=60" }, options);
    const { edge, next } = hanging;
    const others = Array.from({ length: ORIGIN_DOWN_AFTER_FAILURES }, (_, i) =>
      fetchOnce(edge, `/other/${i}`),
    );
    for (const { status } of await Promise.all(others)) assert.equal(status, 504);
    for (const _ of others) await next();
    return hanging;
  }

  test("is not waited for where something may stand in, and one fetch goes and sees", async () => {
    await using hanging = await startDown();
    const { edge, next } = hanging;
    assert.deepEqual(said(await fetchOnce(edge, "/a")), STALE);
    edge.clock.advance(ORIGIN_PROBE_DELAY_MAX_MS);
    // It does not wait for the fetch that it begins, nor does who comes after it.
    assert.deepEqual(said(await fetchOnce(edge, "/a")), STALE);
    const { incoming, response } = await next();
    assert.equal(incoming.headers["if-none-match"], '"a"');
    assert.deepEqual(said(await fetchOnce(edge, "/a")), STALE);
    response.writeHead(200, { "cache-control": "max-age=60" }).end("new");
    await roundTrip(edge);
    assert.deepEqual(said(await fetchOnce(edge, "/a")), [200, "HIT", "new"]);
  });

  test("is looked at again while such a fetch hangs, though nothing else is asked for", async () => {
    await using hanging = await startDown();
    const { edge, next } = hanging;
    edge.clock.advance(ORIGIN_PROBE_DELAY_MAX_MS);
    assert.deepEqual(said(await fetchOnce(edge, "/a")), STALE);
    await next();
    edge.clock.advance(ORIGIN_PROBE_DELAY_MAX_MS);
    assert.deepEqual(said(await fetchOnce(edge, "/a")), STALE);
    (await next()).response.writeHead(304).end();
    await roundTrip(edge);
    assert.deepEqual(said(await fetchOnce(edge, "/a")), [200, "HIT", "old"]);
  });
});
