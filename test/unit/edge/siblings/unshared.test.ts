import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { countingOrigin } from "../support.ts";
import { startWorkers } from "./support.ts";

describe("what another worker owns and may not be shared", () => {
  test("goes through it once, and from then on to the origin directly", async () => {
    const origin = countingOrigin({ "cache-control": "private" });
    await using workers = await startWorkers(origin.answer);
    const other = workers.otherOf("/a");
    for (let fetches = 1; fetches <= 3; fetches += 1) {
      const { text, fields } = await other.get("/a");
      assert.deepEqual([text, fields["x-cache"]], ["0123456789", "MISS"]);
      assert.equal(fields["cache-status"], "Atoll; fwd=uri-miss; detail=private");
      assert.equal(origin.fetches, fetches);
    }
    assert.equal(other.siblings.counts.asked, 1);
  });

  test("is for each who waits something of its own", async () => {
    let fetches = 0;
    await using workers = await startWorkers(
      (_incoming, response) => {
        fetches += 1;
        response.setHeader("cache-control", "private").end(`for ${fetches}`);
      },
      { proxy: true },
    );
    const waiting = workers.all.flatMap(({ get }) => [get("/a"), get("/a"), get("/a")]);
    const texts = (await Promise.all(waiting)).map(({ text }) => text);
    assert.equal(new Set(texts).size, texts.length, texts.join());
    assert.equal(fetches, texts.length);
  });

  test("may be of any length, and have trailers", async () => {
    const piece = Buffer.alloc(200_000, "a");
    await using workers = await startWorkers(
      (_incoming, response) => {
        response.writeHead(200, { "cache-control": "no-store", trailer: "x-end" });
        for (let n = 0; n < 10; n += 1) response.write(piece);
        response.addTrailers({ "x-end": "here" });
        response.end();
      },
      { proxy: true },
    );
    const { text, trailers } = await workers.otherOf("/a").get("/a");
    assert.equal(text.length, 2_000_000);
    assert.equal(trailers["x-end"], "here");
  });

  test("is not kept because it was framed anew on its way", async () => {
    await using workers = await startWorkers((_incoming, response) => {
      // Its end is the connection's: whether it is whole, nobody can tell.
      response.socket?.end("HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\n\r\nall of it?");
    });
    const { text, fields } = await workers.otherOf("/a").get("/a");
    assert.equal(text, "all of it?");
    assert.equal(fields["cache-status"], "Atoll; fwd=uri-miss; detail=close-delimited");
  });

  test("is a field that was for who asked first, and reaches that one alone", async () => {
    await using workers = await startWorkers(
      (_incoming, response) => {
        response.setHeader("cache-control", 'max-age=60, private="x-mine"');
        response.setHeader("x-mine", "yes").end("a");
      },
      { proxy: true },
    );
    const first = await workers.otherOf("/a").get("/a");
    assert.equal(first.fields["x-mine"], "yes");
    for (const { get } of workers.all) assert.equal((await get("/a")).fields["x-mine"], undefined);
  });

  test("is an interim response: it reaches the client that is waited for", async () => {
    await using workers = await startWorkers(
      (_incoming, response) => {
        response.writeEarlyHints({ link: "</a.css>; rel=preload" });
        response.setHeader("cache-control", "max-age=60").end("a");
      },
      { proxy: true },
    );
    const { interim } = await workers.otherOf("/a").get("/a");
    assert.deepEqual(interim, [{ status: 103, fields: { link: "</a.css>; rel=preload" } }]);
  });
});

describe("the failure of an origin", () => {
  test("is told as its owner has met it", async () => {
    await using workers = await startWorkers((_incoming, response) => {
      response.destroy();
    });
    const told = await workers.otherOf("/a").get("/a");
    const met = await workers.ownerOf("/a").get("/a");
    assert.deepEqual([told.status, told.text], [met.status, met.text]);
    assert.equal(told.fields["cache-status"], "Atoll; fwd=uri-miss; detail=origin-unreachable");
    assert.equal(workers.otherOf("/a").siblings.counts.answered, 1);
  });

  test("says when to come back, if that is known", async () => {
    await using workers = await startWorkers(countingOrigin().answer);
    workers.endOrigin();
    const other = workers.otherOf("/a");
    let last = await other.get("/a");
    for (let tries = 0; tries < 10 && last.fields["retry-after"] === undefined; tries += 1) {
      last = await other.get("/a");
    }
    assert.equal(last.fields["retry-after"], "1");
    assert.equal(last.fields["cache-status"], "Atoll; fwd=uri-miss; detail=origin-down");
  });

  test("is sheltered from by what the owner has, though the asker has nothing", async () => {
    let isUp = true;
    await using workers = await startWorkers((_incoming, response) => {
      if (isUp) response.setHeader("cache-control", "max-age=60").end("a");
      else response.destroy();
    });
    await workers.ownerOf("/a").get("/a");
    isUp = false;
    workers.clock.advance(61_000);
    const { get } = workers.otherOf("/a");
    const first = await get("/a");
    assert.deepEqual([first.status, first.text, first.fields["x-cache"]], [200, "a", "STALE"]);
    assert.equal(first.fields["age"], "61");
    const second = await get("/a");
    assert.equal(second.fields["cache-status"], "Atoll; hit; ttl=-1; detail=stale-if-error");
    isUp = true;
    workers.clock.advance(10_000);
    assert.equal((await get("/a")).fields["x-cache"], "MISS");
  });
});
