import type { EdgeRow } from "./rows.ts";

export type RecordedChange =
  | { readonly kind: "endpoint-put"; readonly row: EdgeRow }
  | { readonly kind: "endpoint-delete"; readonly id: string }
  | { readonly kind: "purge"; readonly id: string; readonly patterns: readonly string[] };

/** A feed entry as the writer thread hands it over: credentials are still sealed. */
export type FeedRecord = RecordedChange & { readonly number: number };
