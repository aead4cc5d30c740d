import { unreachable } from "#unreachable.ts";
import { Body } from "./cache/body.ts";
import type { FillHead } from "./cache/fill-head.ts";
import { applyHeadAnswer } from "./cache/head-answer.ts";
import { invalidatedTargets } from "./cache/invalidation.ts";
import { cacheKey } from "./cache/key.ts";
import { pump } from "./cache/pump.ts";
import { survivesPurges } from "./cache/purges.ts";
import type { StoredResponse } from "./cache/stored-response.ts";
import { selects } from "./cache/vary.ts";
import { failureStatus, type Outcome } from "./cache-status.ts";
import { sharedFields } from "./fetching.ts";
import type { ForwardParts } from "./forward-parts.ts";
import { type Miss, shelterOf, variantOf } from "./miss.ts";
import type { OriginFailure, OriginResponse } from "./origin/origin.ts";
import { decidePassedUse, hasContent, passedNotModified, passedReply } from "./passed-reply.ts";
import { errorReply } from "./reply.ts";
import type { ServerTiming } from "./server-timing.ts";
import { storedReply } from "./stored-reply.ts";
import type { Visit } from "./visit.ts";

/** Requests that the store has no answer to: those that wait for a fill, and those that are passed through. */
export class Forwarder {
  readonly #parts: ForwardParts;

  constructor(parts: ForwardParts) {
    this.#parts = parts;
  }

  /** Waits for the one fetch of this key, which may be under way already. */
  async collapse(visit: Visit, miss: Miss): Promise<void> {
    const { clock, fills, tiers, fetching } = this.#parts;
    const waitedFrom = clock.now();
    const { key, head, isJoined } = await fills.headFor(visit, miss);
    const timing = { originMs: clock.now() - waitedFrom };
    if (visit.exchange.left) return;
    const told = "told" in head ? head.told : undefined;
    const collapsed = isJoined || isCollapsed(told);
    const shelter = shelterOf(miss, head);
    if (shelter !== undefined) {
      // Where it is known to be down, whoever asks next may be the one that goes and sees.
      if (fetching.outlook(visit) === "up") tiers.noteFailure(shelter.stored, clock.now());
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

  /** RFC 9111 §5.2.1.7: what another worker of this host has stored, or a 504. */
  async look(visit: Visit, { stale }: Miss): Promise<void> {
    const { exchange, request, requestId, live, lines, wanted } = visit;
    const head = await this.#parts.fills.storedElsewhere(visit, stale);
    if (exchange.left) return;
    if (head.kind === "storing" || head.kind === "freshened") {
      const outcome = ofStore(head.told);
      if (outcome !== undefined && selects(head.response.selecting, wanted.fields)) {
        return this.#reply(visit, head.response, outcome);
      }
    }
    const reason = "What was asked for is not in the cache.";
    const error = { status: 504, reason, requestId, now: this.#parts.clock.now(), live, lines };
    exchange.respond(errorReply(error, request.method));
  }

  /** A fetch for this request alone, with what the client asked of the origin. */
  async pass(visit: Visit, outcome: Outcome): Promise<void> {
    const { request, exchange, live, requestId, lines } = visit;
    const abort = new AbortController();
    exchange.whenLeft(() => abort.abort());
    const answer = await this.#parts.fetching.pass(visit, abort.signal);
    if (answer.kind === "response") {
      await this.#invalidate(visit, answer);
      if (request.method === "HEAD" && outcome.kind === "miss") await this.#noteHead(visit, answer);
    }
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
    this.#parts.fills.forget(keys);
    // Who has been answered may ask any worker next.
    await this.#parts.siblings?.forget(keys);
  }

  /** RFC 9111 §4.3.5: what is stored for the same GET takes over what was said, or is dropped for it. */
  async #noteHead(visit: Visit, answer: OriginResponse): Promise<void> {
    const { tiers, fills, siblings } = this.#parts;
    const { live, target, wanted } = visit;
    const found = tiers.get(wanted) ?? tiers.getQuick(wanted);
    const stored = found === "unknown" ? await tiers.find(wanted) : found;
    if (stored === undefined || !selects(stored.selecting, wanted.fields)) return;
    if (survivesPurges(live.purges, target, stored) === "gone") return tiers.drop(stored);
    const requestFields = sharedFields(visit);
    const { endpoint } = live;
    const noted = applyHeadAnswer(stored, answer, { endpoint, requestFields });
    if (noted.kind === "freshened") tiers.put(noted.response);
    if (noted.kind !== "outdated") return;
    fills.forget([wanted.key]);
    await siblings?.forget([wanted.key]);
  }

  /** A fill that cannot be stored serves one waiter, or all if it is shared; others fetch for themselves. */
  async #passFill(
    visit: Visit,
    head: Extract<FillHead, { kind: "passing" }>,
    outcome: Outcome,
  ): Promise<void> {
    const { response, body, isShared, claim } = head;
    const { request, exchange, requestId, live, lines } = visit;
    const use = decidePassedUse(request, response, this.#parts.clock.now());
    const isOthers = claim.taken && !(isShared && body.hasBeginning);
    if (isOthers || use === "fetch-range") return this.#refetch(visit, outcome);
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
