import type { Clock } from "#clock.ts";
import { unreachable } from "#unreachable.ts";
import { Body } from "./cache/body.ts";
import { Fill, type FillHead } from "./cache/fill.ts";
import { cacheKey, targetOfKey } from "./cache/key.ts";
import type { MemoryBudget } from "./cache/memory-budget.ts";
import type { MemoryStore } from "./cache/memory-store.ts";
import { ownedText } from "./cache/owned.ts";
import { pump } from "./cache/pump.ts";
import { survivesPurges } from "./cache/purges.ts";
import { hasValidator, type StoredResponse } from "./cache/stored-response.ts";
import { selects } from "./cache/vary.ts";
import { type Forward, failureStatus, type Outcome } from "./cache-status.ts";
import type { FailureLog } from "./failure-log.ts";
import type { FeedFollower } from "./feed-follower.ts";
import { PASSED_KEYS_MAX } from "./limits.ts";
import { clientFields, proxyFields } from "./origin/forwarded-fields.ts";
import type { Origin, OriginFailure, OriginResponse } from "./origin/origin.ts";
import { decidePassedUse, hasContent, passedNotModified, passedReply } from "./passed-reply.ts";
import { errorReply } from "./reply.ts";
import type { ServerTiming } from "./server-timing.ts";
import { storedReply } from "./stored-reply.ts";
import type { Visit } from "./visit.ts";

/** RFC 9110 §9.2.1. */
const SAFE: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]);

/** What requests that go forward need. */
export interface ForwardParts {
  readonly feed: FeedFollower;
  readonly store: MemoryStore;
  readonly budget: MemoryBudget;
  readonly origin: Origin;
  readonly clock: Clock;
  readonly failures: FailureLog;
}

/** What the cache had for a request that goes forward. */
export interface Miss {
  readonly key: string;
  /** What may not be reused as it is. */
  readonly stale: StoredResponse | undefined;
  readonly forward: Exclude<Forward, "bypass">;
}

/** Requests that the store has no answer to: one fetch per key, and those that are passed through. */
export class Forwarder {
  readonly #parts: ForwardParts;
  readonly #fills = new Map<string, Fill>();
  /** Keys whose last answer was for one client alone: nobody waits for the next one. */
  readonly #passed = new Set<string>();

  constructor(parts: ForwardParts) {
    this.#parts = parts;
  }

  /** Waits for the one fetch of this key, which may be under way already. */
  async collapse(visit: Visit, miss: Miss): Promise<void> {
    const joined = this.#passed.has(miss.key) ? undefined : this.#joinable(visit, miss.key);
    const fill = joined ?? this.#beginFill(visit, miss);
    const { clock } = this.#parts;
    const waitedFrom = clock.now();
    const head = await fill.head;
    const timing = { originMs: clock.now() - waitedFrom };
    this.#learn(miss.key, head);
    if (visit.exchange.left) return;
    const collapsed = joined !== undefined;
    const { forward } = miss;
    if (head.kind === "failed") {
      return this.#fail(visit, head, failureStatus(forward, head.detail, collapsed));
    }
    const storage = "storage" in head ? head.storage : ({ kind: "store" } as const);
    const outcome: Outcome = { kind: "miss", forward, collapsed, storage };
    const revalidated: Outcome = { kind: "revalidated", collapsed, storage };
    // What a proxy asks has what its client has said of itself: one answer is not another's.
    const mayClaim = !collapsed || visit.live.endpoint.role !== "proxy";
    switch (head.kind) {
      case "freshened":
        if (!selects(head.response.selecting, visit.request.fields)) break;
        return this.#reply(visit, head.response, revalidated, timing);
      case "confirming":
        if (head.claim.taken || !mayClaim) break;
        head.claim.taken = true;
        return this.#reply(visit, head.response, revalidated, timing);
      case "storing":
        // It outgrew what may be stored as this request joined it, or is selected by other fields.
        if (!head.response.body.hasBeginning) break;
        if (!selects(head.response.selecting, visit.request.fields)) break;
        return this.#reply(visit, head.response, outcome, timing);
      case "passing":
        if (!mayClaim) break;
        return this.#passFill(visit, head, outcome);
      default:
        return unreachable(head);
    }
    return this.pass(visit, outcome);
  }

  /** What cannot be shared is mostly so again: to wait for it would cost each who waits a second fetch. */
  #learn(key: string, { kind }: FillHead): void {
    if (kind === "passing" || kind === "confirming") {
      if (this.#passed.size >= PASSED_KEYS_MAX) this.#passed.clear();
      this.#passed.add(ownedText(key));
    } else if (kind !== "failed") {
      this.#passed.delete(key);
    }
  }

