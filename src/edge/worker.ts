import process from "node:process";
import { setImmediate as nextTurn } from "node:timers/promises";
import { monotonicClock, systemClock } from "#clock.ts";
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
import { FeedFollower } from "./feed-follower.ts";
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
  readonly log: Logger;
  /** Absent: nothing over TLS. */
  readonly tls?: TlsDoor;
  /** Absent: none is kept. */
  readonly accessLog?: AccessLog;
  listener?: Listener;
  /** Absent until it serves. */
  stores?: Omit<Assembled, "edge">;
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
      started = begin(message.settings, message.slot);
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
      feed.apply(message.entries);
      for (const entry of message.entries) {
        if (entry.kind === "endpoint-delete") counters.forget(entry.id);
      }
      return send({ kind: "ack", number: feed.number });
    case "ping":
      return send({ kind: "ack", number: feed.number });
    case "usage":
      return send({ kind: "usage", usage: counters.snapshot(processUse()) });
    case "disk-hold":
      return started?.stores?.disk?.hold(message.held);
    case "list-stored":
      void tellStored(message);
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

function begin(settings: EdgeSettings, slot: number): Started {
  const log = createLogger(settings.logLevel);
  const { tls, accessLog } = settings;
  return {
    settings,
    slot,
    log,
    ...(tls === undefined ? {} : { tls: new TlsDoor(feed.certificates, log) }),
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
  const { slot } = started;
  const diskGrew = (bytes: number): void => send({ kind: "disk-grew", bytes });
  const { edge, ...stores } = assemble({ settings, slot, pid: process.pid, feed, log, diskGrew });
  started.stores = stores;
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
    send({ kind: "listening", ...(await listener.listen(settings)) });
  } catch (error) {
    send({ kind: "failed", message: error instanceof Error ? error.message : String(error) });
  }
}

async function tellStored({ id, ...query }: StoredQuery & { readonly id: number }): Promise<void> {
  const stored = inMemory(started?.stores?.memory.entries() ?? []);
  const purges = feed.endpoints.withId(query.endpointId)?.purges;
  send({ kind: "stored", id, ...(await listStored(stored, { query, purges, pause: nextTurn })) });
}

async function stop(graceMs: number): Promise<void> {
  await started?.listener?.stop(graceMs);
  send({ kind: "usage", usage: counters.snapshot(processUse()) });
  await Promise.all([started?.accessLog?.close(), started?.stores?.disk?.close()]);
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
