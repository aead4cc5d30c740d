import type { Clock } from "#clock.ts";
import {
  HTTP2_FRAME_TIMEOUT_MS,
  HTTP2_SETTINGS_TIMEOUT_MS,
  IDLE_TIMEOUT_MS,
} from "../../limits.ts";
import { Pace } from "../pace.ts";
import type { FrameReader } from "./frame-reader.ts";
import { type ConnectionError, connectionError, ErrorCode } from "./frames.ts";
import type { Receiver } from "./receiver.ts";
import type { Sender } from "./sender.ts";
import type { Streams } from "./streams.ts";

/** What is waited for on one connection. */
interface Watched {
  readonly clock: Clock;
  readonly frames: FrameReader;
  readonly receiver: Receiver;
  readonly sender: Sender;
  readonly streams: Streams;
}

const NEVER = Infinity;

/** The end of a connection that has done all that was asked of it. */
export const FINISHED: ConnectionError = connectionError(ErrorCode.noError, "");

/** By when a peer has to do what is its turn. Nothing here has a timer: someone looks now and then. */
export class Deadlines {
  readonly #watched: Watched;
  readonly #framePace = new Pace({ bytesMin: 1, timeoutMs: HTTP2_FRAME_TIMEOUT_MS });
  readonly #settingsDeadline: number;
  /** While no stream is open. */
  #idleDeadline: number;
  #idleSinceId = 0;

  constructor(watched: Watched) {
    const now = watched.clock.now();
    this.#watched = watched;
    this.#settingsDeadline = now + HTTP2_SETTINGS_TIMEOUT_MS;
    this.#idleDeadline = now + IDLE_TIMEOUT_MS;
  }

  /** What the peer should have done by now, as the error that it is. */
  lateness(now: number): ConnectionError | undefined {
    const { receiver, sender, streams } = this.#watched;
    if (!receiver.isSettled && now >= this.#settingsDeadline) {
      return connectionError(ErrorCode.settingsTimeout, "no SETTINGS, or no acknowledgement");
    }
    if (receiver.isLate(now)) {
      return connectionError(ErrorCode.protocolError, "a field block that does not end");
    }
    if (this.#isFrameLate(now)) {
      return connectionError(ErrorCode.protocolError, "a frame that does not end");
    }
    if (sender.isTooSlow(now)) {
      return connectionError(ErrorCode.enhanceYourCalm, "windows that do not open");
    }
    return streams.size === 0 && now >= this.#idleDeadline ? FINISHED : undefined;
  }

  /** Ends the requests whose content does not come, and the responses that are not taken. */
  resetSlowStreams(now: number): void {
    const { sender, streams } = this.#watched;
    for (const stream of streams) {
      const isLate = stream.incoming?.isLate(now) === true;
      const isSlow = stream.outgoing?.isTooSlow(now) === true;
      if (isLate || isSlow) sender.reset(stream.id, ErrorCode.cancel, "the client was too slow");
    }
  }

  /** RFC 9113 §9.1: only requests keep a connection. To be called when some may have ended. */
  noteIdle(): void {
    const { size, highestId } = this.#watched.streams;
    if (size > 0) this.#idleDeadline = NEVER;
    else if (this.#idleDeadline === NEVER || highestId !== this.#idleSinceId) {
      this.#idleDeadline = this.#watched.clock.now() + IDLE_TIMEOUT_MS;
    }
    this.#idleSinceId = highestId;
  }

  /** Counted in frames: whatever a frame is, it is small enough to come in time. */
  #isFrameLate(now: number): boolean {
    const { frames } = this.#watched;
    // What stays unread because the peer does not read is not what it is late with.
    if (frames.isPartial && !frames.hasMore) this.#framePace.wait(now, frames.count);
    else this.#framePace.rest();
    return this.#framePace.isTooSlow(now);
  }
}
