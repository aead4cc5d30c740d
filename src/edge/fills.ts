import type { Clock } from "#clock.ts";
import type { CacheCounters } from "#usage/cache-counters.ts";
import { Attendance, unattended } from "./attendance.ts";
import { Fill } from "./cache/fill.ts";
import type { FillHead } from "./cache/fill-head.ts";
import { primaryKeyOf, targetOfKey } from "./cache/key.ts";
import type { MemoryBudget } from "./cache/memory-budget.ts";
import { ownedText } from "./cache/owned.ts";
import { survivesPurges } from "./cache/purges.ts";
import { isNegative } from "./cache/statuses.ts";
import { hasValidator, type StoredResponse } from "./cache/stored-response.ts";
import type { FeedFollower } from "./feed-follower.ts";
import { type Fetching, sharedFields } from "./fetching.ts";
import { inTime } from "./in-time.ts";
import { ORIGIN_PROBE_DELAY_MAX_MS, PASSED_KEYS_MAX } from "./limits.ts";
import { hasFailed, type Miss, waitMsOf } from "./miss.ts";
import type { OriginFailure } from "./origin/origin.ts";
import type { Tiers } from "./tiers/tiers.ts";
import type { Visit } from "./visit.ts";
import { wantedSlice } from "./wanted-slice.ts";

/** What fills are made with. */
export interface FillsParts {
  readonly feed: FeedFollower;
  readonly tiers: Tiers;
  readonly budget: MemoryBudget;
  readonly fetching: Fetching;
  readonly counters: CacheCounters;
  readonly clock: Clock;
}

/** What is waited for, and whether another request began it. */
interface AwaitedHead {
  readonly key: string;
  readonly head: FillHead;
  readonly isJoined: boolean;
}

/** A fetch that is under way. */
interface Begun {
  readonly fill: Fill;
  readonly begunAt: number;
}

/** For those who need not wait: how it ends is told to who does. */
const LATE: OriginFailure = {
  kind: "failed",
  status: 504,
  detail: "origin-timeout",
  reason: "The origin did not answer in time.",
};
const DOWN: OriginFailure = {
  ...LATE,
  detail: "origin-down",
  reason: "The origin has not answered for a while, and is asked again in a moment.",
};

/** The fetches that are under way for all who want the same: one per key. */
export class Fills {
  readonly #parts: FillsParts;
  readonly #fills = new Map<string, Begun>();
  /** Keys whose last answer was for one client alone: nobody waits for the next one. */
  readonly #passed = new Set<string>();

  constructor(parts: FillsParts) {
    this.#parts = parts;
  }

  /** Fetches what is stored anew, for whoever asks next. */
  refresh(visit: Visit, stale: StoredResponse): void {
    const key = this.#parts.tiers.keyFor(visit.wanted);
    if (this.#fills.has(key)) return;
    const { fill } = this.#begin(unattended(visit), key, stale);
    void this.#noteFailure(fill, stale);
  }

  /** What fails is told where it failed; what is stale stays as it is, and is not refreshed at once. */
  async #noteFailure(fill: Fill, stale: StoredResponse): Promise<void> {
    const { tiers, clock } = this.#parts;
    const head = await fill.head.catch(() => undefined);
    if (head === undefined || hasFailed(head)) {
      tiers.noteFailure(stale, clock.now());
    }
  }

  /**
   * Waits for the head that the one fetch of this key brings. Where something may stand in for it, a
   * fetch that takes long is as good as failed for whoever waits, and goes on.
   */
  async headFor(visit: Visit, miss: Pick<Miss, "stale" | "ifError">): Promise<AwaitedHead> {
    const { tiers, counters, fetching } = this.#parts;
    const key = tiers.keyFor(visit.wanted);
    const outlook = fetching.outlook(visit);
    const waitMs = waitMsOf(miss, outlook);
    if (waitMs === 0) {
      if (outlook === "due") this.#look(visit, key, miss.stale);
      return { key, head: DOWN, isJoined: false };
    }
    const joined = this.#passed.has(key) ? undefined : this.#joinable(visit, key);
    if (joined !== undefined) counters.collapsed();
    const exchange = new Attendance(visit.exchange);
    const begun = joined ?? this.#begin({ ...visit, exchange }, key, miss.stale);
    const head = await (waitMs === undefined ? begun.fill.head : this.#headWithin(begun, waitMs));
    exchange.end();
    if (head === undefined) void this.#learnLater(begun.fill);
    else this.#learn(key, head);
    return { key, head: head ?? LATE, isJoined: joined !== undefined };
  }

  /** Whoever joins a fetch that is late already waits for it no more. */
  async #headWithin({ fill, begunAt }: Begun, waitMs: number): Promise<FillHead | undefined> {
    // The clock may have been set back.
    const leftMs = Math.min(waitMs, begunAt + waitMs - this.#parts.clock.now());
    return leftMs > 0 ? await inTime(fill.head, leftMs) : undefined;
  }

  /** One fetch sees whether an origin is back; one before it that hangs is not waited for. */
  #look(visit: Visit, key: string, stale: StoredResponse | undefined): void {
    const begunAt = this.#fills.get(key)?.begunAt ?? -Infinity;
    if (this.#parts.clock.now() - begunAt < ORIGIN_PROBE_DELAY_MAX_MS) return;
    void this.#learnLater(this.#begin(unattended(visit), key, stale).fill);
  }

  async #learnLater(fill: Fill): Promise<void> {
    const head = await fill.head.catch(() => undefined);
    if (head !== undefined) this.#learn(fill.key, head);
  }

