import { setImmediate } from "node:timers/promises";
import type { EdgeEndpoint } from "#feed/entry.ts";
import { parseContentRange } from "#http/content-range.ts";
import { fieldOf } from "../fields.ts";
import { SLICE_BYTES } from "../limits.ts";
import type { OriginFailure, OriginResponse } from "../origin/origin.ts";
import { alignedRange } from "../slices/aligned-range.ts";
import { newGeneration, type SlicedIdentity, type SliceSource } from "../slices/slice-source.ts";
import { SlicedBody } from "../slices/sliced-body.ts";
import { strongValidator } from "../slices/sliced-identity.ts";
import { Body } from "./body.ts";
import type { FillHead } from "./fill-head.ts";
import type { MemoryBudget } from "./memory-budget.ts";
import { pump } from "./pump.ts";
import type { Purgeable } from "./purges.ts";
import {
  type BodyLength,
  decidePartStorage,
  decideStorage,
  isSharedFailure,
  outdatesStored,
  type Storage,
} from "./storage-decision.ts";
import type { StoredBody } from "./stored-body.ts";
import {
  conditionsFor,
  freshenedHead,
  isSelectedBy,
  type ReceivedHead,
  type StoredResponse,
  storedResponse,
} from "./stored-response.ts";
import { ANY_TAGS } from "./tags.ts";
import { selectingFields, varyNames } from "./vary.ts";
import { partFields } from "./withheld.ts";

type Fetch = (
  /** Conditions and range, names and values alternating. */
  fields: readonly string[],
  signal: AbortSignal,
) => Promise<OriginResponse | OriginFailure>;

