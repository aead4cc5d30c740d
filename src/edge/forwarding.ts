import { unreachable } from "#unreachable.ts";
import { Body } from "./cache/body.ts";
import { Fill } from "./cache/fill.ts";
import type { FillHead } from "./cache/fill-head.ts";
import { invalidatedTargets } from "./cache/invalidation.ts";
import { cacheKey, primaryKeyOf, targetOfKey } from "./cache/key.ts";
import { ownedText } from "./cache/owned.ts";
import { pump } from "./cache/pump.ts";
import { survivesPurges } from "./cache/purges.ts";
import { isNegative } from "./cache/statuses.ts";
import { hasValidator, type StoredResponse } from "./cache/stored-response.ts";
import { selects } from "./cache/vary.ts";
import { failureStatus, type Outcome } from "./cache-status.ts";
import { sharedFields } from "./fetching.ts";
import type { ForwardParts } from "./forward-parts.ts";
import { PASSED_KEYS_MAX } from "./limits.ts";
import { hasFailed, type Miss, shelterOf, variantOf } from "./miss.ts";
import type { OriginFailure } from "./origin/origin.ts";
import { decidePassedUse, hasContent, passedNotModified, passedReply } from "./passed-reply.ts";
import { errorReply } from "./reply.ts";
import type { ServerTiming } from "./server-timing.ts";
import { storedReply } from "./stored-reply.ts";
import type { Visit } from "./visit.ts";
import { wantedSlice } from "./wanted-slice.ts";

/** Requests that the store has no answer to: one fetch per key, and those that are passed through. */
export class Forwarder {
  readonly #parts: ForwardParts;
  readonly #fills = new Map<string, Fill>();
  /** Keys whose last answer was for one client alone: nobody waits for the next one. */
  readonly #passed = new Set<string>();

  constructor(parts: ForwardParts) {
    this.#parts = parts;
  }

  /** Fetches what is stored anew, for whoever asks next. */
  refresh(visit: Visit, stale: StoredResponse): void {
    const key = this.#parts.tiers.keyFor(visit.wanted);
    if (this.#fills.has(key)) return;
    void this.#noteFailure(this.#beginFill(visit, key, stale), stale);
  }

  /** What fails is told where it failed; what is stale stays as it is, and is not refreshed at once. */
  async #noteFailure(fill: Fill, stale: StoredResponse): Promise<void> {
    const head = await fill.head.catch(() => undefined);
    if (head === undefined || hasFailed(head)) stale.failedAt = this.#parts.clock.now();
  }

  /** Waits for the one fetch of this key, which may be under way already. */
  async collapse(visit: Visit, miss: Miss): Promise<void> {
    const { clock, tiers } = this.#parts;
    const waitedFrom = clock.now();
    const { key, head, isJoined } = await this.headFor(visit, miss.stale);
    const timing = { originMs: clock.now() - waitedFrom };
    if (visit.exchange.left) return;
    const told = "told" in head ? head.told : undefined;
    const collapsed = isJoined || isCollapsed(told);
    const shelter = shelterOf(miss, head);
    if (shelter !== undefined) {
      shelter.stored.failedAt = clock.now();
      this.#parts.counters.servedStale("if-error");
      return this.#reply(visit, shelter.stored, shelter.outcome);
    }
    const { forward } = miss;
    if (head.kind === "failed") {
      return this.#fail(visit, head, failureStatus(forward, head.detail, collapsed));
    }
    const storage = "storage" in head ? head.storage : ({ kind: "store" } as const);
    const outcome: Outcome = { kind: "miss", forward, collapsed, storage };
    const revalidated: Outcome = { kind: "revalidated", collapsed, storage };
    const withheld = !isJoined && "withheld" in head ? head.withheld : [];
    // What a proxy asks has what its client has said of itself: one answer is not another's.
    const mayClaim = !isJoined || visit.live.endpoint.role !== "proxy";
    switch (head.kind) {
      case "freshened":
        if (!selects(head.response.selecting, visit.wanted.fields)) break;
        return this.#reply(visit, head.response, ofStore(told) ?? revalidated, timing, withheld);
      case "confirming":
        if (head.claim.taken || !mayClaim) break;
        head.claim.taken = true;
        return this.#reply(visit, head.response, revalidated, timing);
      case "storing":
        // It outgrew what may be stored as this request joined it, or is selected by other fields.
        if (!head.response.body.hasBeginning) break;
        if (!selects(head.response.selecting, visit.wanted.fields)) {
          // By now it is known what tells its variants apart: this one has a fetch of its own.
          if (tiers.keyFor(visit.wanted) !== key) return this.collapse(visit, variantOf(miss));
          break;
        }
        return this.#reply(visit, head.response, ofStore(told) ?? outcome, timing, withheld);
      case "passing":
        if (!mayClaim) break;
        return this.#passFill(visit, head, outcome);
      case "leaving":
        break;
      default:
        return unreachable(head);
    }
    return this.#refetch(visit, outcome);
  }

