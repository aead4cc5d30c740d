import type { StoredAnswer, StoredQuery } from "#feed/message.ts";
import { purgeListOf } from "./cache/purges.ts";
import type { DiskKeeper } from "./disk/disk-keeper.ts";
import { LISTED_IN_ALL_MAX, LISTED_ON_DISK_MS } from "./limits.ts";
import { type Listed, StoredSum } from "./stored-listing.ts";
import { decodeHead } from "./tiers/kept-head.ts";

/**
 * The same listing of what is on disk, read from the heads of its files alone. It takes a few seconds
 * at most, and says so if that was not enough.
 */
export async function listOnDisk(
  keeper: Pick<DiskKeeper, "list">,
  query: StoredQuery,
  purges: StoredAnswer["purges"],
): Promise<StoredAnswer> {
  const sum = new StoredSum(query, purgeListOf(purges));
  const entries = keeper.list({
    matches: (key) => !sum.noteSlice(key) && sum.mayHave(key),
    entriesMax: LISTED_IN_ALL_MAX,
    timeMs: LISTED_ON_DISK_MS,
  });
  for (;;) {
    const next = await entries.next();
    if (next.done === true) return sum.answer({ truncated: next.value !== "all" });
    const { key, head, bodyBytes } = next.value;
    const listed = onDisk(key, head, bodyBytes);
    if (listed === undefined || sum.add(listed)) continue;
    await entries.return("limit");
    return sum.answer({ truncated: true });
  }
}

/** Undefined: what only says by what a resource varies is not a response. */
function onDisk(key: string, octets: Buffer, bodyBytes: number): Listed | undefined {
  const kept = decodeHead(octets);
  if (kept?.kind !== "response") return undefined;
  const { tags, purgesCheckedAt, slices } = kept.head;
  const entry = { key, bytes: bodyBytes, tier: "disk", tags, purgesCheckedAt } as const;
  return slices === undefined ? entry : { ...entry, bytes: slices.length, slices };
}
