import type { Socket } from "node:net";
import type { WireConnection } from "./parts.ts";

/** A connection of which it is not known yet what it speaks, or as whom: nothing was asked on it. */
export class Arrival implements WireConnection {
  readonly #socket: Socket;
  readonly #deadline: number;
  readonly #late: () => void;

  /** `late` is called when the deadline has passed, before the socket is destroyed. */
  constructor(socket: Socket, deadline: number, late: () => void) {
    this.#socket = socket;
    this.#deadline = deadline;
    this.#late = late;
  }

  drain(): void {
    this.#socket.destroy();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  expire(now: number): void {
    if (now < this.#deadline) return;
    this.#late();
    this.#socket.destroy();
  }
}
