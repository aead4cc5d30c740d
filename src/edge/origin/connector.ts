import type { lookup } from "node:dns";
import {
  connect as connectTcp,
  isIP,
  type LookupFunction,
  type Socket,
  type TcpNetConnectOpts,
} from "node:net";
import { connect as connectTls, createSecureContext, type SecureContext } from "node:tls";
import { ORIGINS_MAX, READ_BYTES } from "../limits.ts";
import { AddressForbidden } from "./fetch-failure.ts";
import { isForbiddenAddress } from "./forbidden-address.ts";
import { permittedLookup } from "./permitted-lookup.ts";

/** Where connections are made to. */
export interface ConnectorTerms {
  /** Whether addresses of this machine and its surroundings will do. */
  readonly anyAddress: boolean;
  /** Node's own, but for tests. */
  readonly lookup?: typeof lookup;
}

/** The parts of an origin (RFC 6454 §4). */
interface Place {
  readonly isTls: boolean;
  /** A name or an address, without brackets. */
  readonly host: string;
  readonly port: number;
}

/** What is told of a connection as it is made and used. */
export interface ConnectionEvents {
  /** It is made; over TLS, the origin has shown who it is. */
  connected(): void;
  /** Octets have come, in memory that is written over once this returns. */
  received(octets: Buffer): void;
}

/**
 * What all connections to origins are read into (docs/adr/0009). One octet of the memory is never
 * used: octets that fill all of theirs would pass for somebody's own (cache/owned.ts).
 */
const shared = Buffer.allocUnsafeSlow(READ_BYTES + 1).subarray(0, READ_BYTES);

/** Makes connections to origins, of one kind: to anywhere, or to where origins of strangers may be. */
export class OriginConnector {
  readonly #anyAddress: boolean;
  readonly #lookup: LookupFunction | undefined;
  /** TLS sessions by origin, so that most handshakes are short. */
  readonly #sessions = new Map<string, Buffer>();
  #secureContext: SecureContext | undefined;

  constructor(terms: ConnectorTerms) {
    this.#anyAddress = terms.anyAddress;
    this.#lookup = terms.anyAddress
      ? undefined
      : permittedLookup((host) => new AddressForbidden(host), terms.lookup);
  }

  /** Begins a connection to an origin, which is its scheme, host and port. */
  connect(origin: string, events: ConnectionEvents): Socket | AddressForbidden {
    const place = placeOf(origin);
    // An address by itself is not looked up.
    if (!this.#anyAddress && isIP(place.host) !== 0 && isForbiddenAddress(place.host)) {
      return new AddressForbidden(place.host);
    }
    const options: TcpNetConnectOpts = {
      host: place.host,
      port: place.port,
      noDelay: true,
      keepAlive: true,
      ...(this.#lookup === undefined ? {} : { lookup: this.#lookup }),
      onread: {
        buffer: shared,
        callback: (bytes: number) => {
          events.received(shared.subarray(0, bytes));
          return true;
        },
      },
    };
    if (!place.isTls) return connectTcp(options, () => events.connected());
    return this.#connectTls(origin, place.host, options, events);
  }

  #connectTls(
    origin: string,
    host: string,
    options: TcpNetConnectOpts,
    events: ConnectionEvents,
  ): Socket {
    // To make one for each connection takes longer than the handshake.
    this.#secureContext ??= createSecureContext();
    const known = this.#sessions.get(origin);
    const socket = connectTls({
      ...options,
      secureContext: this.#secureContext,
      ALPNProtocols: ["http/1.1"],
      // RFC 6066 §3: an address is no name.
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ...(known === undefined ? {} : { session: known }),
    });
    // A session says that its origin was believed: it is kept once that is so, and not before.
    let isBelieved = false;
    let session: Buffer | undefined;
    socket.on("session", (fresh) => {
      session = fresh;
      if (isBelieved) this.#keepSession(origin, fresh);
    });
    socket.on("secureConnect", () => {
      isBelieved = true;
      if (session !== undefined) this.#keepSession(origin, session);
      events.connected();
    });
    socket.on("error", () => this.#sessions.delete(origin));
    return socket;
  }

  #keepSession(origin: string, session: Buffer): void {
    this.#sessions.delete(origin);
    this.#sessions.set(origin, session);
    const [oldest] = this.#sessions.keys();
    if (this.#sessions.size > ORIGINS_MAX && oldest !== undefined) this.#sessions.delete(oldest);
  }
}

function placeOf(origin: string): Place {
  const { protocol, hostname, port } = new URL(origin);
  const isTls = protocol === "https:";
  const host = hostname.startsWith("[") ? hostname.slice(1, -1) : hostname;
  return { isTls, host, port: port === "" ? (isTls ? 443 : 80) : Number(port) };
}
