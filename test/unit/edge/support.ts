import assert from "node:assert/strict";
import { once } from "node:events";
import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type RequestListener,
  type ServerResponse,
} from "node:http";
import { createServer as createTcpServer, type Server } from "node:net";
import { pid } from "node:process";
import { manualClock, monotonicClock, systemClock } from "#clock.ts";
import { MemoryBudget } from "#edge/cache/memory-budget.ts";
import { MemoryStore } from "#edge/cache/memory-store.ts";
import { DiskTier } from "#edge/disk/disk-tier.ts";
import type { Ending } from "#edge/exchange.ts";
import { FeedFollower } from "#edge/feed-follower.ts";
import { Gate } from "#edge/gate.ts";
import { HttpOrigin, type OriginOptions } from "#edge/origin/http-origin.ts";
import { Edge } from "#edge/serve.ts";
import { decodeHead, type KeptHead } from "#edge/tiers/kept-head.ts";
import { Tiers } from "#edge/tiers/tiers.ts";
import { Connection } from "#edge/wire/http1/connection.ts";
import { Slabs } from "#edge/wire/slabs.ts";
import type { EdgeEndpoint } from "#feed/entry.ts";
import type { Logger } from "#log.ts";
import { CacheCounters } from "#usage/cache-counters.ts";
import { Client, type Received } from "./client.ts";

/** The endpoint that every edge under test has, and the Host it answers on. */
export const endpoint: EdgeEndpoint & { readonly ttl: number } = {
  id: "19f06b6a-3ace-4315-b086-499a0e521b76",
  space: "static",
  region: "nyc3",
  domain: "digitaloceanspaces.com",
  ttl: 3_600,
};
export const host = "static.nyc3.cdn.spaces.localhost";

export interface EdgeUnderTest extends AsyncDisposable {
  readonly port: number;
  readonly feed: FeedFollower;
  readonly clock: ReturnType<typeof manualClock>;
  readonly store: MemoryStore;
  readonly budget: MemoryBudget;
  readonly counters: CacheCounters;
  /** The client's connections that are open. */
  readonly connections: ReadonlySet<Connection>;
  readonly endings: readonly Ending[];
  readonly errors: readonly unknown[];
  readonly warnings: readonly unknown[];
  purge(...patterns: string[]): void;
  /** Marks what matches as stale. */
  softPurge(...patterns: string[]): void;
  /** Looks at all deadlines, as a listener does each second. */
  sweep(): void;
}

interface EdgeOptions {
  readonly memoryBytesMax?: number;
  /** Of what goes to the one upstream, as `atoll edge` has it; absent: the endpoint of a Space. */
  readonly proxy?: { readonly ttl?: number };
  /** What an origin may take, and the like. */
  readonly origin?: OriginOptions;
  /** A folder for the disk tier, to which all is written by the end of the edge. */
  readonly disk?: string;
  /** Absent: one that is at noon. */
  readonly clock?: ReturnType<typeof manualClock>;
}

/** When tests begin. */
export const NOON = Date.UTC(2026, 10, 22, 12);

/** A worker's parts in this process, in front of an origin that `answer` plays. */
export async function startEdge(
  answer: RequestListener,
  options: EdgeOptions = {},
): Promise<EdgeUnderTest> {
  const server = createServer((incoming, response) => {
    // The edge's clock is set by hand: a Date of the real one would make everything old or new.
    response.sendDate = false;
    answer(incoming, response);
  });
  // None of its limits: what is bounded is bounded by the edge.
  server.requestTimeout = 0;
  return await startEdgeBefore(server, options, () => server.closeAllConnections());
}

