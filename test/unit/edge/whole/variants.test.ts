import assert from "node:assert/strict";
import type { IncomingHttpHeaders, RequestListener } from "node:http";
import { describe, test } from "node:test";
import { VARIANTS_MAX } from "#edge/tiers/limits.ts";
import { type EdgeUnderTest, fetchOnce, roundTrip, startEdge, waitingOrigin } from "../support.ts";

/** Answers with what it was asked by these fields, and counts. */
function varyingOrigin(vary: string): { answer: RequestListener; fetches: number; vary: string } {
  const names = (): string[] => origin.vary.split(",").map((name) => name.trim().toLowerCase());
  const bodyFor = (headers: IncomingHttpHeaders): string =>
    names()
      .map((name) => String(headers[name] ?? "-"))
      .join(" ");
  const origin = {
    vary,
    fetches: 0,
    answer: (({ headers }, response) => {
      origin.fetches += 1;
      response.writeHead(200, { vary: origin.vary, "cache-control": "max-age=60", etag: '"a"' });
      response.end(bodyFor(headers));
    }) satisfies RequestListener,
  };
  return origin;
}

async function said(edge: EdgeUnderTest, ...lines: string[]): Promise<readonly unknown[]> {
  const { fields, body } = await fetchOnce(edge, "/a", ...lines);
  return [fields.get("cache-status"), body.toString()];
}

const HIT = "Atoll; hit; ttl=60";

describe("RFC 9111 §4.1: variants of one resource", () => {
  test("are kept side by side, each for those who ask alike", async () => {
    const origin = varyingOrigin("Accept-Language");
    await using edge = await startEdge(origin.answer, { proxy: {} });
    const languages = ["de", "en", "fr"];
    for (const language of languages) await said(edge, `accept-language: ${language}`);
    for (const language of [...languages, ...languages.toReversed()]) {
      assert.deepEqual(await said(edge, `accept-language: ${language}`), [HIT, language]);
    }
    assert.deepEqual(await said(edge), ["Atoll; fwd=vary-miss; stored", "-"]);
    assert.deepEqual(await said(edge), [HIT, "-"]);
    assert.equal(origin.fetches, 4);
  });

  test("are as many as are told apart, and then the oldest goes", async () => {
    const origin = varyingOrigin("Accept");
    await using edge = await startEdge(origin.answer, { proxy: {} });
    for (let i = 0; i <= VARIANTS_MAX; i += 1) await said(edge, `accept: a/${i}`);
    assert.equal(edge.store.size, VARIANTS_MAX);
    assert.deepEqual(await said(edge, "accept: a/1"), [HIT, "a/1"]);
    assert.equal((await said(edge, "accept: a/0"))[0], "Atoll; fwd=vary-miss; stored");
  });

  test("are purged together, by their path and by everything", async () => {
    const origin = varyingOrigin("Accept");
    await using edge = await startEdge(origin.answer, { proxy: {} });
    for (const pattern of ["/a", "/*"]) {
      for (const accept of ["a", "b"]) await said(edge, `accept: ${accept}`);
      edge.purge(pattern);
      const before = origin.fetches;
      for (const accept of ["a", "b"]) {
        assert.deepEqual((await said(edge, `accept: ${accept}`))[1], accept);
      }
      assert.equal(origin.fetches, before + 2);
    }
  });

  test("are each confirmed for itself", async () => {
    const answer: RequestListener = ({ headers }, response) => {
      const etag = `"${headers.accept}"`;
      const isKnown = headers["if-none-match"] === etag;
      response.writeHead(isKnown ? 304 : 200, {
        vary: "Accept",
        etag,
        "cache-control": "max-age=60",
      });
      response.end(isKnown ? undefined : headers.accept);
    };
    await using edge = await startEdge(answer, { proxy: {} });
    for (const accept of ["a", "b"]) await said(edge, `accept: ${accept}`);
    edge.clock.advance(60_000);
    for (const accept of ["a", "b"]) {
      const revalidated = "Atoll; fwd=stale; fwd-status=304; stored";
      assert.deepEqual(await said(edge, `accept: ${accept}`), [revalidated, accept]);
      assert.deepEqual(await said(edge, `accept: ${accept}`), [HIT, accept]);
    }
  });

  test("follow what the newest response says that they vary by", async () => {
    const origin = varyingOrigin("Accept");
    await using edge = await startEdge(origin.answer, { proxy: {} });
    await said(edge, "accept: a", "accept-language: de");
    origin.vary = "Accept, Accept-Language";
    edge.clock.advance(60_000);
    for (const language of ["de", "en"]) {
      await said(edge, "accept: a", `accept-language: ${language}`);
    }
    for (const language of ["de", "en"]) {
      const lines = ["accept: a", `accept-language: ${language}`];
      assert.deepEqual(await said(edge, ...lines), [HIT, `a ${language}`]);
    }
  });

  test("are fetched once each, for all who wait before it is known that there are any", async () => {
    const origin = waitingOrigin();
    await using edge = await startEdge(origin.answer, { proxy: {} });
    const asked = ["a", "b", "a", "b", "a"].map((accept) => said(edge, `accept: ${accept}`));
    const answerNext = async (): Promise<void> => {
      const { incoming, response } = await origin.next();
      response.writeHead(200, { vary: "Accept", "cache-control": "max-age=60" });
      response.end(incoming.headers.accept);
    };
    await roundTrip(edge);
    await answerNext();
    await answerNext();
    const bodies = (await Promise.all(asked)).map(([, body]) => body);
    assert.deepEqual(bodies, ["a", "b", "a", "b", "a"]);
  });

  test("of a stored range and a HEAD are those of a GET", async () => {
    const origin = varyingOrigin("Accept");
    await using edge = await startEdge(origin.answer, { proxy: {} });
    for (const accept of ["abc", "xyz"]) await said(edge, `accept: ${accept}`);
    const part = await fetchOnce(edge, "/a", "accept: xyz", "range: bytes=1-1");
    assert.deepEqual([part.status, part.body.toString()], [206, "y"]);
    assert.equal(origin.fetches, 2);
  });
});
