import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { TlsIdentity } from "#api/server.ts";
import { closeGracefully } from "#graceful-close.ts";
import { API_HEADERS_TIMEOUT_MS, API_IDLE_TIMEOUT_MS } from "#limits.ts";
import { type Address, listen } from "#listen.ts";
import type { RegistryDoor } from "./door.ts";
import { HEAD_BYTES_MAX, REGISTRY_CONNECTIONS_MAX } from "./limits.ts";

/** A listening registry; disposing of it finishes what is in flight, within the grace period. */
export interface RegistryServer extends AsyncDisposable {
  readonly port: number;
  /** Takes a renewed certificate into use for new connections. */
  useIdentity(identity: TlsIdentity): void;
}

/**
 * Serves the registry on node:http, over TLS when there is an identity.
 * @throws Error when the port cannot be had
 */
export async function startRegistryServer(
  door: RegistryDoor,
  address: Address,
  identity?: TlsIdentity,
): Promise<RegistryServer> {
  const listener: RequestListener = (request, response) => {
    // It answers its own failures; there is nobody to wait for it.
    void door.answer(request, response);
  };
  const options = {
    headersTimeout: API_HEADERS_TIMEOUT_MS,
    // A layer may take as long as it keeps coming: `timeout` ends those that do not.
    requestTimeout: 0,
    keepAliveTimeout: API_IDLE_TIMEOUT_MS,
    maxHeaderSize: HEAD_BYTES_MAX,
    // What has no Host is refused at the door, as everything malformed is.
    requireHostHeader: false,
  };
  const tls =
    identity === undefined
      ? undefined
      : createTlsServer({ ...options, ...identity, minVersion: "TLSv1.2" }, listener);
  const server: Server = tls ?? createServer(options, listener);
  server.maxConnections = REGISTRY_CONNECTIONS_MAX;
  server.timeout = API_IDLE_TIMEOUT_MS;
  // RFC 9110 §10.1.1: who waits to be told is told when its content is wanted, or is refused.
  server.on("checkContinue", listener);
  server.on("clientError", (_error, socket) => {
    if (socket.writable) socket.end(MALFORMED);
  });
  const port = await listen(server, address);
  return {
    port,
    useIdentity: (renewed) => tls?.setSecureContext({ ...renewed, minVersion: "TLSv1.2" }),
    [Symbol.asyncDispose]: () => closeGracefully(server),
  };
}

/** What node:http could not parse has no response object. */
const MALFORMED = ((): string => {
  const error = { code: "UNSUPPORTED", message: "The request is malformed." };
  const text = JSON.stringify({ errors: [error] });
  const fields = `content-type: application/json\r\ncontent-length: ${text.length}`;
  return `HTTP/1.1 400 Bad Request\r\nconnection: close\r\n${fields}\r\n\r\n${text}`;
})();
