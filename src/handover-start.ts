import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import type { PlatformName } from "#feed/message.ts";
import { parseForwarded } from "#http/forwarded.ts";
import { HOP_SECRET_FIELD, hopSecretCheck } from "#http/hop-secret.ts";
import type { Config } from "./config.ts";
import { API_CONNECTIONS_MAX, API_IDLE_TIMEOUT_MS } from "./limits.ts";
import { listen } from "./listen.ts";

/** The hosts of the control plane, by their first labels. */
type HostLabel = "api" | "registry";

/** Where the edge's workers hand over what is for the platform itself. */
export interface Handover {
  /** What the workers are told. */
  readonly settings: readonly PlatformName[];
  /**
   * Who answers a host's requests, once: what comes before waits. To it a request looks as if the
   * client had connected here over TLS.
   * @param continues it says by itself when content is wanted (RFC 9110 §10.1.1)
   */
  serve(label: HostLabel, listener: RequestListener, continues?: "by-itself"): void;
}

/** Without a domain nothing is handed over. */
const NOBODY: Handover = { settings: [], serve: () => undefined };

const SECRET_BYTES = 32;
/** What the edge takes, and what it adds. */
const HEAD_BYTES_MAX = 64 * 1024;

/** Listens before the workers start, which have to know where; ends after they have. */
export async function startHandover(
  { domain }: Pick<Config, "domain">,
  stack: AsyncDisposableStack,
): Promise<Handover> {
  if (domain === undefined) return NOBODY;
  const secret = randomBytes(SECRET_BYTES).toString("hex");
  const hosts = {
    api: await openHost(secret, stack),
    registry: await openHost(secret, stack),
  };
  return {
    settings: Object.entries(hosts).map(([label, { port }]) => ({
      name: `${label}.${domain}`,
      port,
      secret,
    })),
    serve: (label, listener, continues) => hosts[label].serve(listener, continues),
  };
}

interface Host {
  readonly port: number;
  serve(listener: RequestListener, continues: "by-itself" | undefined): void;
}

async function openHost(secret: string, stack: AsyncDisposableStack): Promise<Host> {
  const served = Promise.withResolvers<RequestListener>();
  let continuesItself = false;
  const server = createServer({
    // As the listeners of both have it.
    requestTimeout: 0,
    keepAliveTimeout: API_IDLE_TIMEOUT_MS,
    maxHeaderSize: HEAD_BYTES_MAX,
    requireHostHeader: false,
  });
  server.maxConnections = API_CONNECTIONS_MAX;
  server.timeout = API_IDLE_TIMEOUT_MS;
  const isOurs = hopSecretCheck(secret);
  const answer: RequestListener = (incoming, outgoing) => {
    const isHandedOver = isOurs(incoming.headers[HOP_SECRET_FIELD]) && seemsDirect(incoming);
    if (!isHandedOver) outgoing.writeHead(403).end();
    // It answers its own failures; there is nobody to wait for it.
    else void served.promise.then((listener) => listener(incoming, outgoing));
  };
  server.on("request", answer);
  server.on("checkContinue", (incoming, outgoing) => {
    if (!continuesItself) outgoing.writeContinue();
    answer(incoming, outgoing);
  });
  const port = await listen(server, { host: "127.0.0.1", port: 0, variable: "nothing" });
  stack.defer(() => close(server));
  return {
    port,
    serve: (listener, continues) => {
      continuesItself = continues === "by-itself";
      served.resolve(listener);
    },
  };
}

/**
 * Has a request's connection say of itself what the edge says of the client's, for as long as it
 * brings no other: one at a time. @returns false when it does not say so
 */
function seemsDirect({ headers, socket }: IncomingMessage): boolean {
  const hop = parseForwarded(headers.forwarded);
  if (hop === undefined) return false;
  Object.defineProperties(socket, {
    remoteAddress: { value: hop.address, configurable: true },
    encrypted: { value: hop.proto === "https", configurable: true },
  });
  return true;
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  await server[Symbol.asyncDispose]();
}
