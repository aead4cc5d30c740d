import type { Clock } from "#clock.ts";
import { FAILED_RETRY_MS } from "./cache/limits.ts";
import type { StoredResponse } from "./cache/stored-response.ts";
import { FieldSection } from "./fields.ts";
import { SLICE_BYTES } from "./limits.ts";
import type { LiveEndpoint } from "./names.ts";
import { decideErrorPage } from "./policy/error-page.ts";
import { discardReply, type Reply } from "./reply.ts";
import type { RequestHead } from "./request.ts";

/** What is longer is kept in slices, of which some may be missing. Pages with pictures in them fit. */
const PAGE_BYTES_MAX = SLICE_BYTES;

/** Who is told of an error has waited already, mostly for the same origin as the page is at. */
const PAGE_TIMEOUT_MS = 2_000;

/** Port: the cache of an endpoint, and the fetches that fill it. */
export interface PageSource {
  /**
   * What a GET of this raw target would share with others: stored, or just being stored. `undefined`
   * if there is nothing of that kind. Many ask at once, and one fetch at most is made for all of them.
   */
  find(live: LiveEndpoint, target: string): Promise<StoredResponse | undefined>;
}

/** What a page is: its caching is not that of the error that it tells of. */
const OF_THE_PAGE = /^content-(?:type|encoding|language): .*\r\n/gim;

/** What the edge has said of the answer, and who may read it. The rest describes what is not sent. */
const OF_THE_ANSWER =
  /^(?:access-control-[a-z-]+|cache-status|date|retry-after|server-timing|strict-transport-security|vary|x-cache): .*\r\n/gim;

/** Pages of their owners' that stand in for errors. An error is never worse for a page that fails. */
export class ErrorPages {
  readonly #source: PageSource;
  readonly #clock: Clock;
  /** Where a page could not be had: an origin that has failed is not asked twice for each request. */
  readonly #failedAt = new WeakMap<LiveEndpoint, number>();

  constructor(source: PageSource, clock: Clock) {
    this.#source = source;
    this.#clock = clock;
  }

  /**
   * What to send in the place of a reply, which may be itself in the end. `undefined` at once where no
   * page is meant to stand in. The reply that is not sent is discarded.
   */
  standIn(request: RequestHead, reply: Reply): Promise<Reply> | undefined {
    const { live, status } = reply;
    if (live === undefined) return undefined;
    const decision = decideErrorPage(live.endpoint.settings, request, status);
    if (decision.kind === "as-it-is" || this.#hasJustFailed(live)) return undefined;
    return this.#replace(reply, live, decision);
  }

  async #replace(
    reply: Reply,
    live: LiveEndpoint,
    { key, hasContent }: { readonly key: string; readonly hasContent: boolean },
  ): Promise<Reply> {
    const page = await this.#find(live, targetOf(key)).catch((error: unknown) => {
      discardReply(reply);
      throw error;
    });
    const length = page === undefined ? undefined : usableLength(page);
    if (page === undefined || length === undefined) {
      this.#failedAt.set(live, this.#clock.now());
      return reply;
    }
    discardReply(reply);
    return pageReply(reply, page, { length, hasContent });
  }

  async #find(live: LiveEndpoint, target: string): Promise<StoredResponse | undefined> {
    const { promise: late, resolve } = Promise.withResolvers<undefined>();
    const timer = setTimeout(() => resolve(undefined), PAGE_TIMEOUT_MS);
    try {
      return await Promise.race([this.#source.find(live, target), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  #hasJustFailed(live: LiveEndpoint): boolean {
    const failedAt = this.#failedAt.get(live);
    return failedAt !== undefined && Math.abs(this.#clock.now() - failedAt) < FAILED_RETRY_MS;
  }
}

/** A key's path, as browsers ask for it. */
function targetOf(key: string): string {
  return `/${key.split("/").map(encodeURIComponent).join("/")}`;
}

/** `undefined`: it cannot stand in. What is no page itself says nothing about another error. */
function usableLength({ status, contentLength, body }: StoredResponse): number | undefined {
  if (status !== 200 || body.state === "truncated" || !body.hasBeginning) return undefined;
  // A page that grows and has not said how long it will be is known the next time.
  const length = contentLength ?? (body.state === "whole" ? body.sizeBytes : Infinity);
  return length <= PAGE_BYTES_MAX ? length : undefined;
}

function pageReply(
  { status, section, own, requestId, cache, live }: Reply,
  page: StoredResponse,
  { length, hasContent }: { readonly length: number; readonly hasContent: boolean },
): Reply {
  const about = linesOf(page.section, OF_THE_PAGE);
  const answer = linesOf(section, OF_THE_ANSWER) + linesOf(own, OF_THE_ANSWER);
  const reply: Reply = {
    status,
    section: new FieldSection(`${about}cache-control: no-store\r\n`),
    own: new FieldSection(answer),
    requestId,
    contentLength: length,
    cache,
    live,
  };
  if (!hasContent) return reply;
  return { ...reply, content: page.body.single() ?? page.body.read(0, length) };
}

function linesOf({ text }: FieldSection, pattern: RegExp): string {
  return text.match(pattern)?.join("") ?? "";
}
