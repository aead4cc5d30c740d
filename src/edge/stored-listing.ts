import { canonicalTarget, tagOf } from "#cdn/purge-pattern.ts";
import type { StoredAnswer, StoredEntry, StoredQuery, StoredTier } from "#feed/message.ts";
import { targetOfKey } from "./cache/key.ts";
import { PurgeList } from "./cache/purges.ts";
import type { StoredResponse } from "./cache/stored-response.ts";
import {
  LISTED_IN_ALL_MAX,
  LISTED_IN_TURN_MAX,
  LISTED_PATHS_BYTES_MAX,
  LISTED_SLICED_MAX,
  SLICE_BYTES,
} from "./limits.ts";
import { parseSliceKey } from "./slices/slice-key.ts";
import type { SlicedIdentity } from "./slices/slice-source.ts";
import { SlicedBody } from "./slices/sliced-body.ts";

/** Something stored, as far as a listing cares. */
export interface Listed {
  /** As `cacheKey` has made it, or a slice's. */
  readonly key: string;
  /** Of a body that is kept in slices, the whole. */
  readonly bytes: number;
  readonly tier: StoredTier;
  /** Absent: it has none. */
  readonly tags?: readonly string[];
  /** No purge up to this number drops it. Absent: none does. */
  readonly purgesCheckedAt?: number;
  /** Its body is in slices, each stored by itself. Absent: it is in one piece. */
  readonly slices?: Pick<SlicedIdentity, "generation" | "length">;
}

/** What is stored of one path in one tier. */
interface Share {
  bytes: number;
  readonly sliced: NonNullable<Listed["slices"]>[];
}

type SharesByTier = Partial<Record<StoredTier, Share>>;

/** Slices of one representation that were come across. */
interface SlicesSeen {
  count: number;
  last: number;
}

/**
 * What a purge of these patterns would drop, by the very comparison that a purge makes, added up as it
 * is come across. What has been purged already is not there any more, wherever its octets are.
 */
export class StoredSum {
  readonly #query: StoredQuery;
  readonly #purges: PurgeList | undefined;
  readonly #wanted = new PurgeList();
  readonly #hasTags: boolean;
  readonly #found = new Map<string, SharesByTier>();
  readonly #slices = new Map<string, SlicesSeen>();
  #pathBytes = 0;

  constructor(query: StoredQuery, purges: PurgeList | undefined) {
    this.#query = query;
    this.#purges = purges;
    this.#wanted.record(1, query.patterns);
    this.#hasTags = query.patterns.some((pattern) => tagOf(pattern) !== undefined);
  }

  /** Takes note of a slice, and says whether this was the key of one. */
  noteSlice(key: string): boolean {
    const slice = parseSliceKey(key);
    if (slice === undefined) return false;
    const seen = this.#slices.get(slice.generation);
    if (seen !== undefined) {
      seen.count += 1;
      seen.last = Math.max(seen.last, slice.n);
    } else if (this.#slices.size < LISTED_SLICED_MAX) {
      this.#slices.set(slice.generation, { count: 1, last: slice.n });
    }
    return true;
  }

  /** Whether what has this key may match, as far as the key tells. */
  mayHave(key: string): boolean {
    if (!isOf(this.#query.endpointId, key)) return false;
    return this.#hasTags || this.#wanted.effectOn(targetOfKey(key), [], 0) === "gone";
  }

  /** Adds it if it matches; false says that there is no room for it. */
  add({ key, bytes, tier, tags = [], purgesCheckedAt = Infinity, slices }: Listed): boolean {
    if (!isOf(this.#query.endpointId, key)) return true;
    const target = targetOfKey(key);
    if (this.#wanted.effectOn(target, tags, 0) !== "gone") return true;
    if (this.#purges?.effectOn(target, tags, purgesCheckedAt) === "gone") return true;
    const share = this.#shareOf(canonicalTarget(target), tier);
    if (share === undefined) return false;
    share.bytes += bytes;
    if (slices !== undefined) share.sliced.push(slices);
    return true;
  }

  answer({ truncated }: Pick<StoredAnswer, "truncated">): StoredAnswer {
    const entries = Array.from(this.#found, ([path, shares]) => this.#entryOf(path, shares));
    return { entries, truncated, purges: this.#purges?.kept() ?? [] };
  }

  #shareOf(path: string, tier: StoredTier): Share | undefined {
    let shares = this.#found.get(path);
    if (shares === undefined) {
      this.#pathBytes += path.length;
      const isFull =
        this.#found.size >= this.#query.limit || this.#pathBytes > LISTED_PATHS_BYTES_MAX;
      if (isFull) return undefined;
      shares = {};
      this.#found.set(path, shares);
    }
    shares[tier] ??= { bytes: 0, sliced: [] };
    return shares[tier];
  }

  /** Variants and pieces of a path are added up; what both tiers have is there once. */
  #entryOf(path: string, { memory, disk }: SharesByTier): StoredEntry {
    const shares = [memory, disk].filter((share) => share !== undefined);
    const isSliced = shares.some(({ sliced }) => sliced.length > 0);
    const stored = shares.map((share) => this.#storedBytes(share));
    return {
      path,
      bytes: Math.max(...shares.map(({ bytes }) => bytes)),
      ...(isSliced ? { storedBytes: Math.max(...stored) } : {}),
      tier: memory === undefined ? "disk" : "memory",
    };
  }

  #storedBytes({ bytes, sliced }: Share): number {
    return sliced.reduce((sum, slices) => sum - slices.length + this.#bytesOfSlices(slices), bytes);
  }

  #bytesOfSlices({ generation, length }: NonNullable<Listed["slices"]>): number {
    const { count, last } = this.#slices.get(generation) ?? NO_SLICES;
    // The last one of the whole is mostly shorter.
    return count * SLICE_BYTES - Math.max(0, (last + 1) * SLICE_BYTES - length);
  }
}

const NO_SLICES: SlicesSeen = { count: 0, last: -1 };

/** What a listing looks through, and how. */
export interface ListingTerms {
  readonly query: StoredQuery;
  /** Of the endpoint. */
  readonly purges: PurgeList | undefined;
  /** Lets others have their turn. */
  readonly pause: () => Promise<void>;
}

/** What is stored is looked at some at a time; it may change meanwhile. */
export async function listStored(
  entries: Iterable<Listed>,
  { query, purges, pause }: ListingTerms,
): Promise<StoredAnswer> {
  const sum = new StoredSum(query, purges);
  let looked = 0;
  for (const entry of entries) {
    looked += 1;
    if (looked > LISTED_IN_ALL_MAX) return sum.answer({ truncated: true });
    if (looked % LISTED_IN_TURN_MAX === 0) await pause();
    if (!sum.noteSlice(entry.key) && !sum.add(entry)) return sum.answer({ truncated: true });
  }
  return sum.answer({ truncated: false });
}

/** What the memory tier has, as a listing sees it. */
export function* inMemory(stored: Iterable<StoredResponse>): Generator<Listed> {
  for (const { key, body, tags, purgesCheckedAt } of stored) {
    const entry = { key, bytes: body.sizeBytes, tier: "memory", tags, purgesCheckedAt } as const;
    yield body instanceof SlicedBody ? { ...entry, slices: body.source.identity } : entry;
  }
}

/** A key begins with its endpoint's id, and a proxy's goes on with the Host. */
function isOf(endpointId: string, key: string): boolean {
  if (!key.startsWith(endpointId)) return false;
  const next = key.charAt(endpointId.length);
  return next === " " || next === "/";
}
