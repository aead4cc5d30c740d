import type { Clock } from "#clock.ts";
import type { CacheCounters } from "#usage/cache-counters.ts";
import type { MemoryBudget } from "./cache/memory-budget.ts";
import type { CodedReplies } from "./coded-replies.ts";
import type { Fetching } from "./fetching.ts";
import type { Fills } from "./fills.ts";
import type { Siblings } from "./siblings/siblings.ts";
import type { Tiers } from "./tiers/tiers.ts";

/** What requests that go forward need. */
export interface ForwardParts {
  readonly fills: Fills;
  readonly tiers: Tiers;
  readonly budget: MemoryBudget;
  readonly fetching: Fetching;
  readonly coded: CodedReplies;
  /** Absent: this worker is the only one. */
  readonly siblings?: Pick<Siblings, "forget"> | undefined;
  readonly counters: CacheCounters;
  readonly clock: Clock;
}
