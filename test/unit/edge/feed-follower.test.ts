import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { PurgeEffect } from "#edge/cache/purges.ts";
import { FeedFollower } from "#edge/feed-follower.ts";
import type { FeedEntry } from "#feed/entry.ts";
import { endpoint, host } from "./settings/support.ts";

const { id } = endpoint;

function effectOn(
  feed: FeedFollower,
  target: string,
  tags: string[] = [],
): PurgeEffect | undefined {
  return feed.endpoints.find(host)?.purges?.effectOn(target, tags, 0);
}

describe("the feed, as an edge follows it", () => {
  test("makes stale what a soft purge matches, and drops what a hard one does", () => {
    const feed = new FeedFollower();
    const entries: FeedEntry[] = [
      { number: 1, kind: "endpoint-put", endpoint },
      { number: 2, kind: "purge", id, patterns: ["/a"], soft: true },
      { number: 3, kind: "purge", id, patterns: ["/b"] },
      { number: 4, kind: "purge", id, patterns: ["tag:news"], soft: true },
    ];
    feed.apply(entries);
    assert.equal(effectOn(feed, "/a"), "stale");
    assert.equal(effectOn(feed, "/b"), "gone");
    assert.equal(effectOn(feed, "/c", ["news"]), "stale");
    assert.equal(effectOn(feed, "/c"), "unaffected");
  });

  test("is the same for a worker that comes later, and is told by a snapshot", () => {
    const feed = new FeedFollower();
    const purges = [
      { number: 3, id, pattern: "/b" },
      { number: 2, id, pattern: "/a", soft: true },
    ];
    feed.load({ endpoints: [endpoint], purges, certificates: [], challenges: [] });
    feed.loaded(3);
    assert.equal(effectOn(feed, "/a"), "stale");
    assert.equal(effectOn(feed, "/b"), "gone");
    assert.equal(feed.endpoints.find(host)?.purges?.latest, 3);
  });

  test("skips entries that the snapshot had", () => {
    const feed = new FeedFollower();
    feed.load({ endpoints: [endpoint], purges: [], certificates: [], challenges: [] });
    feed.loaded(5);
    feed.apply([{ number: 5, kind: "purge", id, patterns: ["/a"] }]);
    assert.equal(feed.endpoints.find(host)?.purges, undefined);
    assert.equal(feed.number, 5);
  });

  test("tells of settings and rules with the endpoint", () => {
    const feed = new FeedFollower();
    const settings = { httpsRedirect: true };
    feed.apply([{ number: 1, kind: "endpoint-put", endpoint: { ...endpoint, settings } }]);
    const live = feed.endpoints.find(host);
    assert.equal(live?.endpoint.settings, settings);
    feed.apply([{ number: 2, kind: "endpoint-put", endpoint }]);
    assert.equal(live?.endpoint.settings, undefined);
  });
});
