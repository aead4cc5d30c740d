import { once } from "node:events";
import http, { type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import https from "node:https";

export interface Exchange {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly agent?: http.Agent;
  /** PEM of the only authority to trust, for https. */
  readonly ca?: string;
  /** Sent as SNI, for https; else the URL's host. */
  readonly servername?: string;
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
}

/**
 * One HTTP exchange with nothing added: a Host, a body on a GET or an empty one on a DELETE go as
 * they are given, which `fetch` would not allow.
 */
export async function exchange(url: string, request: Exchange = {}): Promise<Reply> {
  const response = await open(url, request);
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    body,
    text: body.toString("utf8"),
  };
}

/** The same, up to the response's head: the body is the caller's to read, as slowly as it likes. */
export async function open(url: string, request: Exchange = {}): Promise<IncomingMessage> {
  const { protocol, hostname, port } = new URL(url);
  const client = protocol === "https:" ? https : http;
  const outgoing = client.request({
    hostname: hostname.replace(/^\[|\]$/g, ""),
    port,
    // Not from `URL`, which would tidy `..` and `%2e` away.
    path: url.slice(url.indexOf("/", url.indexOf("//") + 2)),
    method: request.method ?? "GET",
    headers: { ...lengthOf(request), ...request.headers },
    ...(request.agent === undefined ? { agent: false } : { agent: request.agent }),
    ...(request.ca === undefined ? {} : { ca: request.ca }),
    ...(request.servername === undefined ? {} : { servername: request.servername }),
  });
  const answered = once(outgoing, "response") as Promise<[IncomingMessage]>;
  // A server may refuse a body before it has read it all; then the reply is what counts.
  outgoing.on("error", () => {});
  outgoing.end(request.body);
  const [response] = await answered;
  return response;
}

function lengthOf({ body, headers }: Exchange): Record<string, string> {
  if (body === undefined || headers?.["transfer-encoding"] !== undefined) return {};
  return { "content-length": String(Buffer.byteLength(body)) };
}
