import { randomBytes } from "node:crypto";
import type { Body } from "../cache/body.ts";
import type { MemoryBudget } from "../cache/memory-budget.ts";
import type { FetchRange } from "../cache/stored-body.ts";
import { SLICE_BYTES } from "../limits.ts";
import type { OriginResponse } from "../origin/origin.ts";
import { alignedRange } from "./aligned-range.ts";
import { SLICE_JOIN_AHEAD_MAX, SLICE_RUN_MAX } from "./limits.ts";
import { sliceKey } from "./slice-key.ts";
import { SliceRun } from "./slice-run.ts";

/** What slices are parts of, and what they may be put together by (RFC 9110 §15.3.7.3). */
export interface SlicedIdentity {
  /** Of this representation alone: slices of two never mix. No secret. */
  readonly generation: string;
  /** Octets of the whole. */
  readonly length: number;
  /** A strong validator: an ETag, or else a Last-Modified that is strong. */
  readonly validator: string;
}

/** Port: where slices are kept, by key. */
export interface SliceKeeper {
  /** From memory, or as fast as that. "unknown": `find` may know. */
  get(key: string): Body | undefined | "unknown";
  /** Whether it is in memory. */
  has(key: string): boolean;
  /** From disk. */
  find(key: string): Promise<Body | undefined>;
  /** It is whole. */
  put(key: string, body: Body): void;
}

/** Where one slice is. */
export type FoundSlice =
  /** Here, or growing. */
  | { readonly kind: "body"; readonly body: Body }
  /** A fetch is on its way that brings it. */
  | { readonly kind: "coming"; readonly run: SliceRun }
  /** It is being looked for. */
  | { readonly kind: "looking" }
  /** Nowhere, and it cannot be fetched. */
  | { readonly kind: "gone" };

const LOOKING: FoundSlice = { kind: "looking" };
const GONE: FoundSlice = { kind: "gone" };

export function newGeneration(): string {
  return randomBytes(12).toString("base64url");
}

/** The slices of one representation, for all who read it in this worker: each is fetched once. */
export class SliceSource {
  readonly identity: SlicedIdentity;
  readonly #keeper: SliceKeeper;
  readonly #budget: MemoryBudget;
  readonly #readers = new Set<() => void>();
  readonly #runs = new Set<SliceRun>();
  /** Being looked for on disk. */
  readonly #looking = new Set<number>();
  /** Looked for, and not there: until the slice has come. */
  readonly #absent = new Set<number>();
  /** How many slices the next fetch asks for: more each time that one goes on where one ended. */
  #runSlices = 1;
  #lastRunTo = -1;
  #isOutdated = false;
  #onOutdated: () => void = () => undefined;

  constructor(identity: SlicedIdentity, keeper: SliceKeeper, budget: MemoryBudget) {
    this.identity = identity;
    this.#keeper = keeper;
    this.#budget = budget;
  }

  get hasReaders(): boolean {
    return this.#readers.size > 0;
  }

  /** Whether what is missing will never come. */
  get isOutdated(): boolean {
    return this.#isOutdated;
  }

  /** Calls this when the origin turns out to have something else: what is missing will never come. */
  whenOutdated(callback: () => void): void {
    this.#onOutdated = callback;
  }

  /** A reader has been opened; it is woken when more may be there. */
  opened(wake: () => void): void {
    this.#readers.add(wake);
  }

  closed(wake: () => void): void {
    if (!this.#readers.delete(wake) || this.hasReaders) return;
    this.#absent.clear();
    for (const run of this.#runs) run.noticeUnread();
  }

  /** Takes over an answer whose content begins with slice `from`. */
  adopt(response: OriginResponse, from: number, to: number, abort: AbortController): void {
    // Those who waited for the head open their readers in a moment.
    const soon = (): void => undefined;
    this.opened(soon);
    setImmediate(() => this.closed(soon));
    this.#newRun(from, to, abort).receive(response);
  }

  /**
   * Finds the slice that a reader has come to, at this octet, who goes on up to, but without, `end`;
   * and sees to it that it comes: the reader is woken then.
   */
  find(position: number, end: number, fetch: FetchRange | undefined): FoundSlice {
    const n = Math.floor(position / SLICE_BYTES);
    const offset = position - n * SLICE_BYTES;
    for (const run of this.#runs) {
      const body = run.bodyOf(n, offset);
      if (body !== undefined) return wanted(run, n, body);
    }
    const key = sliceKey(this.identity.generation, n);
    const kept = this.#keeper.get(key);
    if (kept !== undefined && kept !== "unknown") return { kind: "body", body: kept };
    for (const run of this.#runs) {
      const body = n === run.next ? run.awaitBody(offset) : undefined;
      if (body !== undefined) return wanted(run, n, body);
      if (n <= run.next || n > run.to || n - run.next > SLICE_JOIN_AHEAD_MAX) continue;
      run.want(n);
      return { kind: "coming", run };
    }
    if (kept === "unknown" && !this.#absent.has(n)) {
      if (!this.#looking.has(n)) void this.#look(n, key);
      return LOOKING;
    }
    if (fetch === undefined || this.#isOutdated) return GONE;
    const run = this.#begin(n, Math.floor((end - 1) / SLICE_BYTES), fetch);
    const body = run.awaitBody(offset);
    return body === undefined ? { kind: "coming", run } : wanted(run, n, body);
  }

  async #look(n: number, key: string): Promise<void> {
    this.#looking.add(n);
    const body = await this.#keeper.find(key);
    this.#looking.delete(n);
    if (body === undefined) this.#absent.add(n);
    this.#wakeReaders();
  }

  #begin(n: number, wantedTo: number, fetch: FetchRange): SliceRun {
    this.#runSlices = n === this.#lastRunTo + 1 ? Math.min(this.#runSlices * 2, SLICE_RUN_MAX) : 1;
    let to = n;
    // What is kept is not fetched again.
    const most = Math.min(n + this.#runSlices - 1, wantedTo);
    while (to < most && !this.#keeper.has(sliceKey(this.identity.generation, to + 1))) to += 1;
    this.#lastRunTo = to;
    const abort = new AbortController();
    const run = this.#newRun(n, to, abort);
    run.want(n);
    const range = alignedRange({ from: n, to }, SLICE_BYTES, this.identity.length);
    void receive(run, fetch(range, ["if-range", this.identity.validator], abort.signal));
    return run;
  }

  #newRun(from: number, to: number, abort: AbortController): SliceRun {
    const run: SliceRun = new SliceRun({
      identity: this.identity,
      from,
      to,
      budget: this.#budget,
      abort,
      hasReaders: () => this.hasReaders,
      changed: () => this.#wakeReaders(),
      keep: (n, body) => {
        this.#absent.delete(n);
        this.#keeper.put(sliceKey(this.identity.generation, n), body);
      },
      outdated: () => {
        this.#isOutdated = true;
        this.#onOutdated();
      },
      ended: () => {
        this.#runs.delete(run);
      },
    });
    this.#runs.add(run);
    return run;
  }

  #wakeReaders(): void {
    // A reader may close itself, or another, as it is woken: a Set goes on.
    for (const wake of this.#readers) wake();
  }
}

async function receive(run: SliceRun, fetching: ReturnType<FetchRange>): Promise<void> {
  const answer = await fetching;
  if (answer.kind === "response") run.receive(answer);
  else run.fail();
}

function wanted(run: SliceRun, n: number, body: Body): FoundSlice {
  run.want(n);
  return { kind: "body", body };
}
