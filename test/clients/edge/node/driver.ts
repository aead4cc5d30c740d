// Node's own clients: sessions in on standard input, what was seen out, a line of JSON each.
import { createHash } from "node:crypto";
import { subscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import http, { type IncomingMessage } from "node:http";
import http2, { type ClientHttp2Session, type IncomingHttpHeaders } from "node:http2";
import https from "node:https";
import process from "node:process";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import type { TLSSocket } from "node:tls";
import { inspect } from "node:util";
import type { Ask, Field, Seen, Session } from "../client.ts";
import { contentOf } from "../content.ts";

const TIMEOUT_MS = 60_000;
const CHUNK_BYTES = 65_536;

/** A client that keeps its connections until it is closed. */
interface Opened {
  exchange(ask: Ask): Promise<Seen>;
  close(): void | Promise<void>;
}

/** The authority to trust comes by NODE_EXTRA_CA_CERTS, which every one of them obeys. */
const CLIENTS: Readonly<Record<string, (url: string) => Opened | Promise<Opened>>> = {
  "node:http": openHttp,
  "node:http2": openHttp2,
  fetch: openFetch,
};

for await (const line of createInterface({ input: process.stdin })) {
  const session = JSON.parse(line) as Session;
  process.stdout.write(`${JSON.stringify(await run(session))}\n`);
}

async function run({ client, url, order, asks }: Session): Promise<Seen[]> {
  const open = CLIENTS[client];
  if (open === undefined) throw new Error(`There is no ${client}`);
  const opened = await open(url);
  const exchange = async (ask: Ask): Promise<Seen> => {
    try {
      return await opened.exchange(ask);
    } catch (error) {
      return failed(error);
    }
  };
  try {
    if (order === "at once") return await Promise.all(asks.map(exchange));
    const all: Seen[] = [];
    for (const ask of asks) all.push(await exchange(ask));
    return all;
  } finally {
    await opened.close();
  }
}

function openHttp(url: string): Opened {
  const { request, Agent } = url.startsWith("https:") ? https : http;
  const agent = new Agent({ keepAlive: true });
  return {
    exchange: async ({ method, path, fields, body }) => {
      const declared = body?.declared === true ? { "content-length": String(body.bytes) } : {};
      const outgoing = request(url + path, {
        method,
        agent,
        headers: { ...declared, ...fields },
        timeout: TIMEOUT_MS,
      });
      const interim: Seen["interim"][number][] = [];
      outgoing.on("information", ({ statusCode, rawHeaders }) => {
        interim.push({ status: statusCode, fields: pairs(rawHeaders) });
      });
      const answered = once(outgoing, "response") as Promise<[IncomingMessage]>;
      send(body, outgoing);
      const [response] = await answered;
      const connection = String(response.socket.localPort);
      const { rawHeaders, statusCode = 0, httpVersion } = response;
      const read = await readAll(response);
      return {
        ...read,
        status: statusCode,
        version: httpVersion,
        fields: pairs(rawHeaders),
        trailers: pairs(response.rawTrailers),
        interim,
        connection,
      };
    },
    close: () => agent.destroy(),
  };
}

async function openHttp2(url: string): Promise<Opened> {
  const session = http2.connect(url);
  session.on("error", () => {});
  await once(session, "connect");
  return {
    exchange: (ask) => exchangeHttp2(session, ask),
    close: async () => {
      if (session.destroyed) return;
      const closed = once(session, "close");
      session.close();
      await closed;
    },
  };
}

async function exchangeHttp2(session: ClientHttp2Session, ask: Ask): Promise<Seen> {
  const { method, path, fields, body } = ask;
  const declared = body?.declared === true ? { "content-length": body.bytes } : {};
  const head = { ":method": method, ":path": path, ...declared, ...fields };
  const stream = session.request(head, { endStream: body === undefined });
  stream.setTimeout(TIMEOUT_MS, () => stream.destroy(new Error("It took too long")));
  const interim: Seen["interim"][number][] = [];
  let trailers: readonly Field[] = [];
  stream.on("headers", (headers) => {
    interim.push({ status: Number(headers[":status"]), fields: ofHttp2(headers) });
  });
  stream.on("trailers", (headers) => {
    trailers = ofHttp2(headers);
  });
  const answered = once(stream, "response") as Promise<[IncomingHttpHeaders]>;
  if (body !== undefined) send(body, stream);
  const [headers] = await answered;
  const read = await readAll(stream);
  return {
    ...read,
    status: Number(headers[":status"]),
    version: "2",
    fields: ofHttp2(headers),
    trailers,
    interim,
    connection: String(session.socket.localPort),
  };
}

/** As much of what undici tells of a request that it has sent as is used here. */
interface SentHeaders {
  readonly request: { readonly path: string };
  readonly socket: TLSSocket;
}

/** fetch itself says neither the protocol nor the connection. */
function openFetch(url: string): Opened {
  const sockets = new Map<string, TLSSocket>();
  subscribe("undici:client:sendHeaders", (message) => {
    const { request, socket } = message as SentHeaders;
    sockets.set(request.path, socket);
  });
  return {
    exchange: async ({ method, path, fields, body }) => {
      const chunks = body && contentToFetch(body);
      const response = await fetch(url + path, {
        method,
        headers: fields ?? {},
        redirect: "manual",
        signal: AbortSignal.timeout(TIMEOUT_MS),
        ...(chunks === undefined ? {} : { body: chunks, duplex: "half" }),
      });
      const read = await readAll(response.body ?? []);
      return {
        ...read,
        status: response.status,
        version: sockets.get(path)?.alpnProtocol === "h2" ? "2" : "1.1",
        fields: [...response.headers],
        trailers: [],
        interim: [],
        connection: String(sockets.get(path)?.localPort ?? ""),
      };
    },
    close: () => {},
  };
}

function contentToFetch({ bytes, declared }: NonNullable<Ask["body"]>) {
  const content = contentOf(bytes);
  return declared ? content : Readable.toWeb(inChunks(content));
}

function send(body: Ask["body"], outgoing: NodeJS.WritableStream): void {
  // What goes wrong with it, the response tells.
  outgoing.on("error", () => {});
  if (body === undefined) outgoing.end();
  else if (body.declared) outgoing.end(contentOf(body.bytes));
  else inChunks(contentOf(body.bytes)).pipe(outgoing);
}

function inChunks(content: Buffer): Readable {
  const count = Math.ceil(content.length / CHUNK_BYTES);
  const at = (index: number) => content.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES);
  return Readable.from(Array.from({ length: count }, (_, index) => at(index)));
}