  /** A fetch for this request alone, with what the client asked of the origin. */
  async pass(visit: Visit, outcome: Outcome): Promise<void> {
    const { request, exchange, live, requestId } = visit;
    const abort = new AbortController();
    exchange.whenLeft(() => abort.abort());
    const isProxy = live.endpoint.role === "proxy";
    const forwarding = isProxy ? "all" : "conditions";
    const fields = clientFields(request, forwarding);
    const answer = await this.#fetch(visit, request.method, fields, abort.signal);
    if (answer.kind === "response") this.#invalidate(visit, answer.status);
    if (exchange.left) {
      if (answer.kind === "response") answer.discard();
      return;
    }
    if (answer.kind === "failed") {
      const forward = outcome.kind === "miss" ? outcome.forward : "bypass";
      return this.#fail(visit, answer, failureStatus(forward, answer.detail, false));
    }
    const context = { outcome, requestId, live };
    if (!hasContent(request.method, answer.status)) {
      answer.discard();
      exchange.respond(passedReply(answer, undefined, context));
      return;
    }
    const body = new Body(this.#parts.budget, "windowed");
    exchange.respond(passedReply(answer, body.read(), context));
    await pump(answer, body, abort);
  }

  /** RFC 9111 §4.4: what was there before an unsafe method is not what is there after it. */
  #invalidate({ request, exchange, live }: Visit, status: number): void {
    const isError = status < 200 || status > 399;
    if (isError || SAFE.has(request.method) || live.endpoint.role !== "proxy") return;
    const key = cacheKey(live.endpoint, request, exchange.client);
    this.#parts.store.delete(key);
    // What is being fetched may be from before it as well: nobody joins it, and it is not kept.
    this.#fills.delete(key);
  }

  /** RFC 9111 §4: a request may wait for another's answer unless a purge lies between the two. */
  #joinable(visit: Visit, key: string): Fill | undefined {
    const fill = this.#fills.get(key);
    if (fill === undefined) return undefined;
    return survivesPurges(visit.live.purges, visit.request.target, fill) ? fill : undefined;
  }

  #beginFill(visit: Visit, { key, stale }: Miss): Fill {
    const { feed, store, budget } = this.#parts;
    const { live, request } = visit;
    const target = targetOfKey(key);
    const isProxy = live.endpoint.role === "proxy";
    const client = isProxy ? clientFields(request, "all-but-conditions") : [];
    const fill = new Fill({
      key,
      prior: stale !== undefined && hasValidator(stale) ? stale : undefined,
      endpoint: live.endpoint,
      // What the origin was sent: a field that Connection named has not selected anything.
      requestFields: isProxy ? client : request.fields,
      bodyBytesMax: store.bodyBytesMax,
      budget,
      purgesCheckedAt: feed.number,
      // A fill is a GET whoever began it: HEAD is answered from it.
      fetch: (conditions, signal) => this.#fetch(visit, "GET", [...client, ...conditions], signal),
      keep: (response) => {
        if (this.#fills.get(key) !== fill) return;
        if (survivesPurges(live.purges, target, response)) store.put(response);
      },
      supersede: () => {
        if (stale !== undefined) store.drop(stale);
      },
      closed: (closed) => {
        if (this.#fills.get(closed.key) === closed) this.#fills.delete(closed.key);
      },
    });
    this.#fills.set(key, fill);
    return fill;
  }

  /** A fill that cannot be stored serves one waiter; the others fetch for themselves. */
  async #passFill(
    visit: Visit,
    head: Extract<FillHead, { kind: "passing" }>,
    outcome: Outcome,
  ): Promise<void> {
    const { response, body, claim } = head;
    const { request, exchange, requestId, live } = visit;
    const use = decidePassedUse(request, response, this.#parts.clock.now());
    if (claim.taken || use === "fetch-range") return this.pass(visit, outcome);
    claim.taken = true;
    // A body that nobody reads ends its fetch.
    const content = use === "content" ? body.read() : undefined;
    const context = { outcome, requestId, live };
    exchange.respond(
      use === "not-modified"
        ? passedNotModified(response, context)
        : passedReply(response, content, context),
    );
  }

  async #fetch(
    visit: Visit,
    method: string,
    clientsFields: readonly string[],
    signal: AbortSignal,
  ): Promise<OriginResponse | OriginFailure> {
    const { request, exchange, requestId, live } = visit;
    const { endpoint } = live;
    const { target, host } = request;
    const isProxy = endpoint.role === "proxy";
    const fields = isProxy
      ? ["host", host, ...clientsFields, ...proxyFields(request, exchange.client)]
      : clientsFields;
    const content =
      isProxy && exchange.content !== undefined
        ? { content: exchange.content, contentLength: request.contentLength }
        : {};
    const informed = (status: number, informing: readonly string[]): void =>
      exchange.inform(status, informing);
    const answer = await this.#parts.origin.fetch(
      { endpoint, method, target, requestId, fields, informed, ...content },
      signal,
    );
    if (answer.kind === "failed" && !signal.aborted) {
      this.#parts.failures.note(endpoint.id, requestId, answer);
    }
    return answer;
  }

  #reply(visit: Visit, stored: StoredResponse, outcome: Outcome, timing: ServerTiming): void {
    const { request, exchange, requestId, live } = visit;
    const now = this.#parts.clock.now();
    const context = { outcome, requestId, live, timing, now };
    exchange.respond(storedReply(request, stored, context));
  }

  #fail(visit: Visit, failure: OriginFailure, cacheStatusValue: string): void {
    const { requestId, request, exchange, live } = visit;
    const { status, reason } = failure;
    const now = this.#parts.clock.now();
    const lines = `cache-status: ${cacheStatusValue}\r\n`;
    exchange.respond(errorReply({ status, reason, requestId, now, lines, live }, request.method));
  }
}
