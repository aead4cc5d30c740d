import { type ChildProcess, fork } from "node:child_process";
import type { Clock } from "#clock.ts";
import { COMPILE_CACHE } from "#compile-cache.ts";
import type { DiskKeeper } from "#edge/disk/disk-keeper.ts";
import type { EdgeChannel, FeedHub, SnapshotSource } from "#feed/hub.ts";
import type { EdgeSettings, FromWorker, ToWorker } from "#feed/message.ts";
import { SHUTDOWN_GRACE_MS, START_TIMEOUT_MS } from "#limits.ts";
import type { Logger } from "#log.ts";
import type { EdgeUsage } from "#usage/edge-usage.ts";
import { Explanations } from "./explanations.ts";
import { Heartbeat } from "./heartbeat.ts";
import { restartDelayMs } from "./restart-delay.ts";
import { SiblingDirectory } from "./sibling-directory.ts";
import { StoredListings } from "./stored-listings.ts";
import { TicketKeys } from "./ticket-keys.ts";

const WORKER = new URL("../edge/worker.ts", import.meta.url);

/**
 * V8's young generation takes three times this, in MiB, and not six times: a worker has 50 MiB less, and
 * neither hits nor misses cost more. With 8 misses cost 6 % more.
 */
const V8_OPTIONS = ["--max-semi-space-size=16"];

/** What a worker that crashes had counted since it was last asked is lost. */
const USAGE_EVERY_MS = 10_000;

/** After the grace period a worker that is still there is killed. */
const STOP_MARGIN_MS = 1_000;

/**
 * Threads of a worker's pool. Two disk reads and a write that hang may take three (`edge/disk`), two
 * compressions two more (`edge/coding`): names still resolve, and the access log is still written.
 */
const POOL_THREADS = 8;

export interface FleetParts {
  readonly hub: FeedHub;
  readonly usage: EdgeUsage;
  readonly snapshot: SnapshotSource;
  readonly settings: EdgeSettings;
  readonly workers: number;
  /** Keeps the disk tier within its limits. Absent: there is none. */
  readonly disk?: DiskKeeper;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * The edge's worker processes: as many as asked for, each one that ends replaced. Disposing of the
 * fleet lets them finish what is in flight.
 */
export class Fleet implements AsyncDisposable {
  /** What the workers have stored. */
  readonly stored: StoredListings;
  /** What the workers would do with a request. */
  readonly explanations: Explanations;
  readonly #parts: FleetParts;
  readonly #slots = new Set<Promise<void>>();
  readonly #running = new Set<ChildProcess>();
  readonly #ticketKeys = new TicketKeys((keys) => this.#tellAll({ kind: "ticket-keys", keys }));
  readonly #siblings = new SiblingDirectory();
  readonly #stopping = new AbortController();
  #diskHeld = false;

  constructor(parts: FleetParts) {
    this.#parts = parts;
    this.stored = new StoredListings({ disk: parts.disk });
    this.explanations = new Explanations(parts.clock);
  }

  /**
   * Resolves when every worker listens, and knows the others.
   * @throws Error when one cannot: the port was taken a moment ago
   */
  async start(): Promise<void> {
    const starts: Promise<void>[] = [];
    for (let index = 0; index < this.#parts.workers; index += 1) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      starts.push(promise);
      this.#slots.add(this.#keepRunning(index, { resolve, reject }));
    }
    await Promise.all(starts);
    await this.#siblings.settled();
  }

  /** Has the workers begin, or end, dropping what they would write to disk. */
  holdDisk(held: boolean): void {
    this.#diskHeld = held;
    this.#tellAll({ kind: "disk-hold", held });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    this.#ticketKeys[Symbol.dispose]();
    this.#tellAll({ kind: "stop", graceMs: SHUTDOWN_GRACE_MS });
    const kill = setTimeout(() => {
      for (const child of this.#running) child.kill("SIGKILL");
    }, SHUTDOWN_GRACE_MS + STOP_MARGIN_MS);
    await Promise.all(this.#slots);
    clearTimeout(kill);
  }

  #tellAll(message: ToWorker): void {
    for (const child of this.#running) {
      child.send(message, () => {
        // A worker whose channel is gone is gone itself.
      });
    }
  }

  /** One worker's place, for as long as the fleet lives. */
  async #keepRunning(
    slot: number,
    first: { resolve(): void; reject(error: Error): void },
  ): Promise<void> {
    const { clock, log } = this.#parts;
    const { signal } = this.#stopping;
    for (let deaths = 0; !signal.aborted; ) {
      const startedAt = clock.now();
      const failure = await this.#run(slot, first);
      if (signal.aborted) return;
      const ranMs = clock.now() - startedAt;
      deaths = ranMs > START_TIMEOUT_MS ? 0 : deaths + 1;
      const delayMs = restartDelayMs(deaths);
      log.error({ reason: failure, ran_ms: ranMs, restart_in_ms: delayMs }, "edge worker ended");
      first.reject(new Error(failure));
      await pause(delayMs, signal);
    }
  }

