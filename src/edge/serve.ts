import type { Clock } from "#clock.ts";
import type { Logger } from "#log.ts";
import { unreachable } from "#unreachable.ts";
import type { CacheCounters } from "#usage/cache-counters.ts";
import { cacheKey } from "./cache/key.ts";
import { decideLookup } from "./cache/lookup-decision.ts";
import type { MemoryBudget } from "./cache/memory-budget.ts";
import type { StoredResponse } from "./cache/stored-response.ts";
import type { Outcome } from "./cache-status.ts";
import { CachedPages } from "./cached-pages.ts";
import { CodedReplies } from "./coded-replies.ts";
import { ErrorPages } from "./error-pages.ts";
import type { Exchange } from "./exchange.ts";
import { FailureLog } from "./failure-log.ts";
import type { FeedFollower } from "./feed-follower.ts";
import { Fetching } from "./fetching.ts";
import { Forwarder } from "./forwarding.ts";
import type { Gate } from "./gate.ts";
import { type Miss, OTHER_VARIANT, UNKNOWN } from "./miss.ts";
import type { Origin } from "./origin/origin.ts";
import { emptyReply, errorReply } from "./reply.ts";
import type { RequestHead } from "./request.ts";
import { RequestIds } from "./request-id.ts";
import { SiblingAnswers } from "./siblings/sibling-answers.ts";
import type { Siblings } from "./siblings/siblings.ts";
import { SlicedBody } from "./slices/sliced-body.ts";
import { storedReply } from "./stored-reply.ts";
import { decideStoredUse } from "./stored-use.ts";
import type { Tiers } from "./tiers/tiers.ts";
import type { Visit } from "./visit.ts";

/** What an edge is made of. */
export interface EdgeParts {
  readonly feed: FeedFollower;
  readonly gate: Gate;
  readonly tiers: Tiers;
  readonly budget: MemoryBudget;
  readonly origin: Origin;
  /** Absent: this worker is the only one. */
  readonly siblings?: Siblings | undefined;
  readonly counters: CacheCounters;
  readonly clock: Clock;
  readonly log: Logger;
}

/** The life of a request: Host → endpoint → gate → key → reuse? → collapse → origin → storage? */
export class Edge {
  /** To what siblings ask. */
  readonly answers: SiblingAnswers;
  readonly #parts: EdgeParts;
  readonly #fetching: Fetching;
  readonly #coded: CodedReplies;
  readonly #forwarder: Forwarder;
  readonly #pages: ErrorPages;
  readonly #requestIds = new RequestIds();

  constructor(parts: EdgeParts) {
    this.#parts = parts;
    const failures = new FailureLog(parts.log, parts.clock);
    this.#fetching = new Fetching({ ...parts, failures });
    this.#coded = new CodedReplies(parts);
    this.#forwarder = new Forwarder({ ...parts, fetching: this.#fetching, coded: this.#coded });
    const [fetching, forwarder] = [this.#fetching, this.#forwarder];
    this.answers = new SiblingAnswers({ ...parts, fetching, forwarder });
    const source = new CachedPages((visit) => this.#look(visit, false, parts.clock.now()));
    this.#pages = new ErrorPages({ ...parts, source });
  }

  serve(request: RequestHead, asked: Exchange): void {
    const { feed, gate, clock } = this.#parts;
    const requestId = this.#requestIds.next();
    const found = feed.endpoints.find(request.host);
    const hasPage = found?.endpoint.settings?.errorPage !== undefined;
    const exchange = hasPage ? this.#pages.before(asked, request) : asked;
    const now = clock.now();
    const passage = gate.decide(request, found, exchange.client, now);
    if (passage.kind === "refused") {
      exchange.respond(errorReply({ ...passage, requestId, now }, request.method));
      return;
    }
    const { live, lines } = passage;
    if (passage.kind === "answered") {
      exchange.respond(emptyReply({ ...passage, requestId, now }));
      return;
    }
    const { target } = passage;
    const wanted = {
      key: cacheKey(live.endpoint, { host: request.host, target }, exchange.client),
      fields: live.endpoint.role === "proxy" ? request.fields : NO_FIELDS,
    };
    const visit: Visit = { request, exchange, requestId, live, target, lines, wanted };
    const keyed = target === request.target ? request : { ...request, target };
    const lookup = decideLookup(keyed, live.endpoint);
    if (lookup.kind === "bypass") {
      this.#go(visit, this.#forwarder.pass(visit, lookup));
      return;
    }
    this.#look(visit, lookup.onlyIfCached, now);
  }

  #look(visit: Visit, onlyIfCached: boolean, now: number): void {
    const { tiers } = this.#parts;
    const stored = tiers.get(visit.wanted) ?? tiers.getQuick(visit.wanted);
    if (stored === "unknown") this.#go(visit, this.#find(visit, onlyIfCached));
    else this.#use(visit, stored, onlyIfCached, now);
  }

  /** What was not in memory may be on disk. */
  async #find(visit: Visit, onlyIfCached: boolean): Promise<void> {
    const { tiers, clock } = this.#parts;
    const stored = await tiers.find(visit.wanted);
    if (!visit.exchange.left) this.#use(visit, stored, onlyIfCached, clock.now());
  }

