import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Clock } from "#clock.ts";
import type { Logger } from "#log.ts";
import type { Client, TlsTerms } from "../exchange.ts";
import {
  CONNECTIONS_MAX,
  HANDSHAKE_TIMEOUT_MS,
  HEAD_TIMEOUT_MS,
  LISTEN_BACKLOG,
  SWEEP_INTERVAL_MS,
} from "../limits.ts";
import { Arrival } from "./arrival.ts";
import { readFirstOctets } from "./first-octets.ts";
import type { WireConnection } from "./parts.ts";
import { type Protocol, sniffProtocol } from "./protocol-sniffer.ts";
import type { TlsDoor } from "./tls/tls-door.ts";

/** Makes a connection of a socket; `received` was read before it was known what is spoken. */
type Connect = (
  socket: Socket,
  client: Client,
  protocol: Protocol,
  received?: Buffer,
) => WireConnection;

/** What a listener needs for its connections and for itself. */
export interface ListenerParts {
  readonly connect: Connect;
  /** HTTP/2 may begin on the plain port. */
  readonly priorKnowledge?: boolean;
  /** Absent: there is no TLS port. */
  readonly tls?: TlsDoor;
  /** Milliseconds, as `WireConnection.expire` is asked with. */
  readonly clock: Clock;
  readonly log: Logger;
  readonly counters?: ConnectionCounters;
}

/** Told of connections before they speak HTTP. */
interface ConnectionCounters {
  accepted(tls: boolean): void;
  refused(connections: number): void;
  handshake(result: "full" | "resumed" | "failed"): void;
}

/** Where to listen. */
export interface ListenAddress {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  readonly tls?: { readonly port: number };
  /** Other workers listen there too. */
  readonly sharePort: boolean;
}

/** Where it listens, then. */
export interface Listening {
  readonly port: number;
  readonly tlsPort?: number;
}

/** A worker's ports, plain and TLS, which it may share with its siblings, and all that came by them. */
export class Listener {
  readonly #parts: ListenerParts;
  readonly #connectionsMax: number;
  /** By their TCP sockets, from the moment when they are accepted. */
  readonly #connections = new Map<Socket, WireConnection>();
  readonly #servers: Server[] = [];
  /** One function for all sockets: ten thousand idle ones should not need one each. */
  readonly #forget: (this: Socket) => void;
  #sweep: NodeJS.Timeout | undefined;
  #refused = 0;
  /** Handshakes that came to nothing since the last sweep, by reason. */
  readonly #failures = new Map<string, number>();
  /** What peers of HTTP/2 did wrong since then. */
  readonly #faults = new Map<string, number>();

