import type { Clock } from "#clock.ts";
import type { Logger } from "#log.ts";
import { decideAdmission } from "./admission.ts";
import { decideReuse } from "./cache/freshness.ts";
import { cacheKey } from "./cache/key.ts";
import { decideLookup } from "./cache/lookup-decision.ts";
import type { MemoryBudget } from "./cache/memory-budget.ts";
import type { MemoryStore } from "./cache/memory-store.ts";
import { survivesPurges } from "./cache/purges.ts";
import { hasValidator } from "./cache/stored-response.ts";
import { selects } from "./cache/vary.ts";
import type { Exchange } from "./exchange.ts";
import { FailureLog } from "./failure-log.ts";
import type { FeedFollower } from "./feed-follower.ts";
import { Forwarder, type Miss } from "./forwarding.ts";
import type { Origin } from "./origin/origin.ts";
import { errorReply } from "./reply.ts";
import type { RequestHead } from "./request.ts";
import { RequestIds } from "./request-id.ts";
import { storedReply } from "./stored-reply.ts";
import type { Visit } from "./visit.ts";

/** What an edge is made of. */
export interface EdgeParts {
  readonly feed: FeedFollower;
  readonly store: MemoryStore;
  readonly budget: MemoryBudget;
  readonly origin: Origin;
  readonly clock: Clock;
  readonly log: Logger;
}

/** The life of a request: Host → endpoint → key → reuse? → collapse → origin → storage? */
export class Edge {
  readonly #parts: EdgeParts;
  readonly #forwarder: Forwarder;
  readonly #requestIds = new RequestIds();

  constructor(parts: EdgeParts) {
    this.#parts = parts;
    const failures = new FailureLog(parts.log, parts.clock);
    this.#forwarder = new Forwarder({ ...parts, failures });
  }

  serve(request: RequestHead, exchange: Exchange): void {
    const { feed, clock } = this.#parts;
    const requestId = this.#requestIds.next();
    const found = feed.endpoints.find(request.host);
    const admission = decideAdmission(request, found, exchange.client.tls);
    if (admission.kind === "refused") {
      const { status, reason, lines = "", live } = admission;
      const error = { status, reason, lines, live, requestId, now: clock.now() };
      exchange.respond(errorReply(error, request.method));
      return;
    }
    const visit: Visit = { request, exchange, requestId, live: admission.live };
    const lookup = decideLookup(request);
    if (lookup.kind === "bypass") {
      this.#go(visit, this.#forwarder.pass(visit, lookup));
      return;
    }
    const miss = this.#lookUp(visit);
    if (miss !== undefined) this.#go(visit, this.#forwarder.collapse(visit, miss));
  }

  /** Answers from the store, or says with what the request goes forward. */
  #lookUp(visit: Visit): Miss | undefined {
    const { request, exchange, requestId, live } = visit;
    const { store, clock } = this.#parts;
    const key = cacheKey(live.endpoint, request, exchange.client);
    const stored = store.get(key);
    if (stored === undefined) return { key, stale: undefined, forward: "miss" };
    if (!survivesPurges(live.purges, request.target, stored)) {
      store.delete(key);
      return { key, stale: undefined, forward: "miss" };
    }
    if (!selects(stored.selecting, request.fields)) {
      return { key, stale: undefined, forward: "vary-miss" };
    }
    const { freshness } = stored;
    const reusable = {
      freshness,
      hasValidator: hasValidator(stored),
      ttlSeconds: live.endpoint.ttl,
    };
    const now = clock.now();
    const reuse = decideReuse(reusable, now);
    if (reuse.kind !== "fresh") return { key, stale: stored, forward: "stale" };
    const outcome = { kind: "hit", ttlSeconds: reuse.ttlSeconds } as const;
    exchange.respond(storedReply(request, stored, { outcome, requestId, live, now }));
    return undefined;
  }

  /** What escapes here is a bug: the request is told so, and the worker lives on. */
  #go(visit: Visit, work: Promise<void>): void {
    work.catch((error: unknown) => {
      const { exchange, request, requestId, live } = visit;
      this.#parts.log.error({ err: error, request_id: requestId }, "request failed");
      if (exchange.left) return;
      const now = this.#parts.clock.now();
      const reason = "The edge failed unexpectedly.";
      exchange.respond(errorReply({ status: 500, reason, requestId, now, live }, request.method));
    });
  }
}
