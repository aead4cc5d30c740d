import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { Duplex } from "node:stream";
import { closeGracefully } from "./graceful-close.ts";
import { API_HEADERS_TIMEOUT_MS, API_IDLE_TIMEOUT_MS } from "./limits.ts";
import { type Address, listen } from "./listen.ts";

/** PEM, as the local CA hands it out. */
export interface TlsIdentity {
  readonly cert: string;
  readonly key: string;
}

/** A listening server; disposing of it finishes what is in flight, within the grace period. */
export interface HttpServer extends AsyncDisposable {
  readonly port: number;
  /** Takes a renewed certificate into use for new connections. */
  useIdentity(identity: TlsIdentity): void;
}

export interface HttpServerParts {
  readonly listener: RequestListener;
  /** To who sent what is no HTTP, on a connection that can still be written to. It ends it. */
  readonly refuseMalformed: (socket: Duplex) => void;
  readonly connectionsMax: number;
  /** Absent: Node's own, 16 KiB. */
  readonly headBytesMax?: number;
  /** Who waits to be told is told by the listener (RFC 9110 §10.1.1). Absent: at once. */
  readonly answersExpect?: boolean;
}

/**
 * Serves on node:http, over TLS when there is an identity.
 * @throws Error when the port cannot be had
 */
export async function startHttpServer(
  { listener, refuseMalformed, connectionsMax, headBytesMax, answersExpect }: HttpServerParts,
  address: Address,
  identity?: TlsIdentity,
): Promise<HttpServer> {
  const options = {
    headersTimeout: API_HEADERS_TIMEOUT_MS,
    // Content may take as long as it keeps coming: `timeout` ends that which does not.
    requestTimeout: 0,
    keepAliveTimeout: API_IDLE_TIMEOUT_MS,
    // What has no Host is refused by the listener, as everything malformed is.
    requireHostHeader: false,
    ...(headBytesMax === undefined ? {} : { maxHeaderSize: headBytesMax }),
  };
  const tls =
    identity === undefined
      ? undefined
      : createTlsServer({ ...options, ...identity, minVersion: "TLSv1.2" }, listener);
  const server: Server = tls ?? createServer(options, listener);
  server.maxConnections = connectionsMax;
  server.timeout = API_IDLE_TIMEOUT_MS;
  if (answersExpect === true) server.on("checkContinue", listener);
  server.on("clientError", (_error, socket) => {
    if (socket.writable) refuseMalformed(socket);
  });
  const port = await listen(server, address);
  return {
    port,
    useIdentity: (renewed) => tls?.setSecureContext({ ...renewed, minVersion: "TLSv1.2" }),
    [Symbol.asyncDispose]: () => closeGracefully(server),
  };
}
