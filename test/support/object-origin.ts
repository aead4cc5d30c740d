import { once } from "node:events";
import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { octetsOf } from "./octets.ts";

/** What an origin has under a path. */
export interface OriginObject {
  /** All of its octets follow from it, as `octetsOf` says. */
  readonly name: string;
  readonly length: number;
  /** With its validators. Names are in lower case. */
  readonly fields: Readonly<Record<string, string>>;
  /** Whether the whole of it is sent without saying how long it is. */
  readonly isChunked?: boolean;
}

/** Answers a request; what it throws ends the connection. */
export type Answer = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

/** An origin whose objects may be of any size: they are made as they are sent. */
export interface ObjectOrigin extends AsyncDisposable {
  /** For a Space's `upstream`, and for `atoll edge --origin`. */
  readonly url: string;
  readonly port: number;
  /** Requests so far, whatever for. */
  readonly fetches: number;
  /** Octets of content that were sent so far. */
  readonly sentBytes: number;
  /** Ends all connections, those that are in use too. */
  cut(): void;
}

const PIECE_BYTES = 64 * 1024;

/** Starts an origin; `answer` calls `sendObject` for what is to be as it should be. */
export async function startObjectOrigin(answer: Answer, port = 0): Promise<ObjectOrigin> {
  let fetches = 0;
  let sentBytes = 0;
  const server = createServer((request, response) => {
    fetches += 1;
    sent.set(response, (bytes) => {
      sentBytes += bytes;
    });
    void Promise.resolve(answer(request, response)).catch((error: unknown) => {
      response.destroy(error as Error);
    });
  });
  // Whoever keeps connections closes them first, or a reused one may be gone.
  server.keepAliveTimeout = 60_000;
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const { port: own } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${own}`,
    port: own,
    get fetches() {
      return fetches;
    },
    get sentBytes() {
      return sentBytes;
    },
    cut: () => server.closeAllConnections(),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** Whom to tell of the octets that are sent in a response. */
const sent = new WeakMap<ServerResponse, (bytes: number) => void>();

/** Answers as RFC 9110 has it: 200, 206, 304 or 416; one range at most. */
export async function sendObject(
  request: IncomingMessage,
  response: ServerResponse,
  object: OriginObject,
  /** May rest between two pieces, or end the response. */
  pace: (sentBytes: number) => Promise<void> | void = () => undefined,
): Promise<void> {
  const { length, fields, isChunked = false } = object;
  if (isUnmodified(request, object)) {
    response.writeHead(304, fields).end();
    return;
  }
  const range = rangeOf(request, object);
  if (range === "unsatisfiable") {
    response.writeHead(416, { "content-range": `bytes */${length}` }).end();
    return;
  }
  const { first, end } = range ?? { first: 0, end: length };
  const head: OutgoingHttpHeaders = { ...fields };
  if (range !== undefined) head["content-range"] = `bytes ${first}-${end - 1}/${length}`;
  if (range !== undefined || !isChunked) head["content-length"] = end - first;
  response.writeHead(range === undefined ? 200 : 206, head);
  if (request.method === "HEAD") response.end();
  else await sendOctets(response, object.name, { first, end }, pace);
}

/** Sends octets as fast as they are taken, and ends the response. */
async function sendOctets(
  response: ServerResponse,
  name: string,
  { first, end }: { readonly first: number; readonly end: number },
  pace: (sentBytes: number) => Promise<void> | void = () => undefined,
): Promise<void> {
  for (let at = first; at < end && !response.destroyed; at += PIECE_BYTES) {
    await pace(at - first);
    if (response.destroyed) return;
    const piece = octetsOf(name, at, Math.min(at + PIECE_BYTES, end));
    sent.get(response)?.(piece.length);
    if (!response.write(piece)) await drained(response);
  }
  response.end();
}

/** Until more may be written, or nobody reads any more. */
async function drained(response: ServerResponse): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = (): void => {
      response.off("drain", done).off("close", done);
      resolve();
    };
    response.on("drain", done).on("close", done);
  });
}

/** RFC 9110 §13.2.2, with validators as they were sent. */
function isUnmodified({ headers }: IncomingMessage, { fields }: OriginObject): boolean {
  const { etag, "last-modified": lastModified } = fields;
  const tag = headers["if-none-match"];
  if (tag !== undefined) return tag === etag;
  const date = headers["if-modified-since"];
  return date !== undefined && date === lastModified;
}

/** The part that is asked for; undefined: all of it. RFC 9110 §14.1.2, §13.1.5. */
function rangeOf(
  { headers }: IncomingMessage,
  { length, fields }: OriginObject,
): { readonly first: number; readonly end: number } | "unsatisfiable" | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(headers.range ?? "");
  if (match === null) return undefined;
  const condition = headers["if-range"];
  const { etag, "last-modified": lastModified } = fields;
  if (condition !== undefined && condition !== etag && condition !== lastModified) return undefined;
  const [, from = "", to = ""] = match;
  if (from === "") return { first: Math.max(0, length - Number(to)), end: length };
  if (Number(from) >= length) return "unsatisfiable";
  const end = to === "" ? length : Math.min(Number(to) + 1, length);
  return { first: Number(from), end };
}
