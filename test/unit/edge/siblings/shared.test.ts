import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { countingOrigin, host } from "../support.ts";
import { startWorkers } from "./support.ts";

const LATER_MS = 30_000;

describe("what another worker owns", () => {
  test("is fetched by its owner alone, and is a hit for whoever asks after that", async () => {
    const origin = countingOrigin({ "cache-control": "max-age=60", etag: '"1"' });
    await using workers = await startWorkers(origin.answer, { workers: 4 });
    for (const { get } of workers.all) assert.equal((await get("/a")).text, "0123456789");
    assert.equal(origin.fetches, 1);
    const replies = await Promise.all(workers.all.map(({ get }) => get("/a")));
    assert.deepEqual(new Set(replies.map(({ fields }) => fields["x-cache"])), new Set(["HIT"]));
  });

  test("is a miss for the one request that had it fetched, wherever that came in", async () => {
    const origin = countingOrigin({ "cache-control": "max-age=60" });
    await using workers = await startWorkers(origin.answer);
    const missed = await workers.otherOf("/a").get("/a");
    assert.equal(missed.fields["x-cache"], "MISS");
    assert.equal(missed.fields["cache-status"], "Atoll; fwd=uri-miss; stored");
    assert.equal(missed.fields["age"], undefined);
    const owned = await workers.ownerOf("/a").get("/a");
    assert.equal(owned.fields["cache-status"], "Atoll; hit; ttl=60");
  });

  test("is as old everywhere as it is where it was fetched", async () => {
    const origin = countingOrigin({ "cache-control": "max-age=60", age: "7" });
    await using workers = await startWorkers(origin.answer);
    await workers.ownerOf("/a").get("/a");
    workers.clock.advance(LATER_MS);
    const first = await workers.otherOf("/a").get("/a");
    assert.deepEqual([first.fields["x-cache"], first.fields["age"]], ["HIT", "37"]);
    assert.equal(first.fields["cache-status"], "Atoll; hit; ttl=23");
    workers.clock.advance(22_000);
    const replies = await Promise.all(workers.all.map(({ get }) => get("/a")));
    for (const { fields } of replies) {
      assert.deepEqual([fields["x-cache"], fields["age"]], ["HIT", "59"]);
    }
    workers.clock.advance(1_000);
    assert.equal((await workers.otherOf("/a").get("/a")).fields["x-cache"], "MISS");
    assert.equal(origin.fetches, 2);
  });

  test("is said of it what the origin has said, each thing once", async () => {
    const origin = countingOrigin({
      "cache-control": "max-age=60",
      etag: '"1"',
      "x-kept": 'some "thing"',
      link: ["</a>; rel=next", "</b>; rel=prev"],
    });
    await using workers = await startWorkers(origin.answer);
    const { fields: owned } = await workers.ownerOf("/a").get("/a");
    const { fields: asked } = await workers.otherOf("/a").get("/a");
    const own = { "x-request-id": "", "x-cache": "", "cache-status": "", "server-timing": "" };
    assert.deepEqual({ ...asked, age: "", ...own }, { ...owned, age: "", ...own });
  });

  test("is confirmed once for all", async () => {
    let asked: string[] = [];
    await using workers = await startWorkers((incoming, response) => {
      asked.push(incoming.headers["if-none-match"] ?? "all");
      const isKnown = incoming.headers["if-none-match"] === '"1"';
      response.writeHead(isKnown ? 304 : 200, { "cache-control": "max-age=60", etag: '"1"' });
      response.end(isKnown ? undefined : "content");
    });
    for (const { get } of workers.all) await get("/a");
    workers.clock.advance(61_000);
    asked = [];
    const other = await workers.otherOf("/a").get("/a");
    assert.deepEqual([other.fields["x-cache"], other.text], ["REVALIDATED", "content"]);
    assert.equal((await workers.ownerOf("/a").get("/a")).fields["x-cache"], "HIT");
    assert.deepEqual(asked, ['"1"']);
    workers.clock.advance(61_000);
    await workers.ownerOf("/a").get("/a");
    // The owner knows by now that it holds: nobody goes to the origin for that.
    assert.equal((await workers.otherOf("/a").get("/a")).fields["x-cache"], "HIT");
    assert.deepEqual(asked, ['"1"', '"1"']);
  });

  test("is collapsed: who waits in one worker and who in another wait for one fetch", async () => {
    const arrived = Promise.withResolvers<() => void>();
    let fetches = 0;
    await using workers = await startWorkers((_incoming, response) => {
      fetches += 1;
      response.setHeader("cache-control", "max-age=60");
      arrived.resolve(() => response.end("content"));
    });
    const waiting = workers.all.flatMap(({ get }) => [get("/a"), get("/a")]);
    const release = await arrived.promise;
    const asked = workers.otherOf("/a");
    while (asked.siblings.counts.asked === 0) await asked.get("/robots", { "cdn-loop": "atoll" });
    release();
    const replies = await Promise.all(waiting);
    assert.equal(fetches, 1);
    assert.deepEqual(new Set(replies.map(({ text }) => text)), new Set(["content"]));
  });

  test("is had in the variant that each client wants, of which each is fetched once", async () => {
    const asked: string[] = [];
    await using workers = await startWorkers(
      (incoming, response) => {
        const language = incoming.headers["accept-language"] ?? "";
        asked.push(language);
        response.writeHead(200, { "cache-control": "max-age=60", vary: "accept-language" });
        response.end(language);
      },
      { proxy: true },
    );
    for (const language of ["de", "fr", "de", "fr"]) {
      for (const { get } of workers.all) {
        assert.equal((await get("/a", { "accept-language": language })).text, language);
      }
    }
    assert.deepEqual(asked, ["de", "fr"]);
  });

  test("tells an origin who asked, not which worker did", async () => {
    const told: unknown[] = [];
    await using workers = await startWorkers(
      (incoming, response) => {
        const { host: asked, via, "x-forwarded-for": address, "x-own": own } = incoming.headers;
        told.push({ host: asked, via, address, own, url: incoming.url });
        response.setHeader("cache-control", "max-age=60").end("a");
      },
      { proxy: true },
    );
    const target = "/a%2fb?q=1&r=%C3%A9";
    const asked = workers.otherOf(target);
    const { fields } = await asked.get(target, { "x-own": 'ä"' });
    assert.equal(fields["x-cache"], "MISS");
    assert.equal(asked.siblings.counts.answered, 1);
    assert.deepEqual(told, [
      { host, via: "1.1 atoll", address: "127.0.0.1", own: 'ä"', url: target },
    ]);
  });
});
