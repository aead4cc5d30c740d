import type { Clock } from "#clock.ts";
import type { Logger } from "#log.ts";
import { unreachable } from "#unreachable.ts";
import { cacheKey } from "./cache/key.ts";
import { decideLookup } from "./cache/lookup-decision.ts";
import type { MemoryBudget } from "./cache/memory-budget.ts";
import { survivesPurges } from "./cache/purges.ts";
import { decideReuse } from "./cache/reuse-decision.ts";
import { hasValidator, type StoredResponse } from "./cache/stored-response.ts";
import { selects } from "./cache/vary.ts";
import type { Outcome } from "./cache-status.ts";
import type { Exchange } from "./exchange.ts";
import { FailureLog } from "./failure-log.ts";
import type { FeedFollower } from "./feed-follower.ts";
import { Fetching } from "./fetching.ts";
import { Forwarder, type Miss } from "./forwarding.ts";
import type { Gate } from "./gate.ts";
import type { Origin } from "./origin/origin.ts";
import { emptyReply, errorReply } from "./reply.ts";
import type { RequestHead } from "./request.ts";
import { RequestIds } from "./request-id.ts";
import { SlicedBody } from "./slices/sliced-body.ts";
import { storedReply } from "./stored-reply.ts";
import type { Tiers } from "./tiers/tiers.ts";
import type { Visit } from "./visit.ts";

/** What an edge is made of. */
export interface EdgeParts {
  readonly feed: FeedFollower;
  readonly gate: Gate;
  readonly tiers: Tiers;
  readonly budget: MemoryBudget;
  readonly origin: Origin;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Nothing is stored for it. */
const UNKNOWN: Miss = { stale: undefined, forward: "uri-miss", ifError: "never", ttlSeconds: 0 };
const OTHER_VARIANT: Miss = { ...UNKNOWN, forward: "vary-miss" };

/** The life of a request: Host → endpoint → gate → key → reuse? → collapse → origin → storage? */
export class Edge {
  readonly #parts: EdgeParts;
  readonly #fetching: Fetching;
  readonly #forwarder: Forwarder;
  readonly #requestIds = new RequestIds();

  constructor(parts: EdgeParts) {
    this.#parts = parts;
    const failures = new FailureLog(parts.log, parts.clock);
    this.#fetching = new Fetching({ origin: parts.origin, failures });
    this.#forwarder = new Forwarder({ ...parts, fetching: this.#fetching });
  }

  serve(request: RequestHead, exchange: Exchange): void {
    const { feed, gate, clock } = this.#parts;
    const requestId = this.#requestIds.next();
    const found = feed.endpoints.find(request.host);
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
    const { tiers } = this.#parts;
    const stored = tiers.get(wanted) ?? tiers.getQuick(wanted);
    if (stored === "unknown") this.#go(visit, this.#find(visit, lookup.onlyIfCached));
    else this.#use(visit, stored, lookup.onlyIfCached, now);
  }

  /** What was not in memory may be on disk. */
  async #find(visit: Visit, onlyIfCached: boolean): Promise<void> {
    const { tiers, clock } = this.#parts;
    const stored = await tiers.find(visit.wanted);
    if (!visit.exchange.left) this.#use(visit, stored, onlyIfCached, clock.now());
  }

  /** Answers with what is stored, or sends the request forward. */
  #use(
    visit: Visit,
    stored: StoredResponse | undefined,
    onlyIfCached: boolean,
    now: number,
  ): void {
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
    const { live, wanted } = visit;
    if (survivesPurges(live.purges, visit.target, stored) === "gone") {
      this.#parts.tiers.drop(stored);
      return UNKNOWN;
    }
    if (!selects(stored.selecting, wanted.fields)) return OTHER_VARIANT;
    const { freshness, softPurged, failedAt } = stored;
    const { endpoint } = live;
    const reuse = decideReuse(
      { freshness, hasValidator: hasValidator(stored), endpoint, softPurged, failedAt },
      now,
    );
    const { ttlSeconds } = reuse;
    switch (reuse.kind) {
      case "fresh":
        this.#reply(visit, stored, { kind: "hit", ttlSeconds }, now);
        return undefined;
      case "stale-while-revalidate":
        if (reuse.refresh) this.#forwarder.refresh(visit, stored);
        this.#reply(visit, stored, { kind: "stale", reason: "while-revalidate", ttlSeconds }, now);
        return undefined;
      case "stale-if-error":
        this.#reply(visit, stored, { kind: "stale", reason: "if-error", ttlSeconds }, now);
        return undefined;
      case "revalidate":
      case "refetch":
        return { stale: stored, forward: "stale", ifError: reuse.ifError, ttlSeconds };
      default:
        return unreachable(reuse);
    }
  }

  #reply(visit: Visit, stored: StoredResponse, outcome: Outcome, now: number): void {
    const fetch = stored.body instanceof SlicedBody ? this.#fetching.ranges(visit) : undefined;
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
