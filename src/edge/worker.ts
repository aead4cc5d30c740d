import process from "node:process";
import { setImmediate as nextTurn } from "node:timers/promises";
import { monotonicClock, systemClock } from "#clock.ts";
import type { ExplainQuery } from "#feed/explained.ts";
import type {
  EdgeAccessLog,
  EdgeSettings,
  FromWorker,
  StoredQuery,
  ToWorker,
} from "#feed/message.ts";
import { createLogger, type Logger } from "#log.ts";
import { unreachable } from "#unreachable.ts";
import { AccessLog } from "#usage/access-log.ts";
import { EdgeCounters } from "#usage/edge-counters.ts";
import { EdgeObserver } from "#usage/edge-observer.ts";
import { LogFile } from "#usage/log-file.ts";
import { lineFormat } from "#usage/log-line.ts";
import { processUse } from "#usage/own-process.ts";
import { type Assembled, assemble } from "./assemble.ts";
import { countEntries } from "./counted-entries.ts";
import { decisionsOf } from "./explain/decisions.ts";
import { explain } from "./explain.ts";
import { FeedFollower } from "./feed-follower.ts";
import type { Edge } from "./serve.ts";
import { SiblingDoor } from "./siblings/sibling-door.ts";
import { siblingTokens } from "./siblings/tokens.ts";
import { inMemory, listStored } from "./stored-listing.ts";
import { Connection } from "./wire/http1/connection.ts";
import { Http2Connection } from "./wire/http2/connection.ts";
import { Listener } from "./wire/listener.ts";
import type { ConnectionParts } from "./wire/parts.ts";
import { Slabs } from "./wire/slabs.ts";
import { TlsDoor } from "./wire/tls/tls-door.ts";

/** An edge worker: forked by the control plane, told everything over its channel. */
interface Started {
  readonly settings: EdgeSettings;
  readonly slot: number;
  readonly siblingSecret: string | undefined;
  readonly log: Logger;
  /** Absent: nothing over TLS. */
  readonly tls?: TlsDoor;
  /** Absent: none is kept. */
  readonly accessLog?: AccessLog;
  listener?: Listener;
  /** Where siblings ask. */
  door?: SiblingDoor;
  /** Absent until it serves. */
  assembled?: Assembled;
}

const feed = new FeedFollower();
const counters = new EdgeCounters();
let started: Started | undefined;

process.on("message", (message: ToWorker) => {
  receive(message);
});
// A worker without its parent would answer from a feed that has stopped.
process.on("disconnect", () => process.exit(1));
// The parent is signalled too, and says when to stop.
process.on("SIGINT", () => undefined);
process.on("SIGTERM", () => undefined);
process.on("uncaughtException", (error) => die(error));
process.on("unhandledRejection", (error) => die(error));

function receive(message: ToWorker): void {
  switch (message.kind) {
    case "start":
      started = begin(message);
      return;
    case "ticket-keys":
      return started?.tls?.useTicketKeys(message.keys);
    case "snapshot":
      return feed.load(message);
    case "snapshot-end":
      feed.loaded(message.number);
      send({ kind: "loaded" });
      return send({ kind: "ack", number: feed.number });
    case "entries":
      countEntries(counters, message.entries, feed.number);
      feed.apply(message.entries);
      started?.assembled?.edge.answers.feedAdvanced();
      return send({ kind: "ack", number: feed.number });
    case "ping":
      return send({ kind: "ack", number: feed.number });
    case "usage":
      return tellUsage();
    case "siblings":
      started?.assembled?.siblings?.update(message.addresses);
      return send({ kind: "siblings", round: message.round });
    case "disk-hold":
      return started?.assembled?.disk?.hold(message.held);
    case "list-stored":
      void tellStored(message);
      return;
    case "explain":
      tellDecisions(message).catch((error: unknown) => {
        started?.log.error({ err: error }, "request not explained");
      });
      return;
    case "serve":
      void listen();
      return;
    case "stop":
      void stop(message.graceMs);
      return;
    default:
      return unreachable(message);
  }
}

function begin({ settings, slot, siblingSecret }: Extract<ToWorker, { kind: "start" }>): Started {
  const log = createLogger(settings.logLevel);
  const { tls, accessLog } = settings;
  return {
    settings,
    slot,
    siblingSecret,
    log,
    ...(tls === undefined ? {} : { tls: new TlsDoor(feed, log) }),
    ...(accessLog === undefined ? {} : { accessLog: openAccessLog(accessLog, log) }),
  };
}

