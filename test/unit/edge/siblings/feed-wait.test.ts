import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { FeedWait } from "#edge/siblings/feed-wait.ts";

describe("waiting for the feed", () => {
  test("is over at once where it has come so far", async () => {
    assert.equal(await new FeedWait({ number: 7 }, 0).reached(7), true);
  });

  test("is over when it has, and not before", async () => {
    const feed = { number: 5 };
    const wait = new FeedWait(feed);
    const reached: string[] = [];
    const six = wait.reached(6).then(() => reached.push("6"));
    const seven = wait.reached(7).then(() => reached.push("7"));
    feed.number = 6;
    wait.advanced();
    await six;
    assert.deepEqual(reached, ["6"]);
    feed.number = 7;
    wait.advanced();
    await seven;
    assert.deepEqual(reached, ["6", "7"]);
  });

  test("is given up in time", async () => {
    assert.equal(await new FeedWait({ number: 5 }, 1).reached(6), false);
  });
});
