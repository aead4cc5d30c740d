import process from "node:process";
import { monotonicClock, systemClock } from "#clock.ts";
import { assemble } from "#edge/assemble.ts";
import type { MemoryStore } from "#edge/cache/memory-store.ts";
import { FeedFollower } from "#edge/feed-follower.ts";
import { Connection } from "#edge/wire/http1/connection.ts";
import { Http2Connection } from "#edge/wire/http2/connection.ts";
import { Listener } from "#edge/wire/listener.ts";
import type { ConnectionParts } from "#edge/wire/parts.ts";
import { Slabs } from "#edge/wire/slabs.ts";
import type { EdgeEndpoint } from "#feed/entry.ts";
import type { EdgeSettings } from "#feed/message.ts";
import { createLogger } from "#log.ts";
import { EdgeCounters } from "#usage/edge-counters.ts";
import { EdgeObserver } from "#usage/edge-observer.ts";

/** An edge in this process, to be looked into: a worker of `atoll edge` without its parent. */
export interface InnerEdge {
  readonly feed: FeedFollower;
  readonly memory: MemoryStore;
  /** HTTP/1.1, and HTTP/2 to who begins with it. */
  readonly port: number;
}

export const ENDPOINT_ID = "edge";
const MEMORY_BYTES_MAX = 2 ** 34;

/** Starts one in front of this origin, with all memory that it could want, and nothing beside. */
export async function startInnerEdge(origin: string): Promise<InnerEdge> {
  const log = createLogger("warn");
  const feed = new FeedFollower();
  const endpoint: EdgeEndpoint = {
    id: ENDPOINT_ID,
    role: "proxy",
    space: "",
    region: "",
    domain: "",
    upstream: { url: origin },
  };
  feed.load({ endpoints: [endpoint], purges: [], certificates: [], challenges: [] });
  feed.loaded(1);
  const settings: EdgeSettings = {
    host: "127.0.0.1",
    port: 0,
    sharePort: false,
    priorKnowledge: true,
    memoryBytesMax: MEMORY_BYTES_MAX,
    loopToken: "",
    embedded: { port: 0, secret: "" },
    logLevel: "warn",
  };
  const counters = new EdgeCounters();
  const { edge, memory } = assemble({
    settings,
    slot: 0,
    pid: process.pid,
    feed,
    counters: counters.cache,
    log,
    diskGrew: () => undefined,
  });
  const parts: ConnectionParts = {
    serve: edge.serve.bind(edge),
    observer: new EdgeObserver(counters, undefined, systemClock),
    clock: systemClock,
    stopwatch: monotonicClock,
    slabs: new Slabs(),
  };
  const listener = new Listener({
    connect: (socket, client, protocol, received) =>
      protocol === "h2"
        ? new Http2Connection(socket, parts, client, received)
        : new Connection(socket, parts, client, received),
    priorKnowledge: true,
    clock: systemClock,
    log,
  });
  const { port } = await listener.listen(settings);
  return { feed, memory, port };
}