  /** Waits for the head that the one fetch of this key brings, and says whether another began it. */
  async headFor(
    visit: Visit,
    stale: StoredResponse | undefined,
  ): Promise<{ readonly key: string; readonly head: FillHead; readonly isJoined: boolean }> {
    const key = this.#parts.tiers.keyFor(visit.wanted);
    const joined = this.#passed.has(key) ? undefined : this.#joinable(visit, key);
    if (joined !== undefined) this.#parts.counters.collapsed();
    const head = await (joined ?? this.#beginFill(visit, key, stale)).head;
    this.#learn(key, head);
    return { key, head, isJoined: joined !== undefined };
  }

  /** A fetch for this request alone, with what the client asked of the origin. */
  async pass(visit: Visit, outcome: Outcome): Promise<void> {
    const { request, exchange, live, requestId, lines } = visit;
    const abort = new AbortController();
    exchange.whenLeft(() => abort.abort());
    const answer = await this.#parts.fetching.pass(visit, abort.signal);
    if (answer.kind === "response") await this.#invalidate(visit, answer);
    if (exchange.left) {
      if (answer.kind === "response") answer.discard();
      return;
    }
    if (answer.kind === "failed") {
      const forward = outcome.kind === "miss" ? outcome.forward : "bypass";
      return this.#fail(visit, answer, failureStatus(forward, answer.detail, false));
    }
    const context = { outcome, requestId, live, lines };
    if (!hasContent(request.method, answer.status)) {
      answer.discard();
      exchange.respond(passedReply(answer, undefined, context));
      return;
    }
    const body = new Body(this.#parts.budget, "windowed");
    exchange.respond(passedReply(answer, body.read(), context));
    await pump(answer, body, abort);
  }

  /** What was waited for turned out not to be for this request (RFC 9211 §2.6). */
  #refetch(visit: Visit, outcome: Outcome): Promise<void> {
    const waited = outcome.kind === "miss" && outcome.collapsed;
    return this.pass(visit, waited ? { ...outcome, refetched: true } : outcome);
  }

  /** What cannot be shared is mostly so again: to wait for it would cost each who waits a second fetch. */
  #learn(key: string, { kind }: FillHead): void {
    if (kind === "passing" || kind === "confirming" || kind === "leaving") {
      if (this.#passed.size >= PASSED_KEYS_MAX) this.#passed.clear();
      this.#passed.add(ownedText(key));
    } else if (kind !== "failed") {
      this.#passed.delete(key);
    }
  }

  /** What has these primary keys is not what the origin would answer any more. */
  forget(keys: readonly string[]): void {
    for (const key of keys) {
      this.#parts.tiers.deleteAll(key);
      // What is being fetched may be from before it as well: nobody joins it, and it is not kept.
      for (const filled of this.#fills.keys()) {
        if (primaryKeyOf(filled) === key) this.#fills.delete(filled);
      }
    }
  }

  /** RFC 9111 §4.4: what was there before an unsafe method is not what is there after it. */
  async #invalidate(
    { request, exchange, live }: Visit,
    answer: Parameters<typeof invalidatedTargets>[1],
  ): Promise<void> {
    if (live.endpoint.role !== "proxy") return;
    const { host } = request;
    const { client } = exchange;
    const scheme = client.tls === undefined ? "http" : "https";
    const targets = invalidatedTargets(request, answer, { scheme, host });
    const keys = targets.map((target) => cacheKey(live.endpoint, { host, target }, client));
    this.forget(keys);
    // Who has been answered may ask any worker next.
    await this.#parts.siblings?.forget(keys);
  }

