import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Excuse } from "./tally.ts";

/** A connection of a client, and whether one of us has ended it. */
export interface Tracked {
  /** Known once it is connected. */
  port: number | undefined;
  excuse: Excuse | undefined;
  /** For those who look into what has no excuse. */
  readonly begunAt: number;
}

/** Where to connect to, and how. */
export interface Target {
  readonly url: string;
  /** PEM, for https. */
  readonly ca: string;
  /** By ALPN's name, for https. */
  readonly protocol: "h2" | "http/1.1";
  /** Whose content is asked for. Absent: that of the address. */
  readonly host?: string;
}

export interface Connected {
  /** What is spoken on. */
  readonly socket: Socket;
  readonly tracked: Tracked;
  /** Resets the connection below whatever is spoken on it. */
  reset(): void;
}

/** The open connections of all clients: which of them a killed worker had is known by their ports. */
export class Connections {
  readonly #open = new Map<Socket, Tracked>();
  #killedAt = Number.NaN;

  get size(): number {
    return this.#open.size;
  }

  connect({ url, ca, protocol, host }: Target): Connected {
    const { hostname, port } = new URL(url);
    const tcp = connect({ host: hostname, port: Number(port), noDelay: true });
    const tracked = this.track(tcp);
    const named = host === undefined ? { host: hostname } : { host, servername: host };
    const socket = url.startsWith("https:")
      ? connectTls({ socket: tcp, ...named, ca, ALPNProtocols: [protocol] })
      : tcp;
    return {
      socket,
      tracked,
      reset: () => {
        tracked.excuse ??= "reset by the client";
        tcp.resetAndDestroy();
      },
    };
  }

  /** Takes in a connection that has just been begun. */
  track(tcp: Socket): Tracked {
    const tracked: Tracked = { port: undefined, excuse: undefined, begunAt: performance.now() };
    this.#open.set(tcp, tracked);
    tcp.on("connect", () => {
      tracked.port = tcp.localPort;
    });
    tcp.on("close", () => this.#open.delete(tcp));
    return tracked;
  }

  /** Whether a worker was killed after that, as `performance.now` tells it. */
  killedSince(then: number): boolean {
    return this.#killedAt >= then;
  }

  /** What is known of a connection that broke, for a message. */
  tell({ port, begunAt }: Tracked): string {
    const now = performance.now();
    const ago = (then: number): string => `${Math.round(now - then)} ms ago`;
    return `port ${port}, begun ${ago(begunAt)}, last kill ${ago(this.#killedAt)}`;
  }

  /** The worker that had these ports is gone. One not yet connected could have been anybody's. */
  killed(ports: ReadonlySet<number>): void {
    this.#killedAt = performance.now();
    for (const tracked of this.#open.values()) {
      if (tracked.port === undefined || ports.has(tracked.port)) {
        tracked.excuse ??= "worker killed";
      }
    }
  }
}
