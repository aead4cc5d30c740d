import process from "node:process";
import { systemClock } from "#clock.ts";
import type { EdgeSettings, FromWorker, ToWorker } from "#feed/message.ts";
import { createLogger, type Logger } from "#log.ts";
import { unreachable } from "#unreachable.ts";
import { MemoryBudget } from "./cache/memory-budget.ts";
import { MemoryStore } from "./cache/memory-store.ts";
import { FeedFollower } from "./feed-follower.ts";
import { UndiciOrigin } from "./origin/undici-origin.ts";
import { Edge } from "./serve.ts";
import { Listener } from "./wire/listener.ts";

/** An edge worker: forked by the control plane, told everything over its channel. */
const feed = new FeedFollower();
let started:
  | { readonly settings: EdgeSettings; readonly log: Logger; listener?: Listener }
  | undefined;

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
      started = { settings: message.settings, log: createLogger(message.settings.logLevel) };
      return;
    case "snapshot":
      return feed.load(message.endpoints, message.purges);
    case "snapshot-end":
      feed.loaded(message.number);
      send({ kind: "loaded" });
      return send({ kind: "ack", number: feed.number });
    case "entries":
      feed.apply(message.entries);
      return send({ kind: "ack", number: feed.number });
    case "ping":
      return send({ kind: "ack", number: feed.number });
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

async function listen(): Promise<void> {
  if (started === undefined) throw new Error("Told to serve before start");
  const { settings, log } = started;
  const budget = new MemoryBudget(settings.memoryBytesMax);
  const store = new MemoryStore(budget);
  const origin = new UndiciOrigin(settings.embedded, systemClock);
  const edge = new Edge({ feed, store, budget, origin, clock: systemClock, log });
  const listener = new Listener({
    serve: (request, exchange) => edge.serve(request, exchange),
    clock: systemClock,
    log,
  });
  started.listener = listener;
  try {
    send({ kind: "listening", port: await listener.listen(settings) });
  } catch (error) {
    send({ kind: "failed", message: error instanceof Error ? error.message : String(error) });
  }
}

async function stop(graceMs: number): Promise<void> {
  await started?.listener?.stop(graceMs);
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