  /** Runs one worker to its end, and says how it ended. */
  async #run(slot: number, first: { resolve(): void }): Promise<string> {
    const { hub, snapshot, settings, workers, log } = this.#parts;
    // No variable of ours reaches a worker: what it needs comes by the channel. But libuv has made its
    // pool by then.
    const env = {
      UV_THREADPOOL_SIZE: String(POOL_THREADS),
      NODE_COMPILE_CACHE: COMPILE_CACHE,
    };
    const child = fork(WORKER, { serialization: "advanced", execArgv: V8_OPTIONS, env });
    this.#running.add(child);
    let reason = "";
    const channel = channelOf(child, (why) => {
      reason ||= why;
      child.kill("SIGKILL");
    });
    const follower = hub.join(channel);
    const heartbeat = new Heartbeat(channel);
    const send = (message: ToWorker): void => {
      // A worker whose channel is gone is gone itself.
      channel.send(message).catch(() => undefined);
    };
    const places = this.#join(slot, send);
    const late = setTimeout(() => channel.kill("it did not start in time"), START_TIMEOUT_MS);
    child.on("message", (message: FromWorker) => {
      heartbeat.heard();
      if (message.kind === "loaded") follower.loaded();
      else if (message.kind === "ack") follower.acknowledged(message.number);
      else if (message.kind === "failed") channel.kill(message.message);
      else places.heard(message);
      if (message.kind === "listening") {
        clearTimeout(late);
        heartbeat.start();
        const { port, tlsPort: tls_port } = message;
        log.info({ slot, worker_pid: child.pid, port, tls_port }, "edge worker listens");
        first.resolve();
      }
    });
    const exited = endOf(child);
    try {
      const siblings = workers > 1 ? { siblingSecret: this.#siblings.secret } : {};
      await channel.send({ kind: "start", settings, slot, ...siblings });
      await channel.send({ kind: "ticket-keys", keys: this.#ticketKeys.current });
      await follower.load(snapshot);
      if (this.#diskHeld) await channel.send({ kind: "disk-hold", held: true });
    } catch (error) {
      channel.kill((error as Error).message);
    }
    const ended = await exited;
    clearTimeout(late);
    heartbeat.stop();
    follower.leave();
    places.leave();
    this.#running.delete(child);
    this.#clearUpAfter(slot, child.pid);
    return reason || ended;
  }

  /** A worker's places among those that count, tell what they have, and ask one another. */
  #join(slot: number, send: (message: ToWorker) => void): Places {
    const { usage, disk } = this.#parts;
    const askUsage = (): void => send({ kind: "usage" });
    const member = usage.join(askUsage);
    const holder = this.stored.join(send);
    const explainer = this.explanations.join(slot, send);
    const sibling = this.#siblings.join(slot, send);
    const asking = setInterval(askUsage, USAGE_EVERY_MS);
    return {
      heard: (message) => {
        if (message.kind === "usage") member.heard(message.usage);
        else if (message.kind === "disk-grew") disk?.grew(message.bytes);
        else if (message.kind === "stored") holder.heard(message.id, message);
        else if (message.kind === "explained") explainer.heard(message.id, message);
        else if (message.kind === "siblings") sibling.knows(message.round);
        else if (message.siblingPort !== undefined) sibling.listens(message.siblingPort);
      },
      leave: () => {
        clearInterval(asking);
        for (const place of [member, holder, explainer, sibling]) place.leave();
      },
    };
  }

  /** Nobody waits for it: a disk that hangs must not keep the next worker from starting. */
  #clearUpAfter(slot: number, pid: number | undefined): void {
    if (pid === undefined) return;
    this.#parts.disk?.workerGone(slot, pid).catch((error: unknown) => {
      this.#parts.log.warn({ err: error }, "unfinished disk writes of a worker not removed");
    });
  }
}

/** What one worker tells, to all who wait for it, for as long as it runs. */
interface Places {
  heard(message: Exclude<FromWorker, { kind: "loaded" | "ack" | "failed" }>): void;
  leave(): void;
}

/** How it ended. Not `once`: a process that could not be made has an error and no exit. */
function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.on("exit", (code, signal) => resolve(`edge worker exited with ${signal ?? code}`));
    child.on("error", (error) => {
      child.kill("SIGKILL");
      if (child.pid === undefined) resolve(`edge worker could not be started: ${error.message}`);
    });
  });
}

function channelOf(child: ChildProcess, kill: (reason: string) => void): EdgeChannel {
  return {
    kill,
    send: (message) =>
      new Promise((resolve, reject) => {
        child.send(message, (error) => {
          if (error === null) resolve();
          else reject(error);
        });
      }),
  };
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  signal.addEventListener("abort", () => resolve(), { once: true });
  await promise;
  clearTimeout(timer);
}
