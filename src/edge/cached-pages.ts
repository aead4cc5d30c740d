import { unreachable } from "#unreachable.ts";
import { cacheKey } from "./cache/key.ts";
import type { PageAsker, PageSource } from "./error-pages.ts";
import type { Client, Exchange } from "./exchange.ts";
import { fieldIn, fieldOf } from "./fields.ts";
import { discardReply, type Reply } from "./reply.ts";
import type { RequestHead } from "./request.ts";
import type { Visit } from "./visit.ts";

/**
 * Error pages, got as anyone gets them but for the gate: looked up, fetched by one for all, stored,
 * served stale while their origin is away. No page stands in for a page: its reply comes here.
 */
export class CachedPages implements PageSource {
  readonly #answer: (visit: Visit) => void;

  /** `answer` responds to a visit, whose request has passed the gate. */
  constructor(answer: (visit: Visit) => void) {
    this.#answer = answer;
  }

  find(asker: PageAsker, target: string, signal: AbortSignal): Promise<Reply | undefined> {
    const { promise, resolve } = Promise.withResolvers<Reply | undefined>();
    const { requestId, live } = asker;
    const exchange = new PageExchange(asker.client, signal, resolve);
    const request = pageRequest(asker.request, target);
    const { host } = request;
    const wanted = {
      key: cacheKey(live.endpoint, { host, target }, exchange.client),
      fields: live.endpoint.role === "proxy" ? request.fields : NO_FIELDS,
    };
    this.#answer({ request, exchange, requestId, live, target, lines: "", wanted });
    return promise;
  }
}

const NO_FIELDS: readonly string[] = [];

/** Of what was asked it has what the page may be coded in, and nothing else. */
function pageRequest({ version, host, fields }: RequestHead, target: string): RequestHead {
  const accepted = fieldOf(fields, "accept-encoding");
  const kept = accepted === undefined ? NO_FIELDS : ["accept-encoding", accepted];
  return { version, method: "GET", target, host, fields: kept, contentLength: 0 };
}

/** A request of the edge's own, whose client leaves when the signal is aborted. */
class PageExchange implements Exchange {
  readonly client: Client;
  readonly content = undefined;
  readonly #signal: AbortSignal;
  readonly #replied: (reply: Reply | undefined) => void;

  constructor(client: Client, signal: AbortSignal, replied: (reply: Reply | undefined) => void) {
    this.client = client;
    this.#signal = signal;
    this.#replied = replied;
  }

  get left(): boolean {
    return this.#signal.aborted;
  }

  whenLeft(callback: () => void): void {
    this.#signal.addEventListener("abort", callback, { once: true });
  }

  inform(): void {
    // Nobody is on the way to the page.
  }

  respond(reply: Reply): void {
    if (!this.left && isForAll(reply)) return this.#replied(reply);
    discardReply(reply);
    this.#replied(undefined);
  }
}

/** RFC 9211 §2.5: what was fetched, and not stored, would be fetched anew for each error. */
function isForAll({ cache, own }: Reply): boolean {
  switch (cache) {
    case "HIT":
    case "STALE":
      return true;
    case "MISS":
    case "REVALIDATED":
      return /; stored\b/.test(fieldIn(own.text, "cache-status") ?? "");
    case "BYPASS":
    case "NONE":
      return false;
    default:
      return unreachable(cache);
  }
}
