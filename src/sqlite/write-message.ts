import type { accountWrites } from "./account-writes.ts";
import type { certificateWrites } from "./certificate-writes.ts";
import type { endpointWrites } from "./endpoint-writes.ts";
import type { FeedRecord, WriteContext } from "./feed-log.ts";
import type { settingsWrites } from "./settings-writes.ts";
import type { spaceWrites } from "./space-writes.ts";

/** Every write there is, by name: what the writer thread takes. */
export type Writes = ReturnType<typeof accountWrites> &
  ReturnType<typeof certificateWrites> &
  ReturnType<typeof endpointWrites> &
  ReturnType<typeof settingsWrites> &
  ReturnType<typeof spaceWrites>;

export type WriteName = keyof Writes;

/** A write's arguments, without the context that the thread adds. */
export type WriteArguments<N extends WriteName> =
  Parameters<Writes[N]> extends [...infer A, WriteContext] ? A : Parameters<Writes[N]>;

export interface WriteRequest {
  readonly id: number;
  readonly name: WriteName;
  readonly arguments: readonly unknown[];
}

export type WriteOutcome =
  | { readonly id: number; readonly kind: "done"; readonly value: unknown }
  | { readonly id: number; readonly kind: "failed"; readonly error: unknown };

/** The result of one transaction, sent once it is durable; `records` are in order. */
export interface WriteGroup {
  readonly outcomes: readonly WriteOutcome[];
  readonly records: readonly FeedRecord[];
}