async function readAll(
  content: AsyncIterable<unknown> | Iterable<unknown>,
): Promise<{ readonly bytes: number; readonly sha256: string; readonly error?: string }> {
  const hash = createHash("sha256");
  let bytes = 0;
  let error: string | undefined;
  try {
    for await (const chunk of content) {
      hash.update(chunk as Uint8Array);
      bytes += (chunk as Uint8Array).length;
    }
  } catch (cause) {
    error = String(cause);
  }
  return { bytes, sha256: hash.digest("hex"), ...(error === undefined ? {} : { error }) };
}

function pairs(raw: readonly string[]): Field[] {
  const fields: Field[] = [];
  for (let i = 0; i < raw.length; i += 2)
    fields.push([(raw[i] ?? "").toLowerCase(), raw[i + 1] ?? ""]);
  return fields;
}

function ofHttp2(headers: IncomingHttpHeaders): Field[] {
  return Object.entries(headers).flatMap(([name, value]) =>
    [value].flat().map((one): Field => [name, String(one)]),
  );
}

function failed(error: unknown): Seen {
  return {
    error: error instanceof Error ? `${error.message} ${inspect(error.cause)}` : String(error),
    status: 0,
    version: "",
    fields: [],
    bytes: 0,
    sha256: "",
    trailers: [],
    interim: [],
    connection: "",
  };
}
