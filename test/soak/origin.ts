import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream/promises";
import { contentOf } from "./content.ts";

export interface Origin extends AsyncDisposable {
  readonly url: string;
  /** Ends the connections on which nothing is asked. */
  rest(): void;
}

/** What the origin says of how long a thing may be kept, by the first segment of its path. */
const CACHE_CONTROL: Readonly<Record<string, string>> = {
  hit: "max-age=3600",
  once: "max-age=3600",
  check: "max-age=1",
  pass: "no-store",
};

/** Content by path, and whatever is sent to `/echo`. */
export async function startOrigin(): Promise<Origin> {
  const server = createServer((request, response) => {
    void answer(request, response).catch(() => response.destroy());
  });
  // The edge keeps connections; who closes them first must not matter here.
  server.keepAliveTimeout = 20_000;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    rest: () => server.closeIdleConnections(),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await server[Symbol.asyncDispose]();
    },
  };
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = request.url ?? "";
  const [, kind = ""] = path.split("/");
  if (kind === "echo") {
    response.setHeader("content-type", "application/octet-stream");
    await pipeline(request, response);
    return;
  }
  const { bytes, etag } = contentOf(path);
  response.setHeader("etag", etag);
  response.setHeader("cache-control", CACHE_CONTROL[kind] ?? "no-store");
  if (request.headers["if-none-match"] === etag) {
    response.writeHead(304).end();
    return;
  }
  // Half of what is passed has no length beforehand.
  const chunked = kind === "pass" && bytes.length % 2 === 1;
  if (!chunked) response.setHeader("content-length", bytes.length);
  response.end(request.method === "HEAD" ? undefined : bytes);
}
