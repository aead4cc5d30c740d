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
import { challengeReply, keyAuthorizationFor } from "./challenges/http-challenge.ts";
import { CodedReplies } from "./coded-replies.ts";
import { ErrorPages } from "./error-pages.ts";
import type { Exchange } from "./exchange.ts";
import { FailureLog } from "./failure-log.ts";
import type { FeedFollower } from "./feed-follower.ts";
import { Fetching } from "./fetching.ts";
import { Fills } from "./fills.ts";
import { Forwarder } from "./forwarding.ts";
import type { Gate } from "./gate.ts";
import { Handover } from "./handover/handover.ts";
import type { PlatformNames } from "./handover/platform-names.ts";
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
  /** Absent: there are none. */
  readonly platform?: PlatformNames | undefined;
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
  readonly #fills: Fills;
  readonly #forwarder: Forwarder;
  readonly #pages: ErrorPages;
  readonly #handover: Handover;
  readonly #requestIds = new RequestIds();

  constructor(parts: EdgeParts) {
    this.#parts = parts;
    const failures = new FailureLog(parts.log, parts.clock);
    this.#handover = new Handover(parts);
    this.#fetching = new Fetching({ ...parts, failures });
    this.#coded = new CodedReplies(parts);
    const fetching = this.#fetching;
    this.#fills = new Fills({ ...parts, fetching });
    const fills = this.#fills;
    this.#forwarder = new Forwarder({ ...parts, fetching, fills, coded: this.#coded });
    this.answers = new SiblingAnswers({ ...parts, fetching, fills });
    const source = new CachedPages((visit) => this.#look(visit, false, parts.clock.now()));
    this.#pages = new ErrorPages({ ...parts, source });
  }

  serve(request: RequestHead, asked: Exchange): void {
    const { feed, gate, clock } = this.#parts;
    const requestId = this.#requestIds.next();
    const found = feed.endpoints.find(request.host);
    if (asked.client.tls === undefined) {
      const keyAuthorization = keyAuthorizationFor(feed.challenges, request);
      if (keyAuthorization !== undefined) {
        const about = { method: request.method, requestId, now: clock.now(), live: found };
        asked.respond(challengeReply(keyAuthorization, about));
        return;
      }
    }
    if (found === undefined && this.#handOver(request, asked, requestId)) return;
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

  /** Whether it was for the platform itself. */
  #handOver(request: RequestHead, exchange: Exchange, requestId: string): boolean {
    const { platform, clock, log } = this.#parts;
    const passage = platform?.decide(request, exchange.client);
    if (passage === undefined || passage.kind === "none") return false;
    if (passage.kind === "refused") {
      const error = { ...passage, requestId, now: clock.now(), live: undefined };
      exchange.respond(errorReply(error, request.method));
      return true;
    }
    const { to } = passage;
    this.#handover.hand({ request, exchange, requestId, to }).catch((error: unknown) => {
      log.error({ err: error, request_id: requestId }, "request failed");
      const reason = "The edge failed unexpectedly.";
      const failure = { status: 500, reason, requestId, now: clock.now(), live: undefined };
      if (!exchange.left) exchange.respond(errorReply(failure, request.method));
    });
    return true;
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
    const forwarder = this.#forwarder;
    // It may be what is served in the end.
    miss.stale?.body.hold();
    const work = onlyIfCached ? forwarder.look(visit, miss) : forwarder.collapse(visit, miss);
    this.#go(
      visit,
      work.finally(() => miss.stale?.body.release()),
    );
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
        if (use.refresh) this.#fills.refresh(visit, stored);
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
      if (work === undefined) return;
      stored.body.hold();
      this.#go(
        visit,
        work.finally(() => stored.body.release()),
      );
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
