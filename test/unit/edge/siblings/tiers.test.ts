import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import type { RequestListener } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { exchange } from "../../../support/exchange.ts";
import { sendObject } from "../../../support/object-origin.ts";
import { octetsOf } from "../../../support/octets.ts";
import { countingOrigin, host } from "../support.ts";
import { startWorkers } from "./support.ts";

const stack = new AsyncDisposableStack();
after(() => stack.disposeAsync());

const MIB = 1024 * 1024;
const LENGTH = 20 * MIB;

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "atoll-siblings-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** An origin with one long object, and the ranges that it was asked for. */
function longObject() {
  const ranges: string[] = [];
  const answer: RequestListener = (incoming, response) => {
    ranges.push(incoming.headers.range ?? "whole");
    const fields = { etag: '"1"', "cache-control": "max-age=60" };
    void sendObject(incoming, response, { name: "long", length: LENGTH, fields });
  };
  return { ranges, answer };
}

describe("what is kept on disk", () => {
  test("was written by its owner alone, and is read by all", async () => {
    const folder = await newFolder();
    const origin = countingOrigin({ "cache-control": "max-age=60" });
    {
      await using workers = await startWorkers(origin.answer, { folder });
      for (const { get } of workers.all) await get("/a");
      const [owner, other] = [workers.ownerOf("/a"), workers.otherOf("/a")];
      assert.equal(other.disk?.stats().queuedBytes, 0);
      await owner.disk?.close();
      assert.equal(other.disk?.stats().written, 0);
      assert.equal(owner.disk?.stats().written, 1);
    }
    await using again = await startWorkers(origin.answer, { folder });
    const { get, siblings } = again.otherOf("/a");
    assert.equal((await get("/a")).fields["x-cache"], "HIT");
    assert.equal(siblings.counts.asked, 0);
    assert.equal(origin.fetches, 1);
  });
});

describe("a long body that another worker owns", () => {
  test("is fetched in slices by its owner, as they are asked for", async () => {
    const { ranges, answer } = longObject();
    await using workers = await startWorkers(answer);
    const first = 11 * MIB + 17;
    const last = first + 2 * MIB;
    const { get } = workers.otherOf("/a");
    const { status, fields, text } = await get("/a", { range: `bytes=${first}-${last}` });
    assert.equal(status, 206);
    assert.equal(fields["content-range"], `bytes ${first}-${last}/${LENGTH}`);
    assert(Buffer.from(text, "latin1").equals(octetsOf("long", first, last + 1)));
    assert(ranges.length > 0 && !ranges.includes("whole"), ranges.join());
    const fetched = ranges.length;
    await workers.ownerOf("/a").get("/a", { range: `bytes=${first}-${last}` });
    assert.equal(ranges.length, fetched, `fetched again: ${ranges.join()}`);
  });

  test("has the same slices for all: what the owner wrote to disk, the others read", async () => {
    const folder = await newFolder();
    const { ranges, answer } = longObject();
    await using workers = await startWorkers(answer, { folder });
    const [owner, other] = [workers.ownerOf("/a"), workers.otherOf("/a")];
    await other.get("/a", { range: "bytes=0-99" });
    const whole = await owner.get("/a");
    assert(Buffer.from(whole.text, "latin1").equals(octetsOf("long", 0, LENGTH)));
    await owner.disk?.close();
    const fetched = ranges.length;
    const { asked } = other.siblings.counts;
    const { text } = await other.get("/a");
    assert(Buffer.from(text, "latin1").equals(octetsOf("long", 0, LENGTH)));
    assert.equal(ranges.length, fetched);
    assert.equal(other.siblings.counts.asked, asked, "it was all on disk");
    assert.equal(other.disk?.stats().written, 0);
  });

  test("is fetched anew after an answer that was none of it, though its owner has its head on disk", async () => {
    const folder = await newFolder();
    const { answer } = longObject();
    let isLying = false;
    const origin: RequestListener = (incoming, response) => {
      if (!isLying) return answer(incoming, response);
      const first = Number(/\d+/.exec(incoming.headers.range ?? "")?.[0]);
      const fields = { etag: '"1"', "content-range": `bytes ${first}-${first + 9}/${LENGTH + 1}` };
      return response.writeHead(206, fields).end("0123456789");
    };
    {
      await using workers = await startWorkers(origin, { folder });
      const owner = workers.ownerOf("/a");
      await owner.get("/a", { range: "bytes=0-99" });
      await owner.disk?.close();
    }
    await using workers = await startWorkers(origin, { folder });
    const { get, url, siblings } = workers.otherOf("/a");
    // It has no owner to ask any more, and owns nothing by that.
    assert.equal((await get("/a", { range: "bytes=0-99" })).fields["x-cache"], "HIT");
    await workers.ownerOf("/a").endDoor();
    isLying = true;
    await assert.rejects(exchange(`${url}/a`, { headers: { host } }), { message: "aborted" });
    isLying = false;
    const [first, last] = [5 * MIB, 5 * MIB + 99];
    const { status, text } = await get("/a", { range: `bytes=${first}-${last}` });
    assert.equal(status, 206);
    assert(Buffer.from(text, "latin1").equals(octetsOf("long", first, last + 1)));
    assert(siblings.counts.failed > 0);
  });

  test("is fetched on by who reads it when its owner ends in the middle", async () => {
    const { ranges, answer } = longObject();
    await using workers = await startWorkers(answer);
    const other = workers.otherOf("/a");
    const { fields } = await other.get("/a", { range: "bytes=0-99" });
    assert.equal(fields["content-range"], `bytes 0-99/${LENGTH}`);
    await workers.ownerOf("/a").endDoor();
    const { text } = await other.get("/a");
    assert(Buffer.from(text, "latin1").equals(octetsOf("long", 0, LENGTH)));
    assert(ranges.length > 1);
  });
});
