import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { getRequestListener } from "@hono/node-server";
import {
  API_CONNECTIONS_MAX,
  API_HEADERS_TIMEOUT_MS,
  API_REQUEST_TIMEOUT_MS,
  SHUTDOWN_GRACE_MS,
} from "#limits.ts";
import { type Address, listen } from "#listen.ts";
import { Problem } from "#problem.ts";
import { problemResponse } from "./problem-response.ts";
import type { Handler } from "./router.ts";

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
  address: Address,
  identity: TlsIdentity | undefined,
  newRequestId: () => string,
): Promise<ApiServer> {
  const listener = requestListener(handler, newRequestId);
  const options = {
    headersTimeout: API_HEADERS_TIMEOUT_MS,
    requestTimeout: 0,
    // Bodies of objects may take long; those of the API are small and bounded by this instead.
    keepAliveTimeout: API_REQUEST_TIMEOUT_MS,
  };
  const tls =
    identity === undefined
      ? undefined
      : createTlsServer({ ...options, ...identity, minVersion: "TLSv1.2" }, listener);
  const server: Server = tls ?? createServer(options, listener);
  server.maxConnections = API_CONNECTIONS_MAX;
  const port = await listen(server, address);
  return {
    port,
    useIdentity: (renewed) => tls?.setSecureContext({ ...renewed, minVersion: "TLSv1.2" }),
    [Symbol.asyncDispose]: () => close(server),
  };
}

function requestListener(handler: Handler, newRequestId: () => string): RequestListener {
  const listener = getRequestListener(
    (request, env) => {
      const { remoteAddress = "unknown" } = env.incoming.socket;
      return handler(request, { address: remoteAddress });
    },
    {
      // Only requests that are no request reach this: a bad Host, a target that is no URL.
      errorHandler: (cause) =>
        problemResponse(
          new Problem("bad_request", "The request is malformed.", { cause }),
          newRequestId(),
        ),
    },
  );
  // It answers its own failures; there is nobody to wait for it.
  return (incoming, outgoing) => void listener(incoming, outgoing);
}

async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  const cut = setTimeout(() => server.closeAllConnections(), SHUTDOWN_GRACE_MS);
  // A connection that was answered just now is idle a moment later: look again while any is left.
  const idle = setInterval(() => server.closeIdleConnections(), 50);
  server.closeIdleConnections();
  await closed;
  clearTimeout(cut);
  clearInterval(idle);
}
