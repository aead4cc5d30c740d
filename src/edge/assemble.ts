import { monotonicClock, systemClock } from "#clock.ts";
import type { EdgeSettings } from "#feed/message.ts";
import type { Logger } from "#log.ts";
import { MemoryBudget } from "./cache/memory-budget.ts";
import { MemoryStore } from "./cache/memory-store.ts";
import { DiskTier } from "./disk/disk-tier.ts";
import { openFilesAllowed } from "./disk/open-files-allowed.ts";
import type { FeedFollower } from "./feed-follower.ts";
import { Gate } from "./gate.ts";
import { UndiciOrigin } from "./origin/undici-origin.ts";
import { Edge } from "./serve.ts";
import { decodeHead, type KeptHead } from "./tiers/kept-head.ts";
import { Tiers } from "./tiers/tiers.ts";

/** What a worker is told of itself. */
export interface Assembly {
  readonly settings: EdgeSettings;
  /** Its place among the workers. */
  readonly slot: number;
  readonly pid: number;
  readonly feed: FeedFollower;
  readonly log: Logger;
  /** Told by how many bytes more, or less, the disk is used. */
  readonly diskGrew: (bytes: number) => void;
}

/** An edge and what it is made of, as far as the worker has to do with it. */
export interface Assembled {
  readonly edge: Edge;
  readonly memory: MemoryStore;
  readonly disk: DiskTier<KeptHead> | undefined;
}

/** Puts an edge together from what the parent has sent. */
export function assemble({ settings, slot, pid, feed, log, diskGrew }: Assembly): Assembled {
  const budget = new MemoryBudget(settings.memoryBytesMax);
  const memory = new MemoryStore(budget);
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
        });
  const tiers = new Tiers({ memory, disk, budget });
  const origin = new UndiciOrigin(settings.embedded, systemClock, { loopToken: settings.loopToken });
  const gate = new Gate({ loopToken: settings.loopToken, tlsPort: settings.tls?.port });
  const edge = new Edge({ feed, gate, tiers, budget, origin, clock: systemClock, log });
  return { edge, memory, disk };
}
