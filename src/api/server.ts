import type { RequestListener, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { getRequestListener } from "@hono/node-server";
import { type HttpServer, startHttpServer, type TlsIdentity } from "#http-server.ts";
import { API_CONNECTIONS_MAX } from "#limits.ts";
import type { Address } from "#listen.ts";
import type { Handler } from "./router.ts";
import { hasSecondHost } from "./second-host.ts";

/**
 * Serves the API on node:http, over TLS when there is an identity.
 * @throws Error when the port cannot be had
 */
export async function startApi(
  handler: Handler,
  refuseMalformed: () => Response,
  address: Address,
  identity?: TlsIdentity,
): Promise<HttpServer> {
  const parts = {
    listener: apiListener(handler, refuseMalformed),
    refuseMalformed: (socket: Duplex) => void writeBare(refuseMalformed(), socket),
    connectionsMax: API_CONNECTIONS_MAX,
  };
  return startHttpServer(parts, address, identity);
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