/** The same in front of any server, which is closed with it. */
export async function startEdgeBefore(
  server: Server,
  { memoryBytesMax = 256 * 1024 * 1024, proxy, disk: folder, ...options }: EdgeOptions,
  cut: () => void,
): Promise<EdgeUnderTest> {
  await using stack = new AsyncDisposableStack();
  const originPort = await listen(server);
  stack.defer(() => {
    cut();
    server.close();
  });
  const clock = options.clock ?? manualClock(NOON);
  const budget = new MemoryBudget(memoryBytesMax);
  const store = new MemoryStore(budget);
  const origin = new HttpOrigin({ port: originPort, secret: "s3cret" }, clock, {
    loopToken: "atoll",
    ...options.origin,
  });
  stack.defer(() => origin.close());
  const feed = new FeedFollower();
  const { ttl: _ttl, ...unlimited } = endpoint;
  const upstream = { url: `http://127.0.0.1:${originPort}` };
  const served =
    proxy === undefined ? endpoint : { ...unlimited, role: "proxy" as const, upstream, ...proxy };
  feed.apply([{ number: 1, kind: "endpoint-put", endpoint: served }]);
  const errors: unknown[] = [];
  const warnings: unknown[] = [];
  const endings: Ending[] = [];
  const log = {
    info: () => undefined,
    warn: (fields: unknown) => void warnings.push(fields),
    error: (fields: unknown) => void errors.push(fields),
  };
  const disk = folder === undefined ? undefined : startDisk(folder, log);
  stack.defer(() => disk?.close());
  const tiers = new Tiers({ memory: store, disk, budget });
  const gate = new Gate({ loopToken: origin.loopToken, tlsPort: undefined });
  const counters = new CacheCounters();
  const edge = new Edge({ feed, gate, tiers, budget, origin, counters, clock, log });
  const parts = {
    serve: edge.serve.bind(edge),
    observer: { ended: (ending: Ending) => void endings.push(ending) },
    clock,
    stopwatch: clock,
    slabs: new Slabs(),
  };
  const connections = new Set<Connection>();
  const wire = createTcpServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    const connection = new Connection(socket, parts, { address: socket.remoteAddress ?? "" });
    connections.add(connection);
    socket.on("close", () => connections.delete(connection));
  });
  const port = await listen(wire);
  stack.defer(() => {
    for (const connection of connections) connection.destroy();
    wire.close();
  });
  const owned = stack.move();
  return {
    port,
    feed,
    clock,
    store,
    budget,
    counters,
    connections,
    endings,
    errors,
    warnings,
    purge: (...patterns) => {
      feed.apply([{ number: feed.number + 1, kind: "purge", id: endpoint.id, patterns }]);
    },
    softPurge: (...patterns) => {
      const purge = { kind: "purge" as const, id: endpoint.id, patterns, soft: true };
      feed.apply([{ number: feed.number + 1, ...purge }]);
    },
    sweep: () => {
      for (const connection of connections) connection.expire(clock.now());
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Files have the system's dates. */
function startDisk(folder: string, log: Logger): DiskTier<KeptHead> {
  return new DiskTier({
    folder,
    slot: 0,
    pid,
    openFilesMax: 100,
    decodeHead,
    clock: systemClock,
    monotonic: monotonicClock,
    log,
    grew: () => undefined,
  });
}

async function listen(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert(address !== null && typeof address === "object");
  return address.port;
}

export function request(method: string, target: string, ...lines: string[]): string {
  return [`${method} ${target} HTTP/1.1`, `host: ${host}`, ...lines, "", ""].join("\r\n");
}

/** One request on a connection of its own. */
export async function fetchOnce(
  edge: EdgeUnderTest,
  target: string,
  ...lines: string[]
): Promise<Received> {
  using client = new Client(edge.port);
  client.send(request("GET", target, ...lines));
  return await client.receive();
}

/** An origin that answers every request alike, and counts them. */
export function countingOrigin(
  headers: OutgoingHttpHeaders = {},
  status = 200,
): { readonly answer: RequestListener; fetches: number; body: string } {
  const state = {
    fetches: 0,
    body: "0123456789",
    answer: ((_incoming, response) => {
      state.fetches += 1;
      response.writeHead(status, { "content-length": state.body.length, ...headers });
      response.end(state.body);
    }) satisfies RequestListener,
  };
  return state;
}

/** An origin that leaves each request to the test. */
export function waitingOrigin(): {
  readonly answer: RequestListener;
  next(): Promise<{ incoming: IncomingMessage; response: ServerResponse }>;
} {
  const waiting: { incoming: IncomingMessage; response: ServerResponse }[] = [];
  let arrived: () => void = () => undefined;
  return {
    answer: (incoming, response) => {
      waiting.push({ incoming, response });
      arrived();
    },
    next: async () => {
      for (;;) {
        const next = waiting.shift();
        if (next !== undefined) return next;
        await new Promise<void>((resolve) => {
          arrived = resolve;
        });
      }
    },
  };
}

/** What was sent has come to the edge once another connection, made later, has been answered. */
export async function roundTrip(edge: EdgeUnderTest): Promise<void> {
  assert.equal((await fetchOnce(edge, "/", "cdn-loop: atoll")).status, 508);
}
