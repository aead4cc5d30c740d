import type { Readable } from "node:stream";
import { getCACertificates } from "node:tls";
import { Agent, request } from "undici";
import { z } from "zod";
import { readRefusal, readReply } from "./reply.ts";
import { findServer, type Server } from "./server.ts";
import type { Session } from "./session.ts";
import { CommandError } from "./world.ts";

/** The most that the API gives on one page. */
const PAGE_SIZE = 200;

/** Ten million of anything: a server that goes on longer is not one of ours. */
const PAGES_MAX = 50_000;

type Query = Readonly<Record<string, string>>;
type Headers = Readonly<Record<string, string>>;

export interface ApiCall {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Its segments are percent-encoded already. */
  readonly path: string;
  readonly query?: Query;
  readonly body?: object;
}

export interface ApiUpload {
  readonly path: string;
  readonly query: Query;
  readonly headers: Headers;
  /** Absent for no bytes at all. */
  readonly content: Readable | undefined;
}

/** Connects to the server that `findServer` finds, as the session's account. */
export async function connect(session: Session): Promise<Api> {
  return new Api(await findServer(session.world), session.account, session.world.signal);
}

/** A client of Atoll's own API. Every failure is a CommandError with the server's own words. */
export class Api implements AsyncDisposable {
  readonly #server: Server;
  readonly #headers: Headers;
  readonly #signal: AbortSignal;
  readonly #dispatcher: Agent;

  constructor(server: Server, account: string | undefined, signal: AbortSignal) {
    this.#server = server;
    this.#signal = signal;
    this.#headers = {
      accept: "application/json",
      authorization: `Bearer ${headerValue(server.token, "The token")}`,
      ...(account === undefined ? {} : { "x-atoll-account": headerValue(account, "--account") }),
    };
    const trusted = server.ca === undefined ? [] : [server.ca];
    this.#dispatcher = new Agent({
      connect: { ca: [...getCACertificates("default"), ...trusted] },
    });
  }

  /** JSON there and back. */
  async call<S extends z.ZodType>(call: ApiCall, reply: S): Promise<z.output<S>> {
    const json = { "content-type": "application/json" };
    const sent = call.body === undefined ? {} : { headers: json, body: JSON.stringify(call.body) };
    return readReply(
      reply,
      await this.#send(call.path, call.query, { method: call.method, ...sent }),
    );
  }

  /** A body as it is read, never whole. */
  async upload<S extends z.ZodType>(upload: ApiUpload, reply: S): Promise<z.output<S>> {
    const { path, query, headers, content } = upload;
    const body = await this.#send(path, query, { method: "PUT", headers, body: content ?? "" });
    return readReply(reply, body);
  }

  /** Bytes as they come; the caller reads them to the end or destroys them. */
  download(path: string): Promise<Readable> {
    return this.#send(path, undefined, { method: "GET", headers: { accept: "*/*" } });
  }

  /** Every member of a collection, over all of its pages. */
  async list<S extends z.ZodType>(
    path: string,
    name: string,
    each: S,
    filter: Query = {},
  ): Promise<z.output<S>[]> {
    const Page = z
      .looseObject({ meta: z.looseObject({ total: z.int().nonnegative() }) })
      .transform((page) => ({ total: page.meta.total, members: page[name] }))
      .pipe(z.object({ total: z.int(), members: z.array(each) }));
    const found: z.output<S>[] = [];
    for (let page = 1; page <= PAGES_MAX; page += 1) {
      const query = { ...filter, page: String(page), per_page: String(PAGE_SIZE) };
      const { total, members } = await this.call({ method: "GET", path, query }, Page);
      found.push(...members);
      if (members.length === 0 || found.length >= total) break;
    }
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#dispatcher.destroy();
  }

  async #send(
    path: string,
    query: Query | undefined,
    options: { readonly method: ApiCall["method"]; headers?: Headers; body?: string | Readable },
  ): Promise<Readable> {
    const { url: base } = this.#server;
    const url = new URL(base.pathname.replace(/\/$/, "") + path, base);
    url.search = new URLSearchParams(query).toString();
    const reply = await request(url, {
      ...options,
      headers: { ...this.#headers, ...options.headers },
      dispatcher: this.#dispatcher,
      signal: this.#signal,
    }).catch((error: unknown) => {
      this.#signal.throwIfAborted();
      throw connectionError(error, base);
    });
    if (reply.statusCode >= 200 && reply.statusCode < 300) return reply.body;
    throw await readRefusal(reply.statusCode, reply.headers["x-request-id"], reply.body);
  }
}

/** RFC 9110 §5.5 without obs-text: visible ASCII, spaces and tabs. The value may be a secret. */
export function headerValue(text: string, what: string): string {
  if (/^[\t\x20-\x7e]{0,8192}$/.test(text)) return text.trim();
  throw new CommandError(`${what} cannot be sent: expected ASCII without control characters.`);
}

function connectionError(error: unknown, url: URL): unknown {
  if (!(error instanceof Error)) return error;
  const { code = "", message } = error as NodeJS.ErrnoException;
  // Several addresses were tried: the list of failures has no message of its own.
  const why = message === "" ? code : message;
  const hint = /CERT|SIGNATURE/.test(code)
    ? " It is trusted if <data folder>/ca/ca.pem has signed it, or what NODE_EXTRA_CA_CERTS names."
    : "";
  return new CommandError(`Cannot talk to ${url.origin}: ${why}.${hint}`, { cause: error });
}