  /** Answers with what is stored, or sends the request forward. */
  #use(visit: Visit, stored: StoredResponse | undefined, onlyIfCached: boolean, now: number): void {
    const miss = stored === undefined ? this.#missed(visit) : this.#answer(visit, stored, now);
    if (miss === undefined) return;
    if (onlyIfCached) {
      // RFC 9111 §5.2.1.7.
      const { requestId, live, lines, request } = visit;
      const reason = "What was asked for is not in the cache.";
      const error = { status: 504, reason, requestId, now, live, lines };
      visit.exchange.respond(errorReply(error, request.method));
      return;
    }
    this.#go(visit, this.#forwarder.collapse(visit, miss));
  }

  #missed({ wanted }: Visit): Miss {
    return this.#parts.tiers.varies(wanted.key) ? OTHER_VARIANT : UNKNOWN;
  }

  /** Answers, or says with what the request goes forward. */
  #answer(visit: Visit, stored: StoredResponse, now: number): Miss | undefined {
    const use = decideStoredUse(visit, stored, now);
    switch (use.kind) {
      case "gone":
        this.#parts.tiers.drop(stored);
        return UNKNOWN;
      case "forward":
        return use.miss;
      case "reply":
        if (use.refresh) this.#forwarder.refresh(visit, stored);
        if (use.outcome.kind === "stale") this.#parts.counters.servedStale(use.outcome.reason);
        this.#reply(visit, stored, use.outcome, now);
        return undefined;
      default:
        return unreachable(use);
    }
  }

  #reply(visit: Visit, stored: StoredResponse, outcome: Outcome, now: number): void {
    const fetch = stored.body instanceof SlicedBody ? this.#fetching.ranges(visit) : undefined;
    if (visit.live.endpoint.settings?.compression === true) {
      const work = this.#coded.respond(visit, stored, { outcome, fetch, now });
      if (work !== undefined) this.#go(visit, work);
      return;
    }
    visit.exchange.respond(storedReply(visit.request, stored, { visit, outcome, fetch, now }));
  }

  /** What escapes here is a bug: the request is told so, and the worker lives on. */
  #go(visit: Visit, work: Promise<void>): void {
    work.catch((error: unknown) => {
      const { exchange, request, requestId, live, lines } = visit;
      this.#parts.log.error({ err: error, request_id: requestId }, "request failed");
      if (exchange.left) return;
      const now = this.#parts.clock.now();
      const reason = "The edge failed unexpectedly.";
      const failure = { status: 500, reason, requestId, now, live, lines };
      exchange.respond(errorReply(failure, request.method));
    });
  }
}

const NO_FIELDS: readonly string[] = [];
