import type { Clock } from "#clock.ts";
import { unreachable } from "#unreachable.ts";
import { Body } from "../cache/body.ts";
import type { FillHead } from "../cache/fill-head.ts";
import { cacheKey } from "../cache/key.ts";
import type { MemoryBudget } from "../cache/memory-budget.ts";
import { pump } from "../cache/pump.ts";
import type { StoredResponse } from "../cache/stored-response.ts";
import { selects } from "../cache/vary.ts";
import type { Outcome } from "../cache-status.ts";
import type { Exchange } from "../exchange.ts";
import type { FeedFollower } from "../feed-follower.ts";
import { type Fetching, NOT_STORED } from "../fetching.ts";
import { fieldOf } from "../fields.ts";
import type { Fills } from "../fills.ts";
import { type Miss, shelterOf, UNKNOWN, variantOf } from "../miss.ts";
import type { LiveEndpoint } from "../names.ts";
import { hasContent } from "../passed-reply.ts";
import { decideStoredUse } from "../stored-use.ts";
import type { Tiers } from "../tiers/tiers.ts";
import type { Visit } from "../visit.ts";
import { FeedWait } from "./feed-wait.ts";
import type { FetchQuestion } from "./question.ts";
import { failedAnswer, passedAnswer, storedAnswer } from "./sibling-reply.ts";

/** What answers are made with. */
export interface SiblingAnswersParts {
  readonly feed: FeedFollower;
  readonly tiers: Tiers;
  readonly budget: MemoryBudget;
  readonly fetching: Fetching;
  readonly fills: Fills;
  readonly clock: Clock;
}

/** A sibling's fetch on its way through this worker. */
interface Asked {
  readonly visit: Visit;
  /** Conditions and range of the fetch. */
  readonly asks: readonly string[];
  readonly exchange: Exchange;
  readonly token: string;
}

/**
 * The fetches of siblings, for keys that are this worker's: answered from what it has stored, or by
 * its one fetch of the key, which clients of its own may wait for too. What is not stored is fetched
 * from the origin, whoever may own the key by now.
 */
export class SiblingAnswers {
  readonly #parts: SiblingAnswersParts;
  readonly #wait: FeedWait;

  constructor(parts: SiblingAnswersParts) {
    this.#parts = parts;
    this.#wait = new FeedWait(parts.feed);
  }

  /** To be called when the feed has moved on. */
  feedAdvanced(): void {
    this.#wait.advanced();
  }

  forget(key: string): void {
    this.#parts.fills.forget([key]);
  }

  /** Answers before it returns, or later; "unable": it is not for this worker to say. */
  async answer(
    question: FetchQuestion,
    exchange: Exchange,
    token: string,
  ): Promise<"answered" | "unable"> {
    const { feed, tiers } = this.#parts;
    // With less than the asker knows, what it has seen purged could come back to it.
    const isBehind = feed.number < question.number;
    if (isBehind && !(await this.#wait.reached(question.number))) return "unable";
    const live = feed.endpoints.withId(question.endpointId);
    if (live === undefined) return "unable";
    const visit = visitOf(question, live, exchange);
    const { asks, onlyStored } = question;
    const asked = { visit, asks, exchange, token };
    let stored = tiers.get(visit.wanted) ?? tiers.getQuick(visit.wanted);
    if (stored === "unknown") stored = await tiers.find(visit.wanted);
    const miss = stored === undefined ? UNKNOWN : this.#use(asked, stored);
    if (miss === undefined || exchange.left) return "answered";
    if (onlyStored) {
      this.#fail(asked, NOT_STORED);
      return "answered";
    }
    // It may be what is told in the end.
    miss.stale?.body.hold();
    await this.#collapse(asked, miss).finally(() => miss.stale?.body.release());
    return "answered";
  }

  /** Answers, or says with what it goes to the origin. */
  #use(asked: Asked, stored: StoredResponse): Miss | undefined {
    const { tiers, fills, clock } = this.#parts;
    const use = decideStoredUse(asked.visit, stored, clock.now());
    switch (use.kind) {
      case "gone":
        tiers.drop(stored);
        return UNKNOWN;
      case "forward":
        return use.miss;
      case "reply":
        // Who has it itself, and asks whether it still holds, is not answered with what may not.
        // Nor with a failure that is remembered for those who have nothing.
        if (isConditional(asked) && (use.outcome.kind !== "hit" || stored.status >= 500)) {
          return staleMiss(stored);
        }
        if (use.refresh) fills.refresh(asked.visit, stored);
        this.#tell(asked, stored, use.outcome);
        return undefined;
      default:
        return unreachable(use);
    }
  }

  /** Waits for the one fetch of the key. */
  async #collapse(asked: Asked, miss: Miss): Promise<void> {
    const { visit, exchange } = asked;
    const { fills, fetching, tiers, clock } = this.#parts;
    // Whether it may wait for less than the answer, whoever has it itself decides by what that is.
    const isTheirs = isConditional(asked) && fetching.outlook(visit) === "up";
    const ifError = isTheirs ? "never" : miss.ifError;
    const { key, head, isJoined } = await fills.headFor(visit, { stale: miss.stale, ifError });
    if (exchange.left) return;
    const shelter = isConditional(asked) ? undefined : shelterOf(miss, head);
    if (shelter !== undefined) {
      tiers.noteFailure(shelter.stored, clock.now());
      return this.#tell(asked, shelter.stored, shelter.outcome);
    }
    if (head.kind === "failed") return this.#fail(asked, head);
    const outcome = outcomeOf(head, miss, isJoined);
    const withheld = !isJoined && "withheld" in head ? head.withheld : [];
    // What a proxy asks has what its client has said of itself: one answer is not another's.
    const mayClaim = !isJoined || visit.live.endpoint.role !== "proxy";
    switch (head.kind) {
      case "storing":
      case "freshened": {
        if (!head.response.body.hasBeginning) break;
        if (selects(head.response.selecting, visit.wanted.fields)) {
          return this.#tell(asked, head.response, outcome, withheld);
        }
        if (tiers.keyFor(visit.wanted) === key) break;
        return this.#collapse(asked, variantOf(miss));
      }
      case "confirming":
        if (head.claim.taken || !mayClaim) break;
        head.claim.taken = true;
        return this.#tell(asked, head.response, outcome);
      case "passing": {
        const { response, body, isShared } = head;
        if (!mayClaim || (head.claim.taken && !(isShared && body.hasBeginning))) break;
        head.claim.taken = true;
        const content = hasContent("GET", response.status) ? body.read() : undefined;
        exchange.respond(passedAnswer(response, content, termsOf(asked)));
        return;
      }
      case "leaving":
        break;
      default:
        return unreachable(head);
    }
    return this.#fetchAlone(asked);
  }

