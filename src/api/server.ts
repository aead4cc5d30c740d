import { createServer, type RequestListener, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { Duplex } from "node:stream";
import { getRequestListener } from "@hono/node-server";
import { closeGracefully } from "#graceful-close.ts";
import { API_CONNECTIONS_MAX, API_HEADERS_TIMEOUT_MS, API_IDLE_TIMEOUT_MS } from "#limits.ts";
import { type Address, listen } from "#listen.ts";
import type { Handler } from "./router.ts";
import { hasSecondHost } from "./second-host.ts";

/** PEM, as the local CA hands it out. */
export interface TlsIdentity {
  readonly cert: string;
  readonly key: string;
}

/** A listening API; disposing of it finishes what is in flight, within the grace period. */
export interface ApiServer extends AsyncDisposable {
  readonly port: number;
  /** Takes a renewed certificate into use for new connections. */
  useIdentity(identity: TlsIdentity): void;
}

/**
 * Serves the API on node:http, over TLS when there is an identity.
 * @throws Error when the port cannot be had
 */
export async function startApi(
  handler: Handler,
  refuseMalformed: () => Response,
  address: Address,
  identity?: TlsIdentity,
): Promise<ApiServer> {
  const listener = apiListener(handler, refuseMalformed);
  const options = {
    headersTimeout: API_HEADERS_TIMEOUT_MS,
    // Bodies of objects may take as long as they keep coming: `timeout` ends those that do not.
    requestTimeout: 0,
    keepAliveTimeout: API_IDLE_TIMEOUT_MS,
    // What has no Host is refused here, as everything malformed is.
    requireHostHeader: false,
  };
  const tls =
    identity === undefined
      ? undefined
      : createTlsServer({ ...options, ...identity, minVersion: "TLSv1.2" }, listener);
  const server: Server = tls ?? createServer(options, listener);
  server.maxConnections = API_CONNECTIONS_MAX;
  server.timeout = API_IDLE_TIMEOUT_MS;
  server.on("clientError", (_error, socket) => {
    if (!socket.writable) return;
    void writeBare(refuseMalformed(), socket);
  });
  const port = await listen(server, address);
  return {
    port,
    useIdentity: (renewed) => tls?.setSecureContext({ ...renewed, minVersion: "TLSv1.2" }),
    [Symbol.asyncDispose]: () => closeGracefully(server),
  };
}

/** What answers requests on a server of node:http. */
export function apiListener(handler: Handler, refuseMalformed: () => Response): RequestListener {
  const listener = getRequestListener(
    (request, env) => {
      const { remoteAddress = "unknown" } = env.incoming.socket;
      return handler(request, { address: remoteAddress, target: env.incoming.url ?? "" });
    },
    {
      // Only what is no request reaches this: a bad Host, a target that is no URL.
      errorHandler: refuseMalformed,
    },
  );
  return (incoming, outgoing) => {
    // RFC 9112 §3.2: a target has no fragment.
    const isMalformed = hasSecondHost(incoming.rawHeaders) || incoming.url?.includes("#");
    if (isMalformed) void writeClosing(refuseMalformed(), outgoing);
    // It answers its own failures; there is nobody to wait for it.
    else void listener(incoming, outgoing);
  };
}

/** Through node:http, which keeps the order of what is pipelined. */
async function writeClosing(response: Response, outgoing: ServerResponse): Promise<void> {
  const fields = Object.fromEntries(response.headers);
  outgoing.writeHead(response.status, { ...fields, connection: "close" });
  outgoing.end(await response.text());
}

/** What node:http could not parse has no response object: the reply is written by hand. */
async function writeBare(response: Response, socket: Duplex): Promise<void> {
  const fields = [...response.headers].map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const text = await response.text();
  socket.end(`HTTP/1.1 400 Bad Request\r\nconnection: close\r\n${fields}\r\n${text}`);
}
