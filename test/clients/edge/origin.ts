import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { contentOf, sha256 } from "./content.ts";

export const SMALL_BYTES = 1_000;
export const ITEM_BYTES = 20_000;
export const LARGE_BYTES = 10 * 1_048_576;
/** What compresses, as it stands and as a client gets it. */
export const PLAIN_TEXT = "An edge passes on what its origin has coded. ".repeat(100);
export const GZIPPED_TEXT = gzipSync(PLAIN_TEXT);
export const IMAGES = 50;
export const TRAILER_CONTENT = "what comes before the trailers";
export const LAST_MODIFIED = "Sun, 01 Nov 2026 12:00:00 GMT";

/** What the edge lets through is above node:http's own 16 KiB. */
const HEAD_BYTES_MAX = 64 * 1024;

/** An origin that has a path for each thing that a client may meet. */
export interface EdgeOrigin extends AsyncDisposable {
  readonly url: string;
  /** How often a path, with its query, was fetched. */
  fetches(path: string): number;
}

type Answer = (
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
) => void | Promise<void>;

const ANSWERS: Readonly<Record<string, Answer>> = {
  small: (_, response) => store(response, contentOf(SMALL_BYTES)),
  item: (_, response) => store(response, contentOf(ITEM_BYTES)),
  large: (_, response) => store(response, contentOf(LARGE_BYTES)),
  echo,
  trailers: (_, response) => {
    response.writeHead(200, { trailer: "x-checksum, x-second" });
    response.write(TRAILER_CONTENT);
    response.addTrailers({ "x-checksum": sha256(TRAILER_CONTENT), "x-second": "2" });
    response.end();
  },
  hints: (_, response) => {
    response.writeEarlyHints({ link: "</style.css>; rel=preload; as=style", "x-hint": "early" });
    response.writeHead(200, { "cache-control": "no-store" }).end("after the hints");
  },
  gzip: (request, response) => {
    const coded = /\bgzip\b/.test(request.headers["accept-encoding"] ?? "");
    response.setHeader("vary", "accept-encoding");
    if (coded) response.setHeader("content-encoding", "gzip");
    store(response, coded ? GZIPPED_TEXT : Buffer.from(PLAIN_TEXT), "text/plain");
  },
  status: (_, response, url) => {
    const status = Number(url.pathname.split("/")[2]);
    response.writeHead(status, { "content-type": "text/plain" }).end(`this is ${status}`);
  },
  cookies: (_, response) => {
    response.writeHead(200, [
      ["set-cookie", "a=1; Path=/"],
      ["set-cookie", "b=2, with a comma"],
      ["content-length", "0"],
    ]);
    response.end();
  },
  cut: (_, response, url) => {
    const half = contentOf(ITEM_BYTES / 2);
    const declared = url.searchParams.has("declared");
    response.writeHead(200, declared ? { "content-length": ITEM_BYTES } : {});
    response.write(half, () => response.destroy());
  },
  page: (_, response) => {
    const images = Array.from({ length: IMAGES }, (__, i) => `<img src="/image/${i}.svg">`);
    const head = '<title>Page</title><link rel="stylesheet" href="/style.css">';
    const page = `<!doctype html><html><head>${head}</head><body>${images.join("")}</body></html>`;
    store(response, Buffer.from(page), "text/html");
  },
  "style.css": (_, response) => store(response, Buffer.from("body { margin: 8px }"), "text/css"),
  image: (_, response) => store(response, Buffer.from(svg()), "image/svg+xml"),
};

/** A tile of one colour. */
export function svg(hue = 200): string {
  const attributes = `width="40" height="40" fill="hsl(${hue} 80% 50%)"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40"><rect ${attributes}/></svg>`;
}

export async function startEdgeOrigin(): Promise<EdgeOrigin> {
  const counts = new Map<string, number>();
  const server = createServer({ maxHeaderSize: HEAD_BYTES_MAX }, (request, response) => {
    const target = request.url ?? "/";
    counts.set(target, (counts.get(target) ?? 0) + 1);
    const url = new URL(target, "http://origin.example");
    const answer = ANSWERS[url.pathname.split("/")[1] ?? ""] ?? notFound;
    void Promise.resolve(answer(request, response, url)).catch(() => response.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    fetches: (path) => counts.get(path) ?? 0,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

function notFound(_: IncomingMessage, response: ServerResponse): void {
  response.writeHead(404).end("nothing here");
}

function store(response: ServerResponse, content: Buffer, type = "application/octet-stream"): void {
  response.writeHead(200, {
    "cache-control": "max-age=3600",
    "content-length": content.length,
    "content-type": type,
    etag: `"${sha256(content).slice(0, 16)}"`,
    "last-modified": LAST_MODIFIED,
  });
  response.end(content);
}

/** Sends back what came, once all of it has: not every client reads before it has sent all. */
async function echo(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const content = await buffer(request);
  response.writeHead(200, {
    "cache-control": "no-store",
    "content-length": content.length,
    "x-method": request.method,
    "x-length": request.headers["content-length"] ?? "none",
    "x-trailers": JSON.stringify(request.trailers),
  });
  response.end(content);
}
