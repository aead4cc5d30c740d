import type { IncomingMessage, ServerResponse } from "node:http";
import type { RepositoryName } from "./name.ts";
import { Refusal } from "./refusal.ts";
import type { Caller } from "./sign-in.ts";
import type { Place } from "./store.ts";

/** A request of somebody who may make it, and how to answer it. */
export interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly query: URLSearchParams;
  readonly caller: Caller;
}

/** The same, about a repository. */
export interface RepositoryCall extends Call {
  readonly name: RepositoryName;
}

export type Fields = Readonly<Record<string, string | number | string[]>>;

/** Where a call writes, and for whom. */
export function placeOf({ caller, name }: RepositoryCall): Place {
  return { accountId: caller.accountId, tokenId: caller.tokenId, name };
}

/** A field of the request, by its name in lower case. */
export function field({ request }: Pick<Call, "request">, name: string): string | undefined {
  return request.headers[name]?.toString();
}

/** An answer without content. */
export function answer({ response }: Pick<Call, "response">, status: number, fields: Fields): void {
  response.writeHead(status, { "content-length": 0, ...fields }).end();
}

/** An answer whose content is at hand; HEAD has its fields alone. */
export function answerWith(
  { request, response }: Pick<Call, "request" | "response">,
  status: number,
  fields: Fields,
  content: string | Uint8Array,
): void {
  response.writeHead(status, { ...fields, "content-length": Buffer.byteLength(content) });
  if (request.method === "HEAD") response.end();
  else response.end(content);
}

/** An answer in JSON, unless its fields name another type. */
export function answerJson(
  call: Pick<Call, "request" | "response">,
  status: number,
  fields: Fields,
  value: unknown,
): void {
  const type = { "content-type": "application/json; charset=utf-8" };
  answerWith(call, status, { ...type, ...fields }, JSON.stringify(value));
}

/**
 * A request's content as it comes. Who stops reading leaves the connection open, for the answer that
 * says why. A client that waits to be told to send it (RFC 9110 §10.1.1) is
 * told now, and never when it was refused before.
 */
export function contentOf({ request, response }: Pick<Call, "request" | "response">) {
  if (request.headers.expect !== undefined) response.writeContinue();
  return request.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>;
}

/** Undefined: it is sent in chunks, and nobody knows. */
export function contentLength(call: Pick<Call, "request">): number | undefined {
  const text = field(call, "content-length");
  return text === undefined ? undefined : Number(text);
}

/** Content that is small by nature, whole. */
export async function readContent(
  call: Pick<Call, "request" | "response">,
  bytesMax: number,
  what: string,
): Promise<Buffer> {
  const tooLarge = (): Refusal =>
    new Refusal("SIZE_INVALID", `${what} has at most ${bytesMax} bytes.`, { status: 413 });
  if ((contentLength(call) ?? 0) > bytesMax) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of contentOf(call)) {
    bytes += chunk.byteLength;
    if (bytes > bytesMax) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
