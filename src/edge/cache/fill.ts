import type { OriginFailure, OriginResponse } from "../origin/origin.ts";
import { Body } from "./body.ts";
import type { MemoryBudget } from "./memory-budget.ts";
import { pump } from "./pump.ts";
import type { Purgeable } from "./purges.ts";
import { decideStorage, type Storage } from "./storage-decision.ts";
import {
  conditionsFor,
  freshened,
  isSelectedBy,
  type StoredResponse,
  storedResponse,
} from "./stored-response.ts";

/** What a fill has come to once the origin's head is there. */
export type FillHead =
  /** Storable: any number of readers may follow the body as it grows. */
  | { readonly kind: "storing"; readonly response: StoredResponse }
  /** The origin confirmed what was stored. */
  | { readonly kind: "freshened"; readonly response: StoredResponse }
  /** For one waiter only, whoever reads it first. */
  | { readonly kind: "passing"; readonly passing: Passing; readonly storage: Storage }
  | OriginFailure;

/** A response on its way through, and the window of it that is in memory. */
interface Passing {
  readonly response: OriginResponse;
  readonly body: Body;
  taken: boolean;
}

type Fetch = (
  conditions: Readonly<Record<string, string>>,
  signal: AbortSignal,
) => Promise<OriginResponse | OriginFailure>;

/** What a fill is begun with. */
export interface FillPlan {
  readonly key: string;
  readonly fetch: Fetch;
  /** Stale, and to be confirmed. */
  readonly prior: StoredResponse | undefined;
  readonly bodyBytesMax: number;
  readonly budget: MemoryBudget;
  /** The number of the feed as the fill begins. */
  readonly purgesCheckedAt: number;
  /** Called with what is whole, and may be kept unless it was purged meanwhile. */
  readonly keep: (response: StoredResponse) => void;
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
    const { prior } = this.#plan;
    prior?.body.hold();
    try {
      const answer = await this.#ask(prior);
      if (answer.kind === "failed") {
        this.#plan.closed(this);
        return answer;
      }
      if (answer.kind === "freshened") {
        this.#plan.keep(answer.response);
        this.#plan.closed(this);
        return answer;
      }
      return this.#receive(answer);
    } catch (error) {
      this.#plan.closed(this);
      throw error;
    } finally {
      prior?.body.release();
    }
  }

  async #ask(
    prior: StoredResponse | undefined,
  ): Promise<OriginResponse | OriginFailure | Extract<FillHead, { kind: "freshened" }>> {
    const conditions = prior === undefined ? {} : conditionsFor(prior);
    const answer = await this.#plan.fetch(conditions, this.#abort.signal);
    if (answer.kind === "failed" || answer.status !== 304 || prior === undefined) return answer;
    answer.discard();
    // The origin confirmed what is not stored: nothing is left to confirm in a second request.
    if (!isSelectedBy(prior, answer.fields)) return this.#ask(undefined);
    return { kind: "freshened", response: freshened(prior, answer) };
  }

  #receive(response: OriginResponse): FillHead {
    const { bodyBytesMax, budget } = this.#plan;
    const storage = decideStorage({ ...response, bodyBytesMax });
    const body = new Body(budget, storage.kind === "store" ? "retained" : "windowed");
    if (storage.kind === "pass") {
      this.#plan.closed(this);
      void pump(response, body, this.#abort);
      return { kind: "passing", passing: { response, body, taken: false }, storage };
    }
    const stored = storedResponse(response, {
      key: this.#plan.key,
      body,
      contentLength: typeof response.length === "number" ? response.length : undefined,
      purgesCheckedAt: this.#plan.purgesCheckedAt,
    });
    void this.#store(response, stored);
    return { kind: "storing", response: stored };
  }

  /** Keeps the body if it comes whole, fits, and was not purged on the way. */
  async #store(response: OriginResponse, stored: StoredResponse): Promise<void> {
    const { body } = stored;
    body.hold();
    body.whenWindowed(() => this.#plan.closed(this));
    await pump(response, body, this.#abort, this.#plan.bodyBytesMax);
    if (body.state === "whole" && body.retained) this.#plan.keep(stored);
    this.#plan.closed(this);
    body.release();
  }
}
