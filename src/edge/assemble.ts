import { monotonicClock, systemClock } from "#clock.ts";
import type { EdgeSettings } from "#feed/message.ts";
import type { Logger } from "#log.ts";
import type { CacheCounters, CacheUse } from "#usage/cache-counters.ts";
import { MemoryBudget } from "./cache/memory-budget.ts";
import { MemoryStore } from "./cache/memory-store.ts";
import { DiskTier } from "./disk/disk-tier.ts";
import { openFilesAllowed } from "./disk/open-files-allowed.ts";
import type { DecisionParts } from "./explain/decisions.ts";
import type { FeedFollower } from "./feed-follower.ts";
import { Gate } from "./gate.ts";
import { PlatformNames } from "./handover/platform-names.ts";
import { CountedOrigin } from "./origin/counted-origin.ts";
import { HttpOrigin } from "./origin/http-origin.ts";
import { Edge } from "./serve.ts";
import { Siblings } from "./siblings/siblings.ts";
import { siblingTokens } from "./siblings/tokens.ts";
import { decodeHead, type KeptHead } from "./tiers/kept-head.ts";
import { ReadMemory } from "./tiers/read-memory.ts";
import { Tiers } from "./tiers/tiers.ts";

/** What a worker is told of itself. */
export interface Assembly {
  readonly settings: EdgeSettings;
  /** Its place among the workers. */
  readonly slot: number;
  /** What workers know one another by. Absent: there is one worker. */
  readonly siblingSecret?: string | undefined;
  readonly pid: number;
  readonly feed: FeedFollower;
  readonly counters: CacheCounters;
  readonly log: Logger;
  /** Told by how many bytes more, or less, the disk is used. */
  readonly diskGrew: (bytes: number) => void;
}

/** An edge and what it is made of, as far as the worker has to do with it. */
export interface Assembled {
  readonly edge: Edge;
  readonly memory: MemoryStore;
  readonly disk: DiskTier<KeptHead> | undefined;
  /** Absent: there are none. */
  readonly siblings: Siblings | undefined;
  /** What it decides by, for who asks what it would do. */
  readonly decisive: DecisionParts;
  /** What there is of it now. */
  readonly use: () => CacheUse;
}

/** Puts an edge together from what the parent has sent. */
export function assemble(assembly: Assembly): Assembled {
  const { settings, slot, siblingSecret, pid, feed, counters, log, diskGrew } = assembly;
  const budget = new MemoryBudget(settings.memoryBytesMax);
  const memory = new MemoryStore(budget);
  const readMemory = new ReadMemory();
  const disk =
    settings.disk === undefined
      ? undefined
      : new DiskTier<KeptHead>({
          folder: settings.disk.folder,
          slot,
          pid,
          openFilesMax: openFilesAllowed(),
          decodeHead,
          clock: systemClock,
          monotonic: monotonicClock,
          log,
          grew: diskGrew,
          allocate: (bytes) => readMemory.take(bytes),
        });
  const siblings =
    siblingSecret === undefined
      ? undefined
      : new Siblings({ slot, tokens: siblingTokens(siblingSecret), feed, clock: systemClock });
  const owns = siblings === undefined ? undefined : (key: string) => siblings.owns(key);
  const tiers = new Tiers({ memory, disk, budget, owns });
  const { loopToken } = settings;
  const upstreams = new HttpOrigin(settings.embedded, systemClock, { loopToken });
  const origin = new CountedOrigin(upstreams, counters, monotonicClock);
  const gate = new Gate({ loopToken, tlsPort: settings.tls?.port });
  const platform =
    settings.platform === undefined || settings.tls === undefined
      ? undefined
      : new PlatformNames(settings.platform, settings.tls.port);
  const own = { feed, gate, platform, tiers, budget, origin, siblings, counters };
  const edge = new Edge({ ...own, clock: systemClock, log });
  const use = (): CacheUse => ({ ...tiers.stats(), siblings: siblings?.counts });
  return { edge, memory, disk, siblings, decisive: { feed, gate, platform, tiers, siblings }, use };
}
