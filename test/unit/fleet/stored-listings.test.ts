import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { StoredAnswer, StoredEntry, ToWorker } from "#feed/message.ts";
import { StoredListings } from "#fleet/stored-listings.ts";
import type { AskedWorker } from "#fleet/worker-questions.ts";

const memory = (path: string, bytes = 1): StoredEntry => ({ path, bytes, tier: "memory" });
const onDisk = (path: string, bytes = 1): StoredEntry => ({ path, bytes, tier: "disk" });

type Question = Extract<ToWorker, { kind: "list-stored" }>;

/** A worker that answers at once with what it has; or, with nothing given, that does not answer. */
function join(
  listings: StoredListings,
  entries?: readonly StoredEntry[],
  truncated = false,
): { readonly asked: Question[]; readonly member: AskedWorker<StoredAnswer> } {
  const asked: Question[] = [];
  const member = listings.join((message) => {
    assert(message.kind === "list-stored");
    asked.push(message);
    const answer = { entries: entries ?? [], truncated, purges: [] };
    if (entries !== undefined) queueMicrotask(() => member.heard(message.id, answer));
  });
  return { asked, member };
}

describe("a listing of what is stored", () => {
  test("asks every worker the same, each with an id of its own", async () => {
    const listings = new StoredListings({});
    const workers = [join(listings, []), join(listings, [])];
    await listings.list("e-1", ["/a", "tag:b"], 10);
    const questions = workers.flatMap(({ asked }) => asked);
    assert.equal(questions.length, 2);
    assert.notEqual(questions[0]?.id, questions[1]?.id);
    for (const { id: _, ...question } of questions) {
      assert.deepEqual(question, {
        kind: "list-stored",
        endpointId: "e-1",
        patterns: ["/a", "tag:b"],
        limit: 10,
      });
    }
  });

  test("has each path once, in order, from the fastest tier and at its largest", async () => {
    const listings = new StoredListings({});
    join(listings, [onDisk("/b", 3), memory("/a", 2), onDisk("/c")]);
    join(listings, [memory("/b", 2), onDisk("/c")]);
    assert.deepEqual(await listings.list("e-1", ["/*"], 10), {
      matches: [memory("/a", 2), memory("/b", 3), onDisk("/c")],
      total: 3,
      truncated: false,
    });
  });

  test("is truncated at its limit, and by any answer that was", async () => {
    const listings = new StoredListings({});
    join(listings, [memory("/b"), memory("/d")]);
    const { member } = join(listings, [memory("/a"), memory("/c")]);
    const { matches, total, truncated } = await listings.list("e-1", ["/*"], 2);
    assert.deepEqual([matches.map(({ path }) => path), total], [["/a", "/b"], 4]);
    assert(truncated);
    member.leave();
    join(listings, [], true);
    assert((await listings.list("e-1", ["/*"], 10)).truncated);
  });

  test("waits no longer than it may for a worker that does not answer", async () => {
    const listings = new StoredListings({ timeoutMs: 10 });
    join(listings, [memory("/a")]);
    const late = join(listings);
    const found = await listings.list("e-1", ["/*"], 10);
    assert.deepEqual(found, { matches: [memory("/a")], total: 1, truncated: true });
    const answer = { entries: [memory("/late")], truncated: false, purges: [] };
    late.member.heard(late.asked[0]?.id ?? 0, answer);
    assert.equal((await listings.list("e-1", ["/*"], 10)).total, 1);
  });

  test("waits for no worker that has left, whose memory is gone", async () => {
    const listings = new StoredListings({});
    const { member } = join(listings);
    const listed = listings.list("e-1", ["/*"], 10);
    member.leave();
    assert.deepEqual(await listed, { matches: [], total: 0, truncated: false });
  });

  test("of an edge without workers is empty", async () => {
    const found = await new StoredListings({}).list("e-1", ["/*"], 10);
    assert.deepEqual(found, { matches: [], total: 0, truncated: false });
  });

  test("is one of four at a time: the fifth is told to come again", async () => {
    const listings = new StoredListings({});
    const { member } = join(listings);
    const four = Array.from({ length: 4 }, () => listings.list("e-1", ["/*"], 10));
    await assert.rejects(listings.list("e-1", ["/*"], 10), {
      id: "too_many_requests",
      fields: { "retry-after": "1" },
    });
    member.leave();
    await Promise.all(four);
    assert.equal((await listings.list("e-1", ["/*"], 10)).total, 0);
  });

  test("has what is on disk beside what workers have, by the purges that they know", async () => {
    const head = (number: number): Buffer =>
      Buffer.from(JSON.stringify({ lines: "", tags: [], purgesCheckedAt: number }));
    const disk = {
      list: async function* list() {
        const entry = { bodyBytes: 5, diskBytes: 4_096 };
        yield { ...entry, key: "e-1 /a", head: head(9) };
        yield { ...entry, key: "e-1 /cold", head: head(9) };
        yield { ...entry, key: "e-1 /purged", head: head(1) };
        return "all" as const;
      },
    };
    const listings = new StoredListings({ disk });
    const member = listings.join((message) => {
      assert(message.kind === "list-stored");
      const purges = [{ number: 2, pattern: "/*" }];
      member.heard(message.id, { entries: [memory("/a", 3)], truncated: false, purges });
    });
    assert.deepEqual(await listings.list("e-1", ["/*"], 10), {
      matches: [memory("/a", 5), { path: "/cold", bytes: 5, tier: "disk" }],
      total: 2,
      truncated: false,
    });
  });

  test("is truncated if the disk cannot be read", async () => {
    const disk = {
      // oxlint-disable-next-line require-yield -- it has nothing to give
      list: async function* list() {
        throw new Error("EIO: i/o error, scandir");
      },
    };
    const listings = new StoredListings({ disk });
    join(listings, [memory("/a")]);
    const found = await listings.list("e-1", ["/*"], 10);
    assert.deepEqual(found, { matches: [memory("/a")], total: 1, truncated: true });
  });
});
