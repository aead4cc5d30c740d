import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { describe, test } from "node:test";
import { REVALIDATION_RESULTS, STALE_REASONS } from "#usage/cache-family.ts";
import { Client } from "./client.ts";
import { type EdgeUnderTest, fetchOnce, request, startEdge, waitingOrigin } from "./support.ts";

/** An origin whose answers to one resource are those of a list, one after the other. */
function scripted(...answers: ((response: ServerResponse) => unknown)[]) {
  let asked = 0;
  return startEdge((_incoming, response) => {
    answers[Math.min(asked, answers.length - 1)]?.(response);
    asked += 1;
  });
}

function fresh(control: string) {
  return (response: ServerResponse) =>
    response.writeHead(200, { etag: '"v"', "cache-control": control }).end("body");
}
const confirms = (response: ServerResponse): unknown => response.writeHead(304).end();
const fails = (response: ServerResponse): unknown => response.writeHead(503).end();

/** What was counted of a family, by the words of its label. */
function countsOf(
  { counters }: EdgeUnderTest,
  family: "revalidations" | "staleServed",
): Record<string, number> {
  const words = family === "revalidations" ? REVALIDATION_RESULTS : STALE_REASONS;
  const numbers = counters.snapshot(undefined)[family];
  const counted = words.map((word, place) => [word, numbers[place] ?? 0] as const);
  return Object.fromEntries(counted.filter(([, count]) => count > 0));
}

describe("an edge counts", () => {
  test("requests that wait for another's fetch, and not the one that fetches", async () => {
    const origin = waitingOrigin();
    await using edge = await startEdge(origin.answer);
    const clients = [new Client(edge.port), new Client(edge.port), new Client(edge.port)];
    for (const client of clients) client.send(request("GET", "/a"));
    const { response } = await origin.next();
    // What was sent before has come once a request on a later connection has.
    const others = clients.map(async (client) => client.receive());
    const last = fetchOnce(edge, "/b");
    (await origin.next()).response.end();
    await last;
    response.end("body");
    await Promise.all(others);
    assert.equal(edge.counters.snapshot(undefined).collapsed[0], 2);
    for (const client of clients) client[Symbol.dispose]();
  });

  const revalidations = [
    { what: "confirmed", answer: confirms },
    { what: "replaced", answer: fresh("max-age=60") },
    { what: "failed", answer: fails },
  ];
  for (const { what, answer } of revalidations) {
    test(`a revalidation as ${what}`, async () => {
      await using edge = await scripted(fresh("max-age=60"), answer);
      await fetchOnce(edge, "/a");
      assert.deepEqual(countsOf(edge, "revalidations"), {});
      edge.clock.advance(61_000);
      await fetchOnce(edge, "/a");
      assert.deepEqual(countsOf(edge, "revalidations"), { [what]: 1 });
    });
  }

  test("no condition of a client's as one", async () => {
    await using edge = await scripted(fresh("no-store"));
    await fetchOnce(edge, "/a", 'if-none-match: "x"');
    await fetchOnce(edge, "/a", 'if-none-match: "x"', "authorization: Basic eDp5");
    assert.deepEqual(countsOf(edge, "revalidations"), {});
  });

  test("stale replies by what permits them", async () => {
    const control = "max-age=60, stale-while-revalidate=60, stale-if-error=3600";
    await using edge = await scripted(fresh(control), fails);
    await fetchOnce(edge, "/a");
    await fetchOnce(edge, "/a");
    assert.deepEqual(countsOf(edge, "staleServed"), {});
    edge.clock.advance(90_000);
    assert.equal((await fetchOnce(edge, "/a")).fields.get("x-cache"), "STALE");
    assert.deepEqual(countsOf(edge, "staleServed"), { "while-revalidate": 1 });
    edge.clock.advance(90_000);
    assert.equal((await fetchOnce(edge, "/a")).fields.get("x-cache"), "STALE");
    assert.deepEqual(countsOf(edge, "staleServed"), { "while-revalidate": 1, "if-error": 1 });
  });
});
