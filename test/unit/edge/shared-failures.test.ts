import assert from "node:assert/strict";
import type { OutgoingHttpHeaders } from "node:http";
import { describe, test } from "node:test";
import { Client, type Received } from "./client.ts";
import { type EdgeUnderTest, fetchOnce, request, roundTrip, startEdge } from "./support.ts";

const BODY = "x".repeat(300_000);

interface Failing extends AsyncDisposable {
  readonly edge: EdgeUnderTest;
  /** So far, with the one that was stored. */
  readonly fetches: number;
  /** What these get, who all wait for one fetch as its answer comes. */
  ask(...methods: readonly string[]): Promise<readonly Received[]>;
}

/** An edge with a response that must be confirmed, and an origin that fails instead. */
async function startFailing(headers: OutgoingHttpHeaders = {}, proxy?: object): Promise<Failing> {
  let fetches = 0;
  let fail: (() => void) | undefined;
  const arrival = Promise.withResolvers<void>();
  const edge = await startEdge(
    (_incoming, response) => {
      fetches += 1;
      if (fetches === 1) {
        const stored = { etag: '"a"', "cache-control": "max-age=60, must-revalidate" };
        response.writeHead(200, stored).end("first");
        return;
      }
      const answer = (): void => void response.writeHead(503, headers).end(BODY);
      if (fail !== undefined) return answer();
      fail = answer;
      arrival.resolve();
    },
    proxy === undefined ? {} : { proxy },
  );
  await fetchOnce(edge, "/a");
  edge.clock.advance(61_000);
  return {
    edge,
    get fetches() {
      return fetches;
    },
    ask: async (...methods) => {
      const clients = methods.map(() => new Client(edge.port));
      for (const [i, method] of methods.entries()) clients[i]?.send(request(method, "/a"));
      await arrival.promise;
      await roundTrip(edge);
      fail?.();
      const answers = await Promise.all(clients.map((client, i) => client.receive(methods[i])));
      for (const client of clients) client.socket.destroy();
      return answers;
    },
    [Symbol.asyncDispose]: () => edge[Symbol.asyncDispose](),
  };
}

describe("a failure in the place of what must be confirmed", () => {
  test("is one fetch for all who wait for it, and each gets all of it", async () => {
    await using failing = await startFailing();
    const methods = ["GET", "GET", "HEAD", "GET"];
    const answers = await failing.ask(...methods);
    for (const [i, { status, body }] of answers.entries()) {
      assert.deepEqual([status, body.toString()], [503, methods[i] === "HEAD" ? "" : BODY]);
    }
    const alone = "Atoll; fwd=stale; detail=server-error";
    const statuses = answers.map(({ fields }) => String(fields.get("cache-status")));
    assert.equal(statuses.filter((status) => status === alone).length, 1);
    assert.equal(statuses.filter((status) => status === `${alone}; collapsed`).length, 3);
    assert.equal(failing.fetches, 2);
  });

  test("is not kept for those who come later", async () => {
    await using failing = await startFailing();
    await failing.ask("GET", "GET");
    assert.equal((await fetchOnce(failing.edge, "/a")).status, 503);
    assert.equal(failing.fetches, 3);
  });

  test("is for one alone, if it says so", async () => {
    await using failing = await startFailing({ "cache-control": "private" });
    await failing.ask("GET", "GET", "GET");
    assert.equal(failing.fetches, 4);
  });

  test("is for one alone where origins see what each client has said", async () => {
    await using failing = await startFailing({}, {});
    await failing.ask("GET", "GET", "GET");
    assert.equal(failing.fetches, 4);
  });
});
