import type { PlainFamily } from "./family.ts";

/** What the keeper of a disk tier tells of it, when it is asked. */
export interface DiskUse {
  readonly entries: number;
  readonly bytes: number;
  readonly evictedEntries: number;
  readonly evictedBytes: number;
  readonly scrub: { readonly checked: number; readonly corrupt: number };
  readonly held: boolean;
}

/** The disk tier as its keeper sees it; none where there is none. */
export function diskFamilies(use: DiskUse | undefined): readonly PlainFamily[] {
  if (use === undefined) return [];
  const { scrub } = use;
  const one = (
    type: PlainFamily["type"],
    name: string,
    help: string,
    value: number,
  ): PlainFamily => ({ name, help, type, series: [[[], value]] });
  return [
    one("gauge", "atoll_edge_disk_entries", "Entries on disk, about.", use.entries),
    one("gauge", "atoll_edge_disk_bytes", "Octets that they take there, about.", use.bytes),
    one(
      "counter",
      "atoll_edge_disk_evictions_total",
      "Entries that had to make room on disk.",
      use.evictedEntries,
    ),
    one(
      "counter",
      "atoll_edge_disk_evicted_bytes_total",
      "Octets that they took there.",
      use.evictedBytes,
    ),
    one(
      "gauge",
      "atoll_edge_disk_writes_held",
      "1 while nothing is written: the disk is too full.",
      use.held ? 1 : 0,
    ),
    {
      name: "atoll_edge_disk_scrubbed_total",
      help: "Entries that were read to see whether they are as they were written.",
      type: "counter",
      series: [
        [["result", "sound"], scrub.checked - scrub.corrupt],
        [["result", "corrupt"], scrub.corrupt],
      ],
    },
  ];
}