function openAccessLog({ path, format }: EdgeAccessLog, log: Logger): AccessLog {
  return new AccessLog({
    sink: new LogFile(path, monotonicClock),
    format: lineFormat(format),
    clock: monotonicClock,
    log,
    dropped: (lines) => counters.logLinesDropped(lines),
  });
}

async function listen(): Promise<void> {
  if (started === undefined) throw new Error("Told to serve before start");
  const { settings, log, tls, accessLog } = started;
  const { slot, siblingSecret } = started;
  const diskGrew = (bytes: number): void => send({ kind: "disk-grew", bytes });
  const { pid } = process;
  const own = { slot, siblingSecret, pid, feed, counters: counters.cache, diskGrew };
  const assembled = assemble({ settings, ...own, log });
  const { edge } = assembled;
  started.assembled = assembled;
  const parts: ConnectionParts = {
    serve: edge.serve.bind(edge),
    observer: new EdgeObserver(counters, accessLog, systemClock),
    clock: systemClock,
    stopwatch: monotonicClock,
    slabs: new Slabs(),
    faulted: (reason) => started?.listener?.faulted(reason),
  };
  const listener = new Listener({
    connect: (socket, client, protocol, received) => {
      const version = protocol === "h2" ? "HTTP/2.0" : "HTTP/1.1";
      counters.opened(version, client.tls !== undefined);
      socket.on("close", () => counters.closed(version, client.tls !== undefined));
      return protocol === "h2"
        ? new Http2Connection(socket, parts, client, received)
        : new Connection(socket, parts, client, received);
    },
    counters,
    priorKnowledge: settings.priorKnowledge,
    ...(tls === undefined ? {} : { tls }),
    clock: systemClock,
    log,
  });
  started.listener = listener;
  try {
    const siblingPort = await openDoor(started, edge, parts);
    send({ kind: "listening", ...(await listener.listen(settings)), ...siblingPort });
  } catch (error) {
    send({ kind: "failed", message: error instanceof Error ? error.message : String(error) });
  }
}

/** Where siblings ask, if there may be any. */
async function openDoor(
  worker: Started,
  { answers }: Edge,
  { slabs }: ConnectionParts,
): Promise<{ readonly siblingPort?: number }> {
  const { siblingSecret, log } = worker;
  if (siblingSecret === undefined) return {};
  const tokens = siblingTokens(siblingSecret);
  const clocks = { clock: systemClock, stopwatch: monotonicClock };
  worker.door = new SiblingDoor({ answers, tokens, slabs, log, ...clocks });
  return { siblingPort: await worker.door.listen() };
}

function tellUsage(): void {
  const use = started?.assembled?.use();
  send({ kind: "usage", usage: counters.snapshot(processUse(), use) });
}

async function tellStored({ id, ...query }: StoredQuery & { readonly id: number }): Promise<void> {
  const stored = inMemory(started?.assembled?.memory.entries() ?? []);
  const purges = feed.endpoints.withId(query.endpointId)?.purges;
  send({ kind: "stored", id, ...(await listStored(stored, { query, purges, pause: nextTurn })) });
}

/** One that does not serve yet has nothing to tell. */
async function tellDecisions({ id, ...query }: ExplainQuery & { readonly id: number }) {
  const assembled = started?.assembled;
  if (assembled === undefined) return;
  send({ kind: "explained", id, ...explain(await decisionsOf(assembled.decisive, query)) });
}

async function stop(graceMs: number): Promise<void> {
  await Promise.all([started?.listener?.stop(graceMs), started?.door?.stop(graceMs)]);
  tellUsage();
  await Promise.all([started?.accessLog?.close(), started?.assembled?.disk?.close()]);
  process.exit(0);
}

function send(message: FromWorker): void {
  // A send that fails means that the channel is closing; "disconnect" ends the process.
  process.send?.(message, undefined, undefined, () => undefined);
}

/** The state is not to be trusted any more; the parent starts another worker. */
function die(error: unknown): void {
  started?.log.error({ err: error }, "edge worker crashed");
  process.exit(1);
}
