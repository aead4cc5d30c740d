import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { SIZES } from "./case.ts";

/** The origin that every server has: it counts, so that a hit can be told from a fetch. */
export interface Origin extends AsyncDisposable {
  readonly port: number;
  /** Requests that reached it since it started. */
  requests(): number;
}

const BODIES = new Map(SIZES.map(({ name, bytes }) => [name, Buffer.alloc(bytes, "a")]));

export async function startOrigin(): Promise<Origin> {
  let requests = 0;
  const server = createServer((request, response) => {
    requests += 1;
    answer(request.url ?? "/", response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    requests: () => requests,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** An image as a Space would serve it: nothing that a cache could want to compress or to vary. */
function answer(path: string, response: ServerResponse): void {
  const body = BODIES.get(path.split("/")[1] ?? "");
  if (body === undefined) {
    response.writeHead(404, { "content-length": 0 }).end();
    return;
  }
  response
    .writeHead(200, {
      "cache-control": "max-age=3600",
      "content-length": body.length,
      "content-type": "image/png",
      etag: `"${path.slice(1).replace("/", "-")}"`,
      "last-modified": "Sun, 01 Nov 2026 12:00:00 GMT",
    })
    .end(body);
}
