import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { createServer as createTcpServer } from "node:net";
import { type Clock, manualClock } from "#clock.ts";
import { MemoryBudget } from "#edge/cache/memory-budget.ts";
import { MemoryStore } from "#edge/cache/memory-store.ts";
import { DiskTier } from "#edge/disk/disk-tier.ts";
import { FeedFollower } from "#edge/feed-follower.ts";
import { Gate } from "#edge/gate.ts";
import { HttpOrigin } from "#edge/origin/http-origin.ts";
import { Edge } from "#edge/serve.ts";
import { ownerAmong } from "#edge/siblings/owner.ts";
import { SiblingDoor } from "#edge/siblings/sibling-door.ts";
import { Siblings } from "#edge/siblings/siblings.ts";
import { siblingTokens } from "#edge/siblings/tokens.ts";
import { decodeHead, type KeptHead } from "#edge/tiers/kept-head.ts";
import { Tiers } from "#edge/tiers/tiers.ts";
import { Connection } from "#edge/wire/http1/connection.ts";
import { Slabs } from "#edge/wire/slabs.ts";
import type { EdgeEndpoint } from "#feed/entry.ts";
import type { SiblingAddress } from "#feed/message.ts";
import { CacheCounters } from "#usage/cache-counters.ts";
import { ASK, type Question } from "../../../support/ask.ts";
import { endpoint, host } from "../support.ts";

const SECRET = "s3cret";
export const TOKENS = siblingTokens(SECRET);

/** Says nothing: what a test is about is told by what is answered. */
const LOG = { info: () => undefined, warn: () => undefined, error: () => undefined };

type Answer = Awaited<ReturnType<(typeof ASK)["HTTP/1.1"]>>;

/** One worker's parts in this process, with what siblings need. */
interface Worker {
  readonly slot: number;
  /** Where clients ask. */
  readonly url: string;
  /** Where siblings ask. */
  readonly address: SiblingAddress;
  readonly feed: FeedFollower;
  readonly store: MemoryStore;
  readonly siblings: Siblings;
  readonly disk: DiskTier<KeptHead> | undefined;
  /** The feed, in this worker alone. */
  readonly purge: (...patterns: string[]) => void;
  readonly get: (target: string, fields?: Question["fields"]) => Promise<Answer>;
  /** Ends its connections with siblings, as its death does. */
  endDoor(): Promise<void>;
}

export interface Workers extends AsyncDisposable {
  readonly clock: Clock & { advance(ms: number): void };
  readonly originUrl: string;
  /** Nobody listens there any more. */
  endOrigin(): void;
  /** By slot. */
  readonly all: readonly Worker[];
  /** Whoever fetches this for all. */
  ownerOf(target: string): Worker;
  /** Anyone else. */
  otherOf(target: string): Worker;
}

export interface WorkersOptions {
  readonly workers?: number;
  /** As `atoll edge` has it; absent: the endpoint of a Space. */
  readonly proxy?: boolean;
  /** A disk tier in this folder. */
  readonly folder?: string;
  readonly settings?: Partial<EdgeEndpoint>;
}