  /** RFC 9111 §4: a request may wait for another's answer unless a purge lies between the two. */
  #joinable(visit: Visit, key: string): Fill | undefined {
    const fill = this.#fills.get(key);
    if (fill === undefined) return undefined;
    const effect = survivesPurges(visit.live.purges, visit.target, fill);
    return effect === "unaffected" ? fill : undefined;
  }

  #beginFill(visit: Visit, key: string, stale: StoredResponse | undefined): Fill {
    const { feed, tiers, budget, fetching } = this.#parts;
    const { live, wanted } = visit;
    const target = targetOfKey(key);
    const prior = stale !== undefined && hasValidator(stale) ? stale : undefined;
    const isPassed = this.#passed.has(key);
    const fill = new Fill({
      key,
      prior,
      slice: prior === undefined && !isPassed ? wantedSlice(visit.request) : undefined,
      replaces: stale !== undefined && !isNegative(stale.status),
      endpoint: live.endpoint,
      // What the origin was sent: a field that Connection named has not selected anything.
      requestFields: sharedFields(visit),
      bodyBytesMax: tiers.bodyBytesMax,
      budget,
      purgesCheckedAt: feed.number,
      keyOf: (names) => tiers.keyOfNew(wanted, names),
      sourceOf: (identity) => tiers.sourceOf(identity, wanted.key),
      fetch: (fields, signal) =>
        isPassed ? fetching.alone(visit, fields, signal) : fetching.fill(visit, fields, signal),
      keep: (response) => {
        if (this.#fills.get(key) !== fill) return;
        if (survivesPurges(live.purges, target, response) !== "gone") tiers.put(response);
      },
      supersede: () => {
        if (stale !== undefined) tiers.drop(stale);
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
    const { request, exchange, requestId, live, lines } = visit;
    const use = decidePassedUse(request, response, this.#parts.clock.now());
    if (claim.taken || use === "fetch-range") return this.#refetch(visit, outcome);
    claim.taken = true;
    // A body that nobody reads ends its fetch.
    const content = use === "content" ? body.read() : undefined;
    const context = { outcome, requestId, live, lines };
    exchange.respond(
      use === "not-modified"
        ? passedNotModified(response, context)
        : passedReply(response, content, context),
    );
  }

  #reply(
    visit: Visit,
    stored: StoredResponse,
    outcome: Outcome,
    timing?: ServerTiming,
    withheld: readonly string[] = [],
  ): Promise<void> | undefined {
    const { clock, fetching, coded } = this.#parts;
    const now = clock.now();
    const context = { outcome, timing, withheld, fetch: fetching.ranges(visit), now };
    if (visit.live.endpoint.settings?.compression === true) {
      return coded.respond(visit, stored, context);
    }
    visit.exchange.respond(storedReply(visit.request, stored, { visit, ...context }));
    return undefined;
  }

  #fail(visit: Visit, failure: OriginFailure, cacheStatusValue: string): void {
    const { requestId, request, exchange, live } = visit;
    const { status, reason, retryAfterSeconds } = failure;
    const now = this.#parts.clock.now();
    const retryAfter =
      retryAfterSeconds === undefined ? "" : `retry-after: ${retryAfterSeconds}\r\n`;
    const lines = `cache-status: ${cacheStatusValue}\r\n${retryAfter}${visit.lines}`;
    exchange.respond(errorReply({ status, reason, requestId, now, lines, live }, request.method));
  }
}

/** What a sibling had stored is as good as stored here. */
function ofStore(told: Outcome | undefined): Outcome | undefined {
  return told?.kind === "hit" || told?.kind === "stale" ? told : undefined;
}

function isCollapsed(told: Outcome | undefined): boolean {
  return (told?.kind === "miss" || told?.kind === "revalidated") && told.collapsed;
}
