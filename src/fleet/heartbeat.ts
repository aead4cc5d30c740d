import type { EdgeChannel } from "#feed/hub.ts";
import { HEARTBEAT_EVERY_MS, HEARTBEAT_TIMEOUT_MS } from "#limits.ts";

/** How often, and for how long without a word. */
export interface HeartbeatTimes {
  readonly everyMs: number;
  readonly timeoutMs: number;
}

const TIMES: HeartbeatTimes = { everyMs: HEARTBEAT_EVERY_MS, timeoutMs: HEARTBEAT_TIMEOUT_MS };

/** Asks an edge now and then whether it is there, and ends one that has not answered for long. */
export class Heartbeat {
  readonly #channel: EdgeChannel;
  readonly #times: HeartbeatTimes;
  #timer: NodeJS.Timeout | undefined;
  /** Rounds asked since the edge was last heard. */
  #unanswered = 0;

  constructor(channel: EdgeChannel, times = TIMES) {
    this.#channel = channel;
    this.#times = times;
  }

  start(): void {
    this.#timer = setInterval(() => this.#ask(), this.#times.everyMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  heard(): void {
    this.#unanswered = 0;
  }

  /** Rounds are counted and no time: a stall of our own makes nobody late. */
  #ask(): void {
    if (this.#unanswered * this.#times.everyMs >= this.#times.timeoutMs) {
      this.stop();
      this.#channel.kill("it did not answer");
      return;
    }
    this.#unanswered += 1;
    this.#channel.send({ kind: "ping" }).catch(() => this.#channel.kill("its channel is closed"));
  }
}
