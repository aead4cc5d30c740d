import { randomUUID } from "node:crypto";
import type { Clock } from "#clock.ts";
import type { Logger } from "#log.ts";
import { unreachable } from "#unreachable.ts";
import { decideAdmission } from "./admission.ts";
import { Body } from "./cache/body.ts";
import { Fill, type FillHead } from "./cache/fill.ts";
import { decideReuse } from "./cache/freshness.ts";
import { cacheKey, targetOfKey } from "./cache/key.ts";
import { decideLookup } from "./cache/lookup-decision.ts";
import type { MemoryBudget } from "./cache/memory-budget.ts";
import type { MemoryStore } from "./cache/memory-store.ts";
import { pump } from "./cache/pump.ts";
import { survivesPurges } from "./cache/purges.ts";
import { hasValidator, type StoredResponse } from "./cache/stored-response.ts";
import { failureStatus, type Outcome } from "./cache-status.ts";
import { FailureLog } from "./failure-log.ts";
import type { FeedFollower } from "./feed-follower.ts";
import type { LiveEndpoint } from "./names.ts";
import type { Origin, OriginFailure, OriginResponse } from "./origin/origin.ts";
import { decidePassedUse, hasContent, passedNotModified, passedReply } from "./passed-reply.ts";
import { type Exchange, errorReply } from "./reply.ts";
import { storedReply } from "./stored-reply.ts";
import { fieldOf, type RequestHead } from "./wire/request-head.ts";

/** What an edge is made of. */
export interface EdgeParts {
  readonly feed: FeedFollower;
  readonly store: MemoryStore;
  readonly budget: MemoryBudget;
  readonly origin: Origin;
  readonly clock: Clock;
  readonly log: Logger;
}

/** One request on its way through the edge. */
interface Visit {
  readonly request: RequestHead;
  readonly exchange: Exchange;
  readonly requestId: string;
  readonly live: LiveEndpoint;
}

/** What the cache had for a request that goes forward. */
interface Miss {
  readonly key: string;
  /** What may not be reused as it is. */
  readonly stale: StoredResponse | undefined;
  readonly forward: "miss" | "stale";
}

/** What the client asked of the origin itself, when the cache is not involved. */
const PASSED_FIELDS = [
  "range",
  "if-range",
  "if-match",
  "if-none-match",
  "if-modified-since",
  "if-unmodified-since",
];

const UNEXPECTED = { status: 500, reason: "The edge failed unexpectedly." };

/** The life of a request: Host → endpoint → key → reuse? → collapse → origin → storage? */
export class Edge {
  readonly #parts: EdgeParts;
  readonly #failures: FailureLog;
  readonly #fills = new Map<string, Fill>();

  constructor(parts: EdgeParts) {
    this.#parts = parts;
    this.#failures = new FailureLog(parts.log, parts.clock);
  }

  serve(request: RequestHead, exchange: Exchange): void {
    const requestId = randomUUID();
    const admission = decideAdmission(request, this.#parts.feed.endpoints.find(request.host));
    if (admission.kind === "refused") {
      const error = { ...admission, requestId, now: this.#parts.clock.now() };
      exchange.respond(errorReply(error, request.method));
      return;
    }
    const visit: Visit = { request, exchange, requestId, live: admission.live };
    const lookup = decideLookup(request);
    if (lookup.kind === "bypass") {
      this.#go(visit, this.#pass(visit, lookup));
      return;
    }
    const found = this.#lookUp(visit);
    if (found !== undefined) this.#go(visit, this.#collapse(visit, found));
  }

  /** Answers from the store, or says with what the request goes forward. */
  #lookUp(visit: Visit): Miss | undefined {
    const { request, live } = visit;
    const { store, clock } = this.#parts;
    const key = cacheKey(live.endpoint.id, request.target);
    const stored = store.get(key);
    if (stored === undefined) return { key, stale: undefined, forward: "miss" };
    if (!survivesPurges(live.purges, request.target, stored)) {
      store.delete(key);
      return { key, stale: undefined, forward: "miss" };
    }
    const ttlSeconds = live.endpoint.ttl;
    const { freshness } = stored;
    const reusable = { freshness, hasValidator: hasValidator(stored), ttlSeconds };
    const reuse = decideReuse(reusable, clock.now());
    if (reuse.kind !== "fresh") return { key, stale: stored, forward: "stale" };
    this.#reply(visit, stored, { kind: "hit", ttlSeconds: reuse.ttlSeconds });
    return undefined;
  }

  /** Waits for the one fetch of this key, which may be under way already. */
  async #collapse(visit: Visit, miss: Miss): Promise<void> {
    const joined = this.#joinable(visit, miss.key);
    const fill = joined ?? this.#beginFill(visit, miss);
    const head = await fill.head;
    if (visit.exchange.left) return;
    const collapsed = joined !== undefined;
    const { forward } = miss;
    switch (head.kind) {
      case "failed":
        return this.#fail(visit, head, failureStatus(forward, head.detail, collapsed));
      case "freshened": {
        const storage = { kind: "store" } as const;
        return this.#reply(visit, head.response, { kind: "revalidated", collapsed, storage });
      }
      case "confirming": {
        const { storage } = head;
        const outcome: Outcome = { kind: "miss", forward, collapsed, storage };
        if (head.claim.taken) return this.#pass(visit, outcome);
        head.claim.taken = true;
        return this.#reply(visit, head.response, { kind: "revalidated", collapsed, storage });
      }
      case "storing": {
        const storage = { kind: "store" } as const;
        const outcome: Outcome = { kind: "miss", forward, collapsed, storage };
        // It outgrew what may be stored as this request joined it.
        if (!head.response.body.hasBeginning) return this.#pass(visit, outcome);
        return this.#reply(visit, head.response, outcome);
      }
      case "passing": {
        const { storage } = head;
        return this.#passFill(visit, head, { kind: "miss", forward, collapsed, storage });
      }
      default:
        return unreachable(head);
    }
  }

