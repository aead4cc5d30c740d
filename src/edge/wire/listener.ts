import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import type { Logger } from "#log.ts";
import { CONNECTIONS_MAX, LISTEN_BACKLOG, SWEEP_INTERVAL_MS } from "../limits.ts";
import { Connection, type ConnectionParts } from "./connection.ts";

/** What a listener needs for its connections and for itself. */
export interface ListenerParts extends ConnectionParts {
  readonly log: Logger;
}

/** Where to listen. */
interface ListenAddress {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  readonly sharePort: boolean;
}

/** A plain HTTP/1.1 port that this worker may share with its siblings. */
export class Listener {
  readonly #parts: ListenerParts;
  readonly #connections = new Set<Connection>();
  readonly #server: Server;
  #sweep: NodeJS.Timeout | undefined;
  #acceptFailures = 0;

  constructor(parts: ListenerParts) {
    this.#parts = parts;
    // Half-open: a client may end its side once it has asked, and still wait for the answer.
    this.#server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) =>
      this.#accept(socket),
    );
    this.#server.maxConnections = CONNECTIONS_MAX;
  }

  /** Resolves with the port once connections are accepted. */
  async listen({ host, port, sharePort }: ListenAddress): Promise<number> {
    // Not every system has the option: macOS fails to listen with it (nodejs/node#61018).
    this.#server.listen({ host, port, backlog: LISTEN_BACKLOG, reusePort: sharePort });
    await once(this.#server, "listening");
    // Out of descriptors or of room: those who are connected are served on.
    this.#server.on("error", () => this.#countAcceptFailure());
    this.#server.on("drop", () => this.#countAcceptFailure());
    this.#sweep = setInterval(() => this.sweep(), SWEEP_INTERVAL_MS);
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("Expected a TCP address");
    return address.port;
  }

  /** Ends connections whose peers let a deadline pass, and reports those that were refused. */
  sweep(): void {
    if (this.#acceptFailures > 0) {
      this.#parts.log.warn({ connections_refused: this.#acceptFailures }, "connections refused");
      this.#acceptFailures = 0;
    }
    const now = this.#parts.clock.now();
    for (const connection of this.#connections) connection.expire(now);
  }

  /** Accepts no more, finishes what is in flight, and cuts what is left after `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const connection of this.#connections) connection.drain();
    const grace = setTimeout(() => {
      for (const connection of this.#connections) connection.destroy();
    }, graceMs);
    await closed;
    clearTimeout(grace);
    clearInterval(this.#sweep);
  }

  #countAcceptFailure(): void {
    this.#acceptFailures += 1;
  }

  #accept(socket: Socket): void {
    const connection = new Connection(socket, this.#parts);
    this.#connections.add(connection);
    socket.on("close", () => this.#connections.delete(connection));
  }
}
