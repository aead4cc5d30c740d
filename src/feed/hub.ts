import type { Clock } from "#clock.ts";
import { ACK_TIMEOUT_MS } from "#limits.ts";
import type { FeedEntry } from "./entry.ts";
import type { SnapshotContent, ToWorker } from "./message.ts";

export type SnapshotPart =
  | ({ readonly kind: "part" } & SnapshotContent)
  | { readonly kind: "end"; readonly number: number };

/**
 * Port: the state of one moment, in parts, and last the number of the newest entry in it. Reading
 * must not hold up writers, nor this thread for long at a time.
 */
export type SnapshotSource = () => AsyncIterable<SnapshotPart>;

/** Port: one edge's end of its channel. Messages arrive in the order in which they were sent. */
export interface EdgeChannel {
  /** Resolves when the message has been handed to the transport. */
  send(message: ToWorker): Promise<void>;
  /** Ends the edge at once; the hub is told of its end by `leave`. */
  kill(reason: string): void;
}

/** An edge that has joined; its owner reports what comes back on the channel. */
export interface Follower {
  /** Sends the snapshot. @throws what the source or the channel throws */
  load(snapshot: SnapshotSource): Promise<void>;
  /** The snapshot is in: from here on replies wait for this edge. */
  loaded(): void;
  /** Everything up to `number` is in force there. */
  acknowledged(number: number): void;
  /** It is gone, and can answer nothing any more. */
  leave(): void;
}

interface Waiter {
  readonly number: number;
  readonly resolve: () => void;
}

/**
 * Hands every change to every edge in order, and knows when it is in force (ADR 1). An edge is
 * live once it has its snapshot; one that does not acknowledge in time is killed.
 */
export class FeedHub {
  readonly #edges = new Set<Edge>();
  readonly #clock: Clock;
  readonly #ackTimeoutMs: number;

  constructor(clock: Clock, ackTimeoutMs = ACK_TIMEOUT_MS) {
    this.#clock = clock;
    this.#ackTimeoutMs = ackTimeoutMs;
  }

  /** Entries of one transaction, in order, after those of every earlier one. */
  publish(entries: readonly FeedEntry[]): void {
    for (const edge of this.#edges) edge.publish(entries, this.#clock.now());
  }

  /** Resolves when every edge that is live now has acknowledged `number`, or is gone. */
  async settled(number: number): Promise<void> {
    await Promise.all([...this.#edges].map((edge) => edge.settled(number)));
  }

  /** Takes an edge in. What is published from here on is kept for it until it has its snapshot. */
  join(channel: EdgeChannel): Follower {
    const edge = new Edge(channel, this.#clock, this.#ackTimeoutMs);
    this.#edges.add(edge);
    return {
      load: async (snapshot) => {
        for await (const part of snapshot()) await edge.sendSnapshot(part);
      },
      loaded: () => edge.goLive(),
      acknowledged: (number) => edge.acknowledged(number),
      leave: () => {
        this.#edges.delete(edge);
        edge.close();
      },
    };
  }
}

/** One edge's place in the log. */
class Edge {
  readonly #channel: EdgeChannel;
  readonly #clock: Clock;
  readonly #ackTimeoutMs: number;
  /** Published while the snapshot was under way. */
  #held: FeedEntry[] | undefined = [];
  #live = false;
  #acknowledged = 0;
  /** Sent and not acknowledged, oldest first. */
  readonly #outstanding: { readonly number: number; readonly sentAt: number }[] = [];
  #timer: NodeJS.Timeout | undefined;
  #waiters: Waiter[] = [];

  constructor(channel: EdgeChannel, clock: Clock, ackTimeoutMs: number) {
    this.#channel = channel;
    this.#clock = clock;
    this.#ackTimeoutMs = ackTimeoutMs;
  }

  async sendSnapshot(part: SnapshotPart): Promise<void> {
    if (part.kind === "part") {
      await this.#channel.send({ ...part, kind: "snapshot" });
      return;
    }
    this.#acknowledged = part.number;
    const sent = this.#channel.send({ kind: "snapshot-end", number: part.number });
    // In the same turn: what is published from now on comes after what was held until now.
    const held = (this.#held ?? []).filter((entry) => entry.number > part.number);
    this.#held = undefined;
    this.publish(held, this.#clock.now());
    await sent;
  }

  publish(entries: readonly FeedEntry[], now: number): void {
    if (this.#held !== undefined) {
      this.#held.push(...entries);
      return;
    }
    const last = entries.at(-1);
    if (last === undefined) return;
    this.#outstanding.push({ number: last.number, sentAt: now });
    this.#send({ kind: "entries", entries });
    if (this.#live) this.#watch();
  }

  goLive(): void {
    this.#live = true;
    // What was sent before counts from now: an edge that loads is not late.
    for (const [index, { number }] of this.#outstanding.entries()) {
      this.#outstanding[index] = { number, sentAt: this.#clock.now() };
    }
    this.#send({ kind: "serve" });
    this.#watch();
  }

  acknowledged(number: number): void {
    this.#acknowledged = Math.max(this.#acknowledged, number);
    while ((this.#outstanding[0]?.number ?? Infinity) <= number) this.#outstanding.shift();
    const done = this.#waiters.filter((waiter) => waiter.number <= number);
    this.#waiters = this.#waiters.filter((waiter) => waiter.number > number);
    for (const waiter of done) waiter.resolve();
    this.#watch();
  }

  async settled(number: number): Promise<void> {
    if (!this.#live || this.#acknowledged >= number) return;
    await new Promise<void>((resolve) => {
      this.#waiters.push({ number, resolve });
    });
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#live = false;
    for (const waiter of this.#waiters) waiter.resolve();
    this.#waiters = [];
  }

  #send(message: ToWorker): void {
    // A channel that cannot be written to belongs to an edge that is about to leave.
    this.#channel.send(message).catch(() => this.#channel.kill("its channel is closed"));
  }

  #killIfLate(number: number): void {
    if (this.#acknowledged >= number || !this.#live) return;
    this.#channel.kill(`it did not acknowledge change ${number} in time`);
  }

  /** One timer, for the oldest entry that is not acknowledged. */
  #watch(): void {
    clearTimeout(this.#timer);
    const oldest = this.#outstanding[0];
    if (oldest === undefined) return;
    const leftMs = Math.max(0, oldest.sentAt + this.#ackTimeoutMs - this.#clock.now());
    this.#timer = setTimeout(() => {
      // Timers run before messages: after a stall of our own, acknowledgements may be waiting.
      setImmediate(() => this.#killIfLate(oldest.number));
    }, leftMs);
  }
}