/** What a fill is begun with. */
export interface FillPlan {
  /** What waits for it, waits by this: the answer's own key may tell a variant. */
  readonly key: string;
  readonly fetch: Fetch;
  /** Stale, and to be confirmed. */
  readonly prior: StoredResponse | undefined;
  /** The slice to begin with, if not all of the body is wanted. */
  readonly slice: number | undefined;
  /** Whether what the answer would replace is stored, and no failure itself. */
  readonly replaces: boolean;
  readonly endpoint: Pick<EdgeEndpoint, "role" | "ttl">;
  /** Of the request that began it: what Vary selects by. */
  readonly requestFields: readonly string[];
  readonly bodyBytesMax: number;
  readonly budget: MemoryBudget;
  /** The number of the feed as the fill begins. */
  readonly purgesCheckedAt: number;
  /** The key of an answer that varies by these request fields. */
  readonly keyOf: (names: readonly string[]) => string;
  readonly sourceOf: (identity: SlicedIdentity) => SliceSource;
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
  softPurged = false;
  /** What the response will be tagged with, nobody knows before it is there. */
  readonly tags = ANY_TAGS;
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
    if (prior === undefined) return this.#plan.fetch(this.#range(), this.#abort.signal);
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
    const storage = this.#decide(head, prior.body.sizeBytes);
    if (storage.kind === "store") {
      const { shared, withheld } = partFields(head.fields, storage.withheld);
      const kept = { ...head, fields: shared };
      const response = this.#prepare(kept, prior.body, prior.contentLength);
      this.#plan.keep(response);
      return { kind: "freshened", response, withheld, told: answer.sibling?.outcome };
    }
    if (outdatesStored(head.status, storage)) this.#plan.supersede();
    const response = this.#prepare(head, prior.body, prior.contentLength);
    return { kind: "confirming", response, storage, claim: { taken: false } };
  }

  #receive(response: OriginResponse): FillHead {
    if (this.#plan.slice !== undefined) {
      if (response.status === 206) return this.#receivePart(response, this.#plan.slice);
      if (response.status === 416) return this.#leave(response, { kind: "pass", reason: "status" });
    }
    return this.#receiveWhole(response);
  }

  #receiveWhole(response: OriginResponse): FillHead {
    const storage = this.#decide(response, response.length);
    if (storage.kind === "pass") return this.#pass(response, storage);
    const { length, status, requestTime, responseTime, sibling } = response;
    const { shared, withheld } = partFields(response.fields, storage.withheld);
    const head = { status, fields: shared, requestTime, responseTime, sibling };
    const validator = strongValidator(response.fields, responseTime);
    const isLong = typeof length === "number" && length > SLICE_BYTES;
    if (isLong && status === 200 && validator !== undefined) {
      const last = Math.floor((length - 1) / SLICE_BYTES);
      const stored = this.#slice(response, head, { validator, length, from: 0, to: last });
      return { kind: "storing", response: stored, withheld, told: sibling?.outcome };
    }
    const body = new Body(this.#plan.budget, "retained");
    const stored = this.#prepare(head, body, typeof length === "number" ? length : undefined);
    void this.#store(response, body, stored);
    return { kind: "storing", response: stored, withheld, told: sibling?.outcome };
  }

  /** RFC 9111 §3.3: a part is kept, to be put together with others of the same representation. */
  #receivePart(response: OriginResponse, from: number): FillHead {
    const { requestTime, responseTime, sibling } = response;
    const storage = decidePartStorage(this.#storageInput(response, response.length, Infinity));
    if (storage.kind === "pass") return this.#leave(response, storage);
    const range = parseContentRange(fieldOf(response.fields, "content-range") ?? "");
    const validator = strongValidator(response.fields, responseTime);
    const length = range?.kind === "range" ? range.length : undefined;
    if (range?.kind !== "range" || length === undefined || validator === undefined) {
      return this.#leave(response, { kind: "pass", reason: "content-range" });
    }
    const fields = without(response.fields, "content-range");
    if (range.first === 0 && range.last === length - 1) {
      // RFC 9111 §3.4: a part that is all of it is the whole.
      return this.#receiveWhole({ ...response, status: 200, fields });
    }
    const { shared, withheld } = partFields(fields, storage.withheld);
    const head = { status: 200, fields: shared, requestTime, responseTime, sibling };
    const to = Math.floor(range.last / SLICE_BYTES);
    const stored = this.#slice(response, head, { validator, length, from, to });
    return { kind: "storing", response: stored, withheld, told: sibling?.outcome };
  }

  /** Its head is kept at once; its slices as they come. */
  #slice(
    response: OriginResponse,
    head: ReceivedHead & Pick<OriginResponse, "sibling">,
    slices: { validator: string; length: number; from: number; to: number },
  ): StoredResponse {
    const { validator, length, from, to } = slices;
    const generation = response.sibling?.generation ?? newGeneration();
    const source = this.#plan.sourceOf({ generation, validator, length });
    const stored = this.#prepare(head, new SlicedBody(source), length);
    this.#plan.keep(stored);
    this.#plan.closed(this);
    source.adopt(response, from, to, this.#abort);
    return stored;
  }

  /** For whoever comes first. */
  #pass(response: OriginResponse, storage: Storage): FillHead {
    // RFC 9111 §4: a response that has been replaced is not what the origin would answer. A 5xx
    // replaces nothing (§4.3.3).
    if (outdatesStored(response.status, storage)) this.#plan.supersede();
    this.#plan.closed(this);
    const body = new Body(this.#plan.budget, "windowed");
    void pump(response, body, this.#abort);
    const isShared = isSharedFailure(response, storage, this.#plan.endpoint);
    return { kind: "passing", response, body, storage, isShared, claim: { taken: false } };
  }

  /** It is not what anybody asked for. */
  #leave(response: OriginResponse, storage: Storage): FillHead {
    response.discard();
    this.#abort.abort();
    this.#plan.closed(this);
    return { kind: "leaving", storage };
  }

  #decide(head: ReceivedHead, length: BodyLength): Storage {
    const isSliceable = strongValidator(head.fields, head.responseTime) !== undefined;
    const bodyBytesMax = isSliceable ? Infinity : this.#plan.bodyBytesMax;
    return decideStorage(this.#storageInput(head, length, bodyBytesMax));
  }

  #storageInput(
    head: ReceivedHead,
    length: BodyLength,
    bodyBytesMax: number,
  ): Parameters<typeof decideStorage>[0] {
    const { endpoint, requestFields, replaces } = this.#plan;
    const authorized = fieldOf(requestFields, "authorization") !== undefined;
    return { ...head, length, bodyBytesMax, endpoint, authorized, replaces };
  }

  #prepare(
    head: ReceivedHead & Pick<OriginResponse, "sibling">,
    body: StoredBody,
    contentLength: number | undefined,
  ): StoredResponse {
    const { purgesCheckedAt, endpoint, requestFields } = this.#plan;
    const role = endpoint.role ?? "space";
    const vary = role === "proxy" ? fieldOf(head.fields, "vary") : undefined;
    const names = vary === undefined ? [] : varyNames(head.fields);
    const key = this.#plan.keyOf(names === "*" ? [] : names);
    const selecting = selectingFields(vary, requestFields);
    const as = { key, body, contentLength, purgesCheckedAt, selecting, role };
    const stored = storedResponse(head, as);
    // What another worker serves though it is stale is stale here too.
    stored.softPurged = head.sibling?.softPurged ?? false;
    stored.failedAt = head.sibling?.failedAt;
    return stored;
  }

  /** Keeps the body if it comes whole, fits, and was not purged on the way. */
  async #store(response: OriginResponse, body: Body, stored: StoredResponse): Promise<void> {
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

  /** RFC 9110 §14.2. */
  #range(): readonly string[] {
    const { slice } = this.#plan;
    if (slice === undefined) return [];
    const { first, last } = alignedRange({ from: slice, to: slice }, SLICE_BYTES);
    return ["range", `bytes=${first}-${last}`];
  }
}

function without(fields: readonly string[], name: string): readonly string[] {
  return fields.filter((_, i) => fields[i - (i % 2)] !== name);
}
