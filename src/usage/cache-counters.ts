import {
  CACHE_FAMILIES,
  type CacheFamily,
  COMPRESSION_CODINGS,
  COMPRESSION_RESULTS,
  type CompressionCoding,
  type CompressionResult,
  FETCH_FAILURES,
  type FetchFailure,
  PURGE_KINDS,
  type PurgeKind,
  REVALIDATION_RESULTS,
  type RevalidationResult,
  STALE_REASONS,
  type StaleReason,
} from "./cache-family.ts";
import {
  add,
  copyValues,
  DURATION_BOUNDS,
  newValues,
  noteDuration,
  STATUS_CLASSES,
  statusPlace,
  type Values,
} from "./family.ts";

/** What a worker's tiers and siblings tell of themselves, when they are asked. */
export interface CacheUse extends TierUse {
  /** Questions to other workers. Absent: there are none. */
  readonly siblings:
    | { readonly answered: number; readonly failed: number; readonly broken: number }
    | undefined;
}

/** What the tiers of a worker tell of themselves. */
export interface TierUse {
  readonly memory: {
    readonly objects: number;
    readonly bytes: number;
    readonly evictions: number;
    readonly ghosts: number;
  };
  readonly slicesFetched: number;
  /** Absent: there is none. */
  readonly disk: DiskTierUse | undefined;
}

interface DiskTierUse {
  /** Those that were read quickly among them. */
  readonly read: number;
  readonly readQuickly: number;
  readonly readBytes: number;
  readonly absent: number;
  readonly corrupt: number;
  readonly failed: number;
  readonly skipped: number;
  readonly written: number;
  readonly writtenBytes: number;
  readonly dropped: number;
  readonly queuedBytes: number;
  readonly openFiles: number;
}

/** What one worker counts of its cache: beside the path of hits, which it takes nothing from. */
export class CacheCounters {
  readonly #values = newValues(CACHE_FAMILIES);

  /** A fetch has an answer, whatever it says. */
  fetched(status: number, tookMs: number): void {
    add(this.#values.fetches, statusPlace(status), 1);
    noteDuration(this.#values.fetchDurations, 0, tookMs / 1_000);
  }

  /** A fetch has none. */
  fetchFailed(failure: FetchFailure, tookMs: number): void {
    this.#noteFailure(failure);
    // How long somebody stayed says nothing of an origin.
    if (failure === "client-left") return;
    noteDuration(this.#values.fetchDurations, DURATION_BOUNDS.length + 2, tookMs / 1_000);
  }

  /** The body of an answer has ended before its end. */
  brokeOff(): void {
    this.#noteFailure("origin-broke-off");
  }

  collapsed(): void {
    add(this.#values.collapsed, 0, 1);
  }

  revalidated(result: RevalidationResult): void {
    add(this.#values.revalidations, REVALIDATION_RESULTS.indexOf(result), 1);
  }

  servedStale(reason: StaleReason): void {
    add(this.#values.staleServed, STALE_REASONS.indexOf(reason), 1);
  }

  purged(kind: PurgeKind): void {
    add(this.#values.purges, PURGE_KINDS.indexOf(kind), 1);
  }

  compressed(coding: CompressionCoding, result: CompressionResult): void {
    const place = COMPRESSION_CODINGS.indexOf(coding) * COMPRESSION_RESULTS.length;
    add(this.#values.compressions, place + COMPRESSION_RESULTS.indexOf(result), 1);
  }

  /** A copy, with what the tiers say now. Absent: there are none yet. */
  snapshot(use: CacheUse | undefined): Values<CacheFamily> {
    const values = copyValues(this.#values);
    if (use === undefined) return values;
    const { memory, disk, siblings } = use;
    values.memoryObjects.set([memory.objects]);
    values.memoryBytes.set([memory.bytes]);
    values.memoryGhosts.set([memory.ghosts]);
    values.memoryEvictions.set([memory.evictions]);
    values.slicesFetched.set([use.slicesFetched]);
    if (siblings !== undefined) {
      values.siblingQuestions.set([siblings.answered, siblings.failed, siblings.broken]);
    }
    if (disk === undefined) return values;
    const { readQuickly, absent, corrupt, failed, skipped } = disk;
    const read = disk.read - readQuickly;
    // In the order of the labels.
    values.diskReads.set([readQuickly, read, absent, corrupt, failed, skipped]);
    values.diskReadBytes.set([disk.readBytes]);
    values.diskWrites.set([disk.written, disk.dropped]);
    values.diskWrittenBytes.set([disk.writtenBytes]);
    values.diskQueuedBytes.set([disk.queuedBytes]);
    values.diskOpenFiles.set([disk.openFiles]);
    return values;
  }

  #noteFailure(failure: FetchFailure): void {
    add(this.#values.fetches, STATUS_CLASSES.length + FETCH_FAILURES.indexOf(failure), 1);
  }
}