  /** RFC 9111 §4: a request may wait for another's answer unless a purge lies between the two. */
  #joinable(visit: Visit, key: string): Fill | undefined {
    const fill = this.#fills.get(key);
    if (fill === undefined) return undefined;
    return survivesPurges(visit.live.purges, visit.request.target, fill) ? fill : undefined;
  }

  #beginFill(visit: Visit, miss: Miss): Fill {
    const { feed, store, budget } = this.#parts;
    const { live } = visit;
    const { stale } = miss;
    const target = targetOfKey(miss.key);
    const fill = new Fill({
      key: miss.key,
      prior: stale !== undefined && hasValidator(stale) ? stale : undefined,
      bodyBytesMax: store.bodyBytesMax,
      budget,
      purgesCheckedAt: feed.number,
      // A fill is a GET whoever began it: HEAD is answered from it.
      fetch: (conditions, signal) => this.#fetch(visit, "GET", conditions, signal),
      keep: (response) => {
        if (survivesPurges(live.purges, target, response)) store.put(response);
      },
      supersede: () => {
        if (stale !== undefined) store.drop(stale);
      },
      closed: (closed) => {
        if (this.#fills.get(closed.key) === closed) this.#fills.delete(closed.key);
      },
    });
    this.#fills.set(miss.key, fill);
    return fill;
  }

  /** A fill that cannot be stored serves one waiter; the others fetch for themselves. */
  async #passFill(
    visit: Visit,
    head: Extract<FillHead, { kind: "passing" }>,
    outcome: Outcome,
  ): Promise<void> {
    const { response, body, claim } = head;
    const { request, exchange, requestId } = visit;
    const use = decidePassedUse(request, response, this.#parts.clock.now());
    if (claim.taken || use === "fetch-range") return this.#pass(visit, outcome);
    claim.taken = true;
    // A body that nobody reads ends its fetch.
    const content = use === "content" ? body.read() : undefined;
    const context = { outcome, requestId };
    exchange.respond(
      use === "not-modified"
        ? passedNotModified(response, context)
        : passedReply(response, content, context),
    );
  }

  /** A fetch for this request alone, with what the client asked of the origin. */
  async #pass(visit: Visit, outcome: Outcome): Promise<void> {
    const { request, exchange, requestId } = visit;
    const abort = new AbortController();
    exchange.whenLeft(() => abort.abort());
    const method = request.method === "HEAD" ? "HEAD" : "GET";
    const answer = await this.#fetch(visit, method, passedFields(request), abort.signal);
    if (exchange.left) {
      if (answer.kind === "response") answer.discard();
      return;
    }
    if (answer.kind === "failed") {
      const forward = outcome.kind === "miss" ? outcome.forward : "bypass";
      return this.#fail(visit, answer, failureStatus(forward, answer.detail, false));
    }
    if (!hasContent(method, answer.status)) {
      answer.discard();
      exchange.respond(passedReply(answer, undefined, { outcome, requestId }));
      return;
    }
    const body = new Body(this.#parts.budget, "windowed");
    exchange.respond(passedReply(answer, body.read(), { outcome, requestId }));
    await pump(answer, body, abort);
  }

  async #fetch(
    visit: Visit,
    method: "GET" | "HEAD",
    fields: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<OriginResponse | OriginFailure> {
    const { endpoint } = visit.live;
    const { requestId } = visit;
    const { target } = visit.request;
    const request = { endpoint, method, target, requestId, fields };
    const answer = await this.#parts.origin.fetch(request, signal);
    if (answer.kind === "failed" && !signal.aborted) {
      this.#failures.note(endpoint.id, requestId, answer);
    }
    return answer;
  }

  #reply(visit: Visit, stored: StoredResponse, outcome: Outcome): void {
    const context = {
      outcome,
      requestId: visit.requestId,
      ttlSeconds: visit.live.endpoint.ttl,
      now: this.#parts.clock.now(),
    };
    visit.exchange.respond(storedReply(visit.request, stored, context));
  }

  #fail(
    visit: Visit,
    { status, reason }: { readonly status: number; readonly reason: string },
    cacheStatusValue?: string,
  ): void {
    const { requestId, request } = visit;
    const now = this.#parts.clock.now();
    const lines = cacheStatusValue === undefined ? "" : `cache-status: ${cacheStatusValue}\r\n`;
    visit.exchange.respond(errorReply({ status, reason, requestId, now, lines }, request.method));
  }

  /** What escapes here is a bug: the request is told so, and the worker lives on. */
  #go(visit: Visit, work: Promise<void>): void {
    work.catch((error: unknown) => {
      this.#parts.log.error({ err: error, request_id: visit.requestId }, "request failed");
      if (!visit.exchange.left) this.#fail(visit, UNEXPECTED);
    });
  }
}

function passedFields(request: RequestHead): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const name of PASSED_FIELDS) {
    const value = fieldOf(request.fields, name);
    if (value !== undefined) fields[name] = value;
  }
  return fields;
}