  /** What cannot be shared: the very fetch that was asked for, for who asked. */
  async #fetchAlone(asked: Asked): Promise<void> {
    const { visit, asks, exchange } = asked;
    const abort = new AbortController();
    exchange.whenLeft(() => abort.abort());
    const answer = await this.#parts.fetching.alone(visit, asks, abort.signal);
    if (answer.kind === "failed") return this.#fail(asked, answer);
    if (exchange.left) return answer.discard();
    if (!hasContent("GET", answer.status)) {
      answer.discard();
      exchange.respond(passedAnswer(answer, undefined, termsOf(asked)));
      return;
    }
    const body = new Body(this.#parts.budget, "windowed");
    exchange.respond(passedAnswer(answer, body.read(), termsOf(asked)));
    await pump(answer, body, abort);
  }

  #tell(
    asked: Asked,
    stored: StoredResponse,
    outcome: Outcome,
    withheld: readonly string[] = [],
  ): void {
    const { visit, asks, exchange } = asked;
    const { fetching, clock } = this.#parts;
    const fetch = fetching.ranges(visit);
    const terms = { ...termsOf(asked), asks, outcome, withheld, fetch, now: clock.now() };
    exchange.respond(storedAnswer(stored, terms));
  }

  #fail(asked: Asked, failure: Extract<FillHead, { kind: "failed" }>): void {
    asked.exchange.respond(failedAnswer(failure, termsOf(asked)));
  }
}

function visitOf(question: FetchQuestion, live: LiveEndpoint, exchange: Exchange): Visit {
  const { version, target, host, fields, asks, requestId } = question;
  const request = {
    version,
    method: "GET",
    target,
    host,
    fields: [...fields, ...asks],
    contentLength: 0,
  };
  const key = cacheKey(live.endpoint, { host, target }, exchange.client);
  const wanted = { key, fields };
  return { request, exchange, requestId, live, target, lines: "", wanted, isAsked: true };
}

function termsOf({ visit, token }: Asked): { readonly token: string; readonly requestId: string } {
  return { token, requestId: visit.requestId };
}

/** It is asked whether what the asker has still holds. */
function isConditional({ asks }: Asked): boolean {
  return (
    fieldOf(asks, "if-none-match") !== undefined || fieldOf(asks, "if-modified-since") !== undefined
  );
}

function staleMiss(stale: StoredResponse): Miss {
  return { stale, forward: "stale", ifError: "never", ttlSeconds: 0 };
}

function outcomeOf(
  head: Exclude<FillHead, { kind: "failed" }>,
  { forward }: Miss,
  collapsed: boolean,
): Outcome {
  // It was another worker's in its turn.
  if ("told" in head && head.told !== undefined) return head.told;
  const storage = "storage" in head ? head.storage : ({ kind: "store" } as const);
  return head.kind === "freshened" || head.kind === "confirming"
    ? { kind: "revalidated", collapsed, storage }
    : { kind: "miss", forward, collapsed, storage };
}