  constructor(parts: ListenerParts, connectionsMax = CONNECTIONS_MAX) {
    this.#parts = parts;
    this.#connectionsMax = connectionsMax;
    const connections = this.#connections;
    this.#forget = function forget(this: Socket) {
      connections.delete(this);
    };
    parts.tls?.admitTo({
      secured: (socket, tcp, terms) => this.#secured(socket, tcp, terms),
      failed: (tcp, reason) => this.#failed(tcp, reason),
    });
  }

  /** Resolves with the ports once connections are accepted on all of them. */
  async listen({ host, port, tls, sharePort }: ListenAddress): Promise<Listening> {
    const plain = await this.#open({ host, port, sharePort }, (socket) =>
      this.#acceptPlain(socket),
    );
    this.#sweep = setInterval(() => this.sweep(), SWEEP_INTERVAL_MS);
    const { tls: door } = this.#parts;
    if (door === undefined || tls === undefined) return { port: plain };
    const tlsPort = await this.#open({ host, port: tls.port, sharePort }, (socket) => {
      this.#acceptTls(socket, door);
    });
    return { port: plain, tlsPort };
  }

  /** A connection that speaks HTTP/2 was wronged by its peer. */
  faulted(reason: string): void {
    this.#faults.set(reason, (this.#faults.get(reason) ?? 0) + 1);
  }

  /** Ends connections whose peers let a deadline pass, and reports those that came to nothing. */
  sweep(): void {
    const { clock, log } = this.#parts;
    const now = clock.now();
    for (const connection of this.#connections.values()) connection.expire(now);
    if (this.#refused > 0) {
      log.warn({ connections_refused: this.#refused }, "connections refused");
      this.#refused = 0;
    }
    if (this.#faults.size > 0) {
      log.info({ faults: Object.fromEntries(this.#faults) }, "peers of HTTP/2 erred");
      this.#faults.clear();
    }
    if (this.#failures.size > 0) {
      log.info({ handshakes_failed: Object.fromEntries(this.#failures) }, "TLS handshakes failed");
      this.#failures.clear();
    }
  }

  /** Accepts no more, finishes what is in flight, and cuts what is left after `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    const closed = this.#servers.map((server) => once(server, "close"));
    for (const server of this.#servers) server.close();
    for (const connection of this.#connections.values()) connection.drain();
    const grace = setTimeout(() => {
      for (const connection of this.#connections.values()) connection.destroy();
    }, graceMs);
    await Promise.all(closed);
    clearTimeout(grace);
    clearInterval(this.#sweep);
  }

  async #open(
    { host, port, sharePort }: Omit<ListenAddress, "tls">,
    accept: (socket: Socket) => void,
  ): Promise<number> {
    // Half-open: a client may end its side once it has asked, and still wait for the answer.
    const server = createServer({ noDelay: true, allowHalfOpen: true }, accept);
    // These are dropped before Node has made anything of them; `#isFull` counts both ports together.
    server.maxConnections = this.#connectionsMax;
    // Not every system has the option: macOS fails to listen with it (nodejs/node#61018).
    server.listen({ host, port, backlog: LISTEN_BACKLOG, reusePort: sharePort });
    await once(server, "listening");
    this.#servers.push(server);
    // Out of descriptors or of room: those who are connected are served on.
    server.on("error", () => this.#countRefused());
    server.on("drop", () => this.#countRefused());
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("Expected a TCP address");
    return address.port;
  }

  #acceptPlain(socket: Socket): void {
    if (this.#isFull(socket)) return;
    this.#parts.counters?.accepted(false);
    socket.on("close", this.#forget);
    if (this.#parts.priorKnowledge !== true) {
      this.#connect(socket, socket, "http/1.1");
      return;
    }
    this.#arrive(socket, HEAD_TIMEOUT_MS, ignore);
    readFirstOctets(socket, sniffProtocol, (protocol, received) => {
      this.#connect(socket, socket, protocol, { received });
    });
  }

  #acceptTls(socket: Socket, door: TlsDoor): void {
    if (this.#isFull(socket)) return;
    this.#parts.counters?.accepted(true);
    socket.on("close", this.#forget);
    this.#arrive(socket, HANDSHAKE_TIMEOUT_MS, () => this.#failed(socket, "timeout"));
    door.accept(socket);
  }

  /** Then it is ended at once. */
  #isFull(socket: Socket): boolean {
    if (this.#connections.size < this.#connectionsMax) return false;
    this.#countRefused();
    socket.destroy();
    return true;
  }

  #arrive(socket: Socket, timeoutMs: number, late: () => void): void {
    // A reset: "close" follows, and does what is to be done.
    socket.on("error", ignore);
    const deadline = this.#parts.clock.now() + timeoutMs;
    this.#connections.set(socket, new Arrival(socket, deadline, late));
  }

  #secured(socket: TLSSocket, tcp: Socket, tls: TlsTerms): void {
    this.#parts.counters?.handshake(socket.isSessionReused() ? "resumed" : "full");
    this.#connect(socket, tcp, socket.alpnProtocol === "h2" ? "h2" : "http/1.1", { tls });
  }

  #connect(
    socket: Socket,
    tcp: Socket,
    protocol: Protocol,
    { tls, received }: { readonly tls?: TlsTerms; readonly received?: Buffer } = {},
  ): void {
    // An IPv4 client of a socket for both families, as everybody writes it.
    const address = (socket.remoteAddress ?? "").replace(/^::ffff:(?=\d+\.)/, "");
    const client = tls === undefined ? { address } : { address, tls };
    this.#connections.set(tcp, this.#parts.connect(socket, client, protocol, received));
  }

  /** One that was given up fails a second time, when its socket closes. */
  #failed(tcp: Socket, reason: string): void {
    if (this.#connections.delete(tcp)) {
      this.#parts.counters?.handshake("failed");
      this.#failures.set(reason, (this.#failures.get(reason) ?? 0) + 1);
    }
  }

  #countRefused(): void {
    this.#refused += 1;
    this.#parts.counters?.refused(1);
  }
}

function ignore(): void {
  // What there is to do is done when the socket closes.
}
