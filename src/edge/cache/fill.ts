import { setImmediate } from "node:timers/promises";
import type { EdgeEndpoint } from "#feed/entry.ts";
import { fieldOf } from "../fields.ts";
import type { OriginFailure, OriginResponse } from "../origin/origin.ts";
import { Body } from "./body.ts";
import type { MemoryBudget } from "./memory-budget.ts";
import { pump } from "./pump.ts";
import type { Purgeable } from "./purges.ts";
import { decideStorage, type Storage } from "./storage-decision.ts";
import {
  conditionsFor,
  freshenedHead,
  isSelectedBy,
  type ReceivedHead,
  type StoredResponse,
  storedResponse,
} from "./stored-response.ts";
import { selectingFields } from "./vary.ts";

/** What a fill has come to once the origin's head is there. */
export type FillHead =
  /** Storable: any number of readers may follow the body as it grows. */
  | { readonly kind: "storing"; readonly response: StoredResponse }
  /** The origin confirmed what was stored, and it may be kept. */
  | { readonly kind: "freshened"; readonly response: StoredResponse }
  /** The origin confirmed what was stored, in words that are for one waiter only. */
  | {
      readonly kind: "confirming";
      readonly response: StoredResponse;
      readonly storage: Storage;
      readonly claim: Claim;
    }
  /** For one waiter only, whoever comes first. */
  | {
      readonly kind: "passing";
      readonly response: OriginResponse;
      /** The window of it that is in memory. */
      readonly body: Body;
      readonly storage: Storage;
      readonly claim: Claim;
    }
  | OriginFailure;

/** The right to answer with what cannot be shared: to be taken once. */
interface Claim {
  taken: boolean;
}

type Fetch = (
  conditions: readonly string[],
  signal: AbortSignal,
) => Promise<OriginResponse | OriginFailure>;

/** What a fill is begun with. */
export interface FillPlan {
  readonly key: string;
  readonly fetch: Fetch;
  /** Stale, and to be confirmed. */
  readonly prior: StoredResponse | undefined;
  readonly endpoint: Pick<EdgeEndpoint, "role" | "ttl">;
  /** Of the request that began it: what Vary selects by. */
  readonly requestFields: readonly string[];
  readonly bodyBytesMax: number;
  readonly budget: MemoryBudget;
  /** The number of the feed as the fill begins. */
  readonly purgesCheckedAt: number;
  /** Called with what is whole, and may be kept unless it was purged meanwhile. */
  readonly keep: (response: StoredResponse) => void;
  /** Called when the origin has another answer by now, and one that is not kept. */
  readonly supersede: () => void;
  /** Called once when no more readers may join. */
  readonly closed: (fill: Fill) => void;
}

/** One fetch that any number of requests for one key wait for (RFC 9111 §4: collapsed requests). */
export class Fill implements Purgeable {
  purgesCheckedAt: number;
  readonly head: Promise<FillHead>;
  readonly #plan: FillPlan;
  readonly #abort = new AbortController();

  constructor(plan: FillPlan) {
    this.#plan = plan;
    this.purgesCheckedAt = plan.purgesCheckedAt;
    this.head = this.#begin();
  }

  get key(): string {
    return this.#plan.key;
  }

  async #begin(): Promise<FillHead> {
    try {
      const answer = await this.#ask(this.#plan.prior);
      if (answer.kind === "response") return this.#receive(answer);
      this.#plan.closed(this);
      return answer;
    } catch (error) {
      this.#plan.closed(this);
      throw error;
    }
  }

  async #ask(
    prior: StoredResponse | undefined,
  ): Promise<OriginResponse | Exclude<FillHead, { kind: "storing" | "passing" }>> {
    if (prior === undefined) return this.#plan.fetch([], this.#abort.signal);
    prior.body.hold();
    try {
      const answer = await this.#plan.fetch(conditionsFor(prior), this.#abort.signal);
      if (answer.kind === "failed" || answer.status !== 304) return answer;
      answer.discard();
      // The origin confirmed what is not stored: nothing is left to confirm in a second request.
      if (!isSelectedBy(prior, answer.fields)) return await this.#ask(undefined);
      return this.#confirm(prior, answer);
    } finally {
      // Those who wait for the head begin to read first.
      void setImmediate().then(() => prior.body.release());
    }
  }

  /** RFC 9111 §4.3.4: what is stored takes over the 304's fields, if it may still be stored then. */
  #confirm(
    prior: StoredResponse,
    answer: OriginResponse,
  ): Extract<FillHead, { kind: "freshened" | "confirming" }> {
    const head = freshenedHead(prior, answer);
    const { bodyBytesMax, endpoint } = this.#plan;
    const response = this.#prepare(head, prior.body, prior.contentLength);
    const length = prior.body.sizeBytes;
    const storage = decideStorage({ ...head, length, bodyBytesMax, endpoint });
    if (storage.kind === "store") {
      this.#plan.keep(response);
      return { kind: "freshened", response };
    }
    this.#plan.supersede();
    return { kind: "confirming", response, storage, claim: { taken: false } };
  }

  #receive(response: OriginResponse): FillHead {
    const { bodyBytesMax, budget, endpoint } = this.#plan;
    const storage = decideStorage({ ...response, bodyBytesMax, endpoint });
    const body = new Body(budget, storage.kind === "store" ? "retained" : "windowed");
    if (storage.kind === "pass") {
      // RFC 9111 §4: a response that has been replaced is not what the origin would answer. A 5xx
      // replaces nothing (§4.3.3).
      if (response.status < 500) this.#plan.supersede();
      this.#plan.closed(this);
      void pump(response, body, this.#abort);
      return { kind: "passing", response, body, storage, claim: { taken: false } };
    }
    const length = typeof response.length === "number" ? response.length : undefined;
    const stored = this.#prepare(response, body, length);
    void this.#store(response, stored);
    return { kind: "storing", response: stored };
  }

  #prepare(head: ReceivedHead, body: Body, contentLength: number | undefined): StoredResponse {
    const { key, purgesCheckedAt, endpoint, requestFields } = this.#plan;
    const selecting =
      endpoint.role === "proxy" ? selectingFields(fieldOf(head.fields, "vary"), requestFields) : [];
    const role = endpoint.role ?? "space";
    return storedResponse(head, { key, body, contentLength, purgesCheckedAt, selecting, role });
  }

  /** Keeps the body if it comes whole, fits, and was not purged on the way. */
  async #store(response: OriginResponse, stored: StoredResponse): Promise<void> {
    const { body } = stored;
    body.hold();
    body.whenWindowed(() => {
      this.#plan.supersede();
      this.#plan.closed(this);
    });
    await pump(response, body, this.#abort, this.#plan.bodyBytesMax);
    if (body.state === "whole" && body.retained) this.#plan.keep(stored);
    this.#plan.closed(this);
    body.release();
  }
}
