import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { listen } from "#listen.ts";
import { Problem } from "#problem.ts";
import { type DiskUse, diskFamilies } from "./disk-families.ts";
import type { EdgeUsage } from "./edge-usage.ts";
import { LOOPBACK_HEAD_BYTES_MAX } from "./limits.ts";
import { metricsText } from "./metrics.ts";
import { decideMetricsAccess } from "./metrics-access.ts";
import { ownProcess } from "./own-process.ts";
import { METRICS_CONTENT_TYPE } from "./prometheus.ts";

/** What programs on this machine may ask of an edge that has no API. */
export interface LoopbackParts {
  /** 0 picks a free one. */
  readonly port: number;
  readonly version: string;
  readonly usage: EdgeUsage;
  /** Of the disk tier, as it is now. */
  readonly disk: () => DiskUse | undefined;
  /**
   * Says what would become of the request that the query describes.
   * @throws Problem when it describes none, or there are too many
   */
  readonly explain: (query: URLSearchParams) => Promise<object>;
}

export const LOOPBACK = "127.0.0.1";

/** `/explain`, and for every other path the metrics: there is nothing else to ask. */
export async function startLoopback(
  parts: LoopbackParts,
  stack: AsyncDisposableStack,
): Promise<number> {
  const server = createServer({ maxHeaderSize: LOOPBACK_HEAD_BYTES_MAX }, (request, response) => {
    answer(parts, request, response).catch(() => response.writeHead(500).end());
  });
  stack.use(server);
  const address = { host: LOOPBACK, port: parts.port, variable: "--metrics-port" };
  const port = await listen(server, address);
  // Out of descriptors: whoever scrapes comes again.
  server.on("error", () => undefined);
  return port;
}

async function answer(
  parts: LoopbackParts,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? "/", `http://${LOOPBACK}`);
  if (pathname === "/explain") return explain(parts, searchParams, { request, response });
  const { usage, version, disk } = parts;
  const text = metricsText(await usage.current(), ownProcess(version), diskFamilies(disk()));
  response.writeHead(200, { "content-type": METRICS_CONTENT_TYPE }).end(text);
}

async function explain(
  parts: LoopbackParts,
  query: URLSearchParams,
  { request, response }: { readonly request: IncomingMessage; readonly response: ServerResponse },
): Promise<void> {
  const { headers, socket } = request;
  const access = decideMetricsAccess({
    peer: socket.remoteAddress ?? "",
    host: headers.host ?? "",
    header: (name) => headers[name]?.toString(),
    authorized: false,
  });
  if (access.kind === "refused") {
    const message = `Only programs on this machine may ask: ${access.reason}`;
    return respond(response, 403, { message });
  }
  try {
    respond(response, 200, await parts.explain(query));
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    respond(response, error.status, { id: error.id, message: error.message });
  }
}

function respond(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
