import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Client } from "./client.ts";
import {
  type EdgeUnderTest,
  fetchOnce,
  request,
  roundTrip,
  startEdge,
  waitingOrigin,
} from "./support.ts";

/** An edge with what is served stale while it is fetched behind that. */
async function startRefreshing(): Promise<{
  readonly edge: EdgeUnderTest;
  readonly next: ReturnType<typeof waitingOrigin>["next"];
}> {
  const origin = waitingOrigin();
  const next = (): ReturnType<typeof origin.next> => origin.next();
  const edge = await startEdge(origin.answer, { proxy: {} });
  const first = fetchOnce(edge, "/a");
  const cacheControl = "max-age=60, stale-while-revalidate=60";
  (await next()).response.writeHead(200, { "cache-control": cacheControl }).end("old");
  await first;
  edge.clock.advance(61_000);
  return { edge, next };
}

describe("a fetch behind a reply that was given", () => {
  test("tells nothing to the next request of the connection", async () => {
    const { edge, next } = await startRefreshing();
    await using _edge = edge;
    using client = new Client(edge.port);
    client.send(request("GET", "/a"));
    assert.equal((await client.receive()).body.toString(), "old");
    const refresh = await next();
    client.send(request("GET", "/b"));
    const own = await next();
    refresh.response.writeEarlyHints({ link: "</a.css>; rel=preload" });
    refresh.response.end("new");
    await roundTrip(edge);
    own.response.end("b");
    const { status, body } = await client.receive();
    assert.deepEqual([status, body.toString()], [200, "b"]);
  });
});
