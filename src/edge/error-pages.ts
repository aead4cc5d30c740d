import type { Clock } from "#clock.ts";
import type { Logger } from "#log.ts";
import { FAILED_RETRY_MS } from "./cache/limits.ts";
import type { Client, Exchange } from "./exchange.ts";
import { FieldSection } from "./fields.ts";
import { inTime } from "./in-time.ts";
import { SLICE_BYTES } from "./limits.ts";
import type { LiveEndpoint } from "./names.ts";
import { decideErrorPage } from "./policy/error-page.ts";
import { discardReply, type Reply } from "./reply.ts";
import type { RequestHead } from "./request.ts";
import type { RequestContent } from "./request-content.ts";

/** What is longer is kept in slices, of which some may be missing. Pages with pictures in them fit. */
const PAGE_BYTES_MAX = SLICE_BYTES;

/** Who is told of an error has waited already, mostly for the same origin as the page is at. */
const PAGE_TIMEOUT_MS = 2_000;

/** Who is told of the error, and of which endpoint it is. */
export interface PageAsker {
  readonly request: RequestHead;
  readonly client: Client;
  readonly requestId: string;
  readonly live: LiveEndpoint;
}

/** Port: the cache of an endpoint, and the fetches that fill it. */
export interface PageSource {
  /**
   * The reply to a GET of this raw target, from what is stored for all, or just being stored. `undefined`
   * if there is nothing of that kind. Many ask at once, and one fetch at most is made for all of them.
   * Whoever gets it gives back what it holds; once the signal is aborted, nobody gets it.
   */
  find(asker: PageAsker, target: string, signal: AbortSignal): Promise<Reply | undefined>;
}

export interface ErrorPagesParts {
  readonly source: PageSource;
  readonly clock: Clock;
  readonly log: Logger;
}

/** RFC 5842 §7.2: the way to the origin leads back here, and so would that to the page. */
const LOOP_DETECTED = 508;

/** What a page is: its caching is not that of the error that it tells of. */
const OF_THE_PAGE = /^content-(?:type|encoding|language): .*\r\n/gim;

/** What the edge has said of the answer, and who may read it. The rest describes what is not sent. */
const OF_THE_ANSWER =
  /^(?:access-control-[a-z-]+|cache-status|date|retry-after|server-timing|strict-transport-security|vary|x-cache): .*\r\n/gim;

/** Pages of their owners' that stand in for errors. An error is never worse for a page that fails. */
export class ErrorPages {
  readonly #source: PageSource;
  readonly #clock: Clock;
  readonly #log: Logger;
  /** Where a page could not be had: an origin that has failed is not asked twice for each request. */
  readonly #failedAt = new WeakMap<LiveEndpoint, number>();

  constructor({ source, clock, log }: ErrorPagesParts) {
    this.#source = source;
    this.#clock = clock;
    this.#log = log;
  }

  /** The same exchange, in which a page takes the place of a reply that is an error, whoever made it. */
  before(exchange: Exchange, request: RequestHead): Exchange {
    return new PagedExchange(this, exchange, request);
  }

  /**
   * What to send in the place of a reply, which may be itself in the end. `undefined` at once where no
   * page is meant to stand in. The reply that is not sent is discarded. Never rejects.
   */
  standIn(request: RequestHead, client: Client, reply: Reply): Promise<Reply> | undefined {
    const { live, status, requestId } = reply;
    if (live === undefined || status === LOOP_DETECTED) return undefined;
    const decision = decideErrorPage(live.endpoint.settings, request, status);
    if (decision.kind === "as-it-is" || this.#hasJustFailed(live)) return undefined;
    return this.#replace(reply, { request, client, requestId, live }, decision);
  }

  async #replace(
    reply: Reply,
    asker: PageAsker,
    { key, hasContent }: { readonly key: string; readonly hasContent: boolean },
  ): Promise<Reply> {
    const page = await this.#find(asker, targetOf(key));
    if (page === undefined) {
      this.#failedAt.set(asker.live, this.#clock.now());
      return reply;
    }
    discardReply(reply);
    if (!hasContent) discardReply(page);
    return pageReply(reply, page, hasContent);
  }

  async #find(asker: PageAsker, target: string): Promise<Reply | undefined> {
    const abort = new AbortController();
    try {
      const page = await inTime(this.#source.find(asker, target, abort.signal), PAGE_TIMEOUT_MS);
      if (page === undefined || isUsable(page)) return page;
      discardReply(page);
    } catch (error) {
      this.#log.error({ err: error, request_id: asker.requestId }, "error page failed");
    } finally {
      abort.abort();
    }
    return undefined;
  }

  #hasJustFailed(live: LiveEndpoint): boolean {
    const failedAt = this.#failedAt.get(live);
    return failedAt !== undefined && Math.abs(this.#clock.now() - failedAt) < FAILED_RETRY_MS;
  }
}

/** An exchange in which pages stand in for errors. */
class PagedExchange implements Exchange {
  readonly #pages: ErrorPages;
  readonly #exchange: Exchange;
  readonly #request: RequestHead;

  constructor(pages: ErrorPages, exchange: Exchange, request: RequestHead) {
    this.#pages = pages;
    this.#exchange = exchange;
    this.#request = request;
  }

  get client(): Client {
    return this.#exchange.client;
  }

  get content(): RequestContent | undefined {
    return this.#exchange.content;
  }

  get left(): boolean {
    return this.#exchange.left;
  }

  whenLeft(callback: () => void): void {
    this.#exchange.whenLeft(callback);
  }

  inform(status: number, fields: readonly string[]): void {
    this.#exchange.inform(status, fields);
  }

  respond(reply: Reply): void {
    const standIn = this.#pages.standIn(this.#request, this.client, reply);
    if (standIn === undefined) this.#exchange.respond(reply);
    else void standIn.then((page) => this.#exchange.respond(page));
  }
}

/** A key's path, as browsers ask for it. */
function targetOf(key: string): string {
  return `/${key.split("/").map(encodeURIComponent).join("/")}`;
}

/** What is no page itself says nothing about another error. */
function isUsable({ status, contentLength, content }: Reply): boolean {
  // A page that grows and has not said how long it will be is known the next time.
  return status === 200 && content !== undefined && (contentLength ?? Infinity) <= PAGE_BYTES_MAX;
}

function pageReply(
  { status, section, own, requestId, cache, live }: Reply,
  page: Reply,
  hasContent: boolean,
): Reply {
  const about = linesOf(page.section, OF_THE_PAGE);
  const answer = linesOf(section, OF_THE_ANSWER) + linesOf(own, OF_THE_ANSWER);
  return {
    status,
    section: new FieldSection(`${about}cache-control: no-store\r\n`),
    own: new FieldSection(answer),
    requestId,
    contentLength: page.contentLength,
    content: hasContent ? page.content : undefined,
    cache,
    live,
  };
}

function linesOf({ text }: FieldSection, pattern: RegExp): string {
  return text.match(pattern)?.join("") ?? "";
}
