import type { Socket } from "node:net";
import { STALL_BYTES_MIN, WRITE_STALL_TIMEOUT_MS } from "../limits.ts";
import { Pace } from "./pace.ts";

/**
 * How fast a peer takes what its socket holds for it. It is looked at now and then, and costs whoever
 * writes nothing.
 */
export class Uptake {
  readonly #socket: Socket;
  readonly #timeoutMs: number;
  /** Most connections wait for requests. */
  #pace: Pace | undefined;

  constructor(socket: Socket, timeoutMs: number = WRITE_STALL_TIMEOUT_MS) {
    this.#socket = socket;
    this.#timeoutMs = timeoutMs;
  }

  /** Whether it takes next to nothing of what waits for it. */
  isTooSlow(now: number): boolean {
    if (this.#socket.writableLength === 0) {
      this.#pace = undefined;
      return false;
    }
    this.#pace ??= new Pace({ bytesMin: STALL_BYTES_MIN, timeoutMs: this.#timeoutMs });
    this.#pace.wait(now, takenBytes(this.#socket));
    return this.#pace.isTooSlow(now);
  }
}

/** What libuv was given, and what of it the kernel has not taken yet. */
interface Handle {
  readonly bytesWritten?: number;
  readonly writeQueueSize?: number;
}

/**
 * Octets that a socket has got rid of, from any beginning. To streams a write is done when all of it
 * is: over half a MiB a slow reader takes minutes, and lives. Node's own timeouts look at the same.
 */
export function takenBytes(socket: Socket): number {
  const { _handle: handle } = socket as unknown as { readonly _handle?: Handle | null };
  const { bytesWritten, writeQueueSize } = handle ?? {};
  return bytesWritten === undefined || writeQueueSize === undefined
    ? -socket.writableLength
    : bytesWritten - writeQueueSize;
}
