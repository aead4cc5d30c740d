import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { systemClock } from "#clock.ts";
import type { FeedEntry } from "#feed/entry.ts";
import { type EdgeChannel, FeedHub, type Follower, type SnapshotPart } from "#feed/hub.ts";
import type { ToWorker } from "#feed/message.ts";

const gone = (number: number): FeedEntry => ({ number, kind: "endpoint-delete", id: "e" });

/** An edge at the other end of a channel: what it was sent, and whether it was killed. */
function edge(onKill: () => void = () => undefined) {
  const sent: ToWorker[] = [];
  const killed: string[] = [];
  const channel: EdgeChannel = {
    send: async (message) => void sent.push(message),
    kill: (reason) => {
      killed.push(reason);
      onKill();
    },
  };
  return { sent, killed, channel };
}

async function* snapshotAt(number: number): AsyncGenerator<SnapshotPart> {
  yield { kind: "part", endpoints: [], purges: [], certificates: [], challenges: [] };
  yield { kind: "end", number };
}

async function join(hub: FeedHub, channel: EdgeChannel, number = 0): Promise<Follower> {
  const follower = hub.join(channel);
  await follower.load(() => snapshotAt(number));
  follower.loaded();
  return follower;
}

async function isSettled(promise: Promise<void>): Promise<boolean> {
  const pending = Symbol("pending");
  return (await Promise.race([promise, Promise.resolve(pending)])) !== pending;
}

describe("the feed's hub", () => {
  test("sends a snapshot, what came during it, leave to serve, and what follows", async () => {
    const hub = new FeedHub(systemClock);
    const { sent, channel } = edge();
    const follower = hub.join(channel);
    hub.publish([gone(5)]);
    await follower.load(async function* () {
      yield { kind: "part", endpoints: [], purges: [], certificates: [], challenges: [] };
      hub.publish([gone(6)]);
      hub.publish([gone(7)]);
      yield { kind: "end", number: 6 };
    });
    follower.loaded();
    hub.publish([gone(8)]);
    assert.deepEqual(sent, [
      { kind: "snapshot", endpoints: [], purges: [], certificates: [], challenges: [] },
      { kind: "snapshot-end", number: 6 },
      { kind: "entries", entries: [gone(7)] },
      { kind: "serve" },
      { kind: "entries", entries: [gone(8)] },
    ]);
    follower.acknowledged(8);
  });

  test("sends what was held before what is published while the snapshot's end is on its way", async () => {
    const hub = new FeedHub(systemClock);
    const { sent, channel } = edge();
    const slow: EdgeChannel = {
      ...channel,
      send: async (message) => {
        sent.push(message);
        // The pipe is full: a change comes before this message is through.
        if (message.kind === "snapshot-end") hub.publish([gone(12)]);
      },
    };
    const follower = hub.join(slow);
    hub.publish([gone(11)]);
    await follower.load(() => snapshotAt(10));
    const numbers = sent.flatMap((message) =>
      message.kind === "entries" ? message.entries.map(({ number }) => number) : [],
    );
    assert.deepEqual(numbers, [11, 12]);
  });

  test("does not kill an edge whose acknowledgement waited for a stall of its own", async () => {
    const hub = new FeedHub(systemClock, 20);
    const { killed, channel } = edge();
    const follower = await join(hub, channel);
    hub.publish([gone(1)]);
    // The acknowledgement comes after the timer is due and before it is acted on.
    setTimeout(() => setImmediate(() => follower.acknowledged(1)), 0);
    const stalledUntil = performance.now() + 60;
    while (performance.now() < stalledUntil);
    await hub.settled(1);
    assert.deepEqual(killed, []);
  });

  test("waits for every live edge to acknowledge", async () => {
    const hub = new FeedHub(systemClock);
    const first = await join(hub, edge().channel);
    const second = await join(hub, edge().channel);
    hub.publish([gone(1)]);
    const settled = hub.settled(1);
    first.acknowledged(1);
    assert.equal(await isSettled(settled), false);
    second.acknowledged(1);
    await settled;
  });

  test("does not wait for an edge that has no snapshot yet", async () => {
    const hub = new FeedHub(systemClock);
    hub.join(edge().channel);
    hub.publish([gone(1)]);
    await hub.settled(1);
  });

  test("waits no longer for an edge that left", async () => {
    const hub = new FeedHub(systemClock);
    const follower = await join(hub, edge().channel);
    hub.publish([gone(1)]);
    const settled = hub.settled(1);
    follower.leave();
    await settled;
  });

  test("kills an edge that does not acknowledge in time, and then waits no longer", async () => {
    const hub = new FeedHub(systemClock, 20);
    const follower: { current?: Follower } = {};
    const { killed, channel } = edge(() => follower.current?.leave());
    follower.current = await join(hub, channel);
    hub.publish([gone(1)]);
    await hub.settled(1);
    assert.deepEqual(killed, ["it did not acknowledge change 1 in time"]);
  });

  test("counts no edge as late for what it was sent before it was live", async () => {
    const hub = new FeedHub(systemClock, 60_000);
    const { killed, channel } = edge();
    const follower = hub.join(channel);
    await follower.load(() => snapshotAt(0));
    hub.publish([gone(1)]);
    follower.loaded();
    follower.acknowledged(1);
    await hub.settled(1);
    assert.deepEqual(killed, []);
  });
});