  /**
   * The head of what another worker has stored. Nobody joins it: who waits for a fetch would get none.
   * Nor is it kept: what is forgotten meanwhile is not forgotten here.
   */
  storedElsewhere(visit: Visit, stale: StoredResponse | undefined): Promise<FillHead> {
    const key = this.#parts.tiers.keyFor(visit.wanted);
    return this.#newFill(visit, key, stale, {
      fetch: (fields, signal) => this.#parts.fetching.stored(visit, fields, signal),
      keep: () => undefined,
      supersede: () => undefined,
      closed: () => undefined,
    }).head;
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

  /** What cannot be shared is mostly so again: to wait for it would cost each who waits a second fetch. */
  #learn(key: string, { kind }: FillHead): void {
    if (kind === "passing" || kind === "confirming" || kind === "leaving") {
      if (this.#passed.size >= PASSED_KEYS_MAX) this.#passed.clear();
      this.#passed.add(ownedText(key));
    } else if (kind !== "failed") {
      this.#passed.delete(key);
    }
  }

  /** RFC 9111 §4: a request may wait for another's answer unless a purge lies between the two. */
  #joinable(visit: Visit, key: string): Begun | undefined {
    const begun = this.#fills.get(key);
    if (begun === undefined) return undefined;
    const effect = survivesPurges(visit.live.purges, visit.target, begun.fill);
    return effect === "unaffected" ? begun : undefined;
  }

  #begin(visit: Visit, key: string, stale: StoredResponse | undefined): Begun {
    const { tiers, fetching, clock } = this.#parts;
    const { live } = visit;
    const target = targetOfKey(key);
    const isPassed = this.#passed.has(key);
    const fill = this.#newFill(visit, key, stale, {
      fetch: (fields, signal) =>
        isPassed ? fetching.alone(visit, fields, signal) : fetching.fill(visit, fields, signal),
      keep: (response) => {
        if (this.#fills.get(key)?.fill !== fill) return;
        if (survivesPurges(live.purges, target, response) !== "gone") tiers.put(response);
      },
      supersede: () => {
        if (stale !== undefined) tiers.drop(stale);
      },
      closed: (closed) => {
        if (this.#fills.get(closed.key)?.fill === closed) this.#fills.delete(closed.key);
      },
    });
    const begun = { fill, begunAt: clock.now() };
    this.#fills.set(key, begun);
    return begun;
  }

  #newFill(
    visit: Visit,
    key: string,
    stale: StoredResponse | undefined,
    ways: Pick<ConstructorParameters<typeof Fill>[0], "fetch" | "keep" | "supersede" | "closed">,
  ): Fill {
    const { feed, tiers, budget } = this.#parts;
    const { live, wanted, request } = visit;
    const prior = stale !== undefined && hasValidator(stale) ? stale : undefined;
    const isPassed = this.#passed.has(key);
    return new Fill({
      key,
      prior,
      slice: prior === undefined && !isPassed ? wantedSlice(request) : undefined,
      replaces: stale !== undefined && !isNegative(stale.status),
      endpoint: live.endpoint,
      // What the origin was sent: a field that Connection named has not selected anything.
      requestFields: sharedFields(visit),
      bodyBytesMax: tiers.bodyBytesMax,
      budget,
      purgesCheckedAt: feed.number,
      keyOf: (names) => tiers.keyOfNew(wanted, names),
      sourceOf: (identity) => tiers.sourceOf(identity, wanted.key),
      ...ways,
    });
  }
}