/** Workers that know one another, in front of an origin that `answer` plays. */
export async function startWorkers(
  answer: RequestListener,
  options: WorkersOptions = {},
): Promise<Workers> {
  await using stack = new AsyncDisposableStack();
  const server = createServer((incoming, response) => {
    // The clock is set by hand: a Date of the real one would make everything old or new.
    response.sendDate = false;
    answer(incoming, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const endOrigin = (): void => {
    server.close();
    server.closeAllConnections();
  };
  stack.defer(endOrigin);
  const { port } = server.address() as AddressInfo;
  const clock = manualClock(Date.UTC(2026, 10, 22, 12));
  const { ttl: _ttl, ...unlimited } = endpoint;
  const upstream = { url: `http://127.0.0.1:${port}` };
  const proxied = { ...unlimited, role: "proxy", upstream } as const;
  const served = { ...(options.proxy === true ? proxied : endpoint), ...options.settings };
  const all: Worker[] = [];
  for (let slot = 0; slot < (options.workers ?? 2); slot += 1) {
    const terms = { slot, clock, originPort: port, served, folder: options.folder };
    all.push(stack.use(await startWorker(terms)));
  }
  for (const { siblings } of all) siblings.update(all.map(({ address }) => address));
  const slots = all.map(({ slot }) => slot);
  const keyOf = (target: string): string =>
    options.proxy === true ? `${endpoint.id}/${host} ${target}` : `${endpoint.id} ${target}`;
  const isOwner = (target: string, { slot }: Worker): boolean =>
    ownerAmong(keyOf(target), slots) === slot;
  const owned = stack.move();
  return {
    clock,
    originUrl: upstream.url,
    endOrigin,
    all,
    ownerOf: (target) => all.find((worker) => isOwner(target, worker)) as Worker,
    otherOf: (target) => all.find((worker) => !isOwner(target, worker)) as Worker,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

interface WorkerTerms {
  readonly slot: number;
  readonly clock: Clock;
  readonly originPort: number;
  readonly served: EdgeEndpoint;
  readonly folder: string | undefined;
}

async function startWorker(terms: WorkerTerms): Promise<Worker & AsyncDisposable> {
  const { slot, clock, originPort, served, folder } = terms;
  await using stack = new AsyncDisposableStack();
  const feed = new FeedFollower();
  feed.apply([{ number: 1, kind: "endpoint-put", endpoint: served }]);
  const budget = new MemoryBudget(256 * 1024 * 1024);
  const store = new MemoryStore(budget);
  const siblings = new Siblings({ slot, tokens: TOKENS, feed, clock });
  stack.defer(() => siblings.close());
  const disk = folder === undefined ? undefined : openDisk({ folder, slot, clock });
  if (disk !== undefined) stack.defer(() => disk.close());
  const owns = (key: string): boolean => siblings.owns(key);
  const tiers = new Tiers({ memory: store, disk, budget, owns });
  const embedded = { port: originPort, secret: SECRET };
  const origin = new HttpOrigin(embedded, clock, { loopToken: "atoll" });
  stack.defer(() => origin.close());
  const gate = new Gate({ loopToken: "atoll", tlsPort: undefined });
  const counters = new CacheCounters();
  const edge = new Edge({ feed, gate, tiers, budget, origin, siblings, counters, clock, log: LOG });
  const slabs = new Slabs();
  const { answers } = edge;
  const shared = { clock, stopwatch: clock, slabs };
  const door = new SiblingDoor({ ...shared, answers, tokens: TOKENS, log: LOG });
  const address = { slot, port: await door.listen() };
  stack.defer(() => door.stop(0));
  const parts = {
    ...shared,
    serve: edge.serve.bind(edge),
    observer: { ended: () => undefined },
  };
  const wire = createTcpServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    // Else it would hold up the end of the test.
    stackOfWire.add(new Connection(socket, parts, { address: socket.remoteAddress ?? "" }));
  });
  const stackOfWire = new Set<Connection>();
  wire.listen(0, "127.0.0.1");
  await once(wire, "listening");
  stack.defer(() => {
    for (const connection of stackOfWire) connection.destroy();
    wire.close();
  });
  const url = `http://127.0.0.1:${(wire.address() as AddressInfo).port}`;
  const owned = stack.move();
  return {
    slot,
    url,
    address,
    feed,
    store,
    siblings,
    disk,
    purge: (...patterns) => {
      feed.apply([{ number: feed.number + 1, kind: "purge", id: served.id, patterns }]);
      answers.feedAdvanced();
    },
    get: (target, fields = {}) => ASK["HTTP/1.1"](url + target, { fields: { host, ...fields } }),
    endDoor: () => door.stop(0),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function openDisk(of: { readonly folder: string; readonly slot: number; readonly clock: Clock }) {
  return new DiskTier<KeptHead>({
    ...of,
    pid: of.slot + 1,
    openFilesMax: 8,
    decodeHead,
    monotonic: of.clock,
    log: LOG,
    grew: () => undefined,
  });
}
