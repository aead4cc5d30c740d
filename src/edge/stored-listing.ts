import { canonicalTarget } from "#cdn/purge-pattern.ts";
import type { StoredAnswer, StoredEntry, StoredQuery, StoredTier } from "#feed/message.ts";
import { targetOfKey } from "./cache/key.ts";
import { PurgeList } from "./cache/purges.ts";
import type { StoredResponse } from "./cache/stored-response.ts";
import { LISTED_IN_ALL_MAX, LISTED_IN_TURN_MAX, LISTED_PATHS_BYTES_MAX } from "./limits.ts";

/** Something stored, as far as a listing cares: a response, or a piece of one. */
export interface Listed {
  /** As `cacheKey` has made it. */
  readonly key: string;
  readonly bytes: number;
  readonly tier: StoredTier;
  /** Absent: it has none. */
  readonly tags?: readonly string[];
}

/** Bytes of one path in each tier that has it. */
type BytesByTier = Partial<Record<StoredTier, number>>;

/**
 * What a purge of these patterns would drop, by the very comparison that a purge makes. What is stored
 * is looked at some at a time, with a `pause` in between; it may change meanwhile.
 */
export async function listStored(
  entries: Iterable<Listed>,
  { endpointId, patterns, limit }: StoredQuery,
  pause: () => Promise<void>,
): Promise<StoredAnswer> {
  const purge = new PurgeList();
  purge.record(1, patterns);
  const found = new Map<string, BytesByTier>();
  let pathBytes = 0;
  let looked = 0;
  for (const { key, bytes, tier, tags = [] } of entries) {
    looked += 1;
    if (looked > LISTED_IN_ALL_MAX) return answer(found, { truncated: true });
    if (looked % LISTED_IN_TURN_MAX === 0) await pause();
    if (!isOf(endpointId, key)) continue;
    const target = targetOfKey(key);
    if (purge.effectOn(target, tags, 0) !== "gone") continue;
    const path = canonicalTarget(target);
    let byTier = found.get(path);
    if (byTier === undefined) {
      pathBytes += path.length;
      const isFull = found.size >= limit || pathBytes > LISTED_PATHS_BYTES_MAX;
      if (isFull) return answer(found, { truncated: true });
      byTier = {};
      found.set(path, byTier);
    }
    byTier[tier] = (byTier[tier] ?? 0) + bytes;
  }
  return answer(found, { truncated: false });
}

/** What the memory tier has, as a listing sees it. */
export function* inMemory(stored: Iterable<StoredResponse>): Generator<Listed> {
  for (const { key, body, tags } of stored) {
    yield { key, bytes: body.sizeBytes, tier: "memory", tags };
  }
}

/** A key begins with its endpoint's id, and a proxy's goes on with the Host. */
function isOf(endpointId: string, key: string): boolean {
  if (!key.startsWith(endpointId)) return false;
  const next = key.charAt(endpointId.length);
  return next === " " || next === "/";
}

/** Variants and pieces of a path are added up; what both tiers have is there once. */
function answer(
  found: ReadonlyMap<string, BytesByTier>,
  { truncated }: Pick<StoredAnswer, "truncated">,
): StoredAnswer {
  const entries = Array.from(
    found,
    ([path, { memory, disk }]): StoredEntry => ({
      path,
      bytes: Math.max(memory ?? 0, disk ?? 0),
      tier: memory === undefined ? "disk" : "memory",
    }),
  );
  return { entries, truncated };
}
