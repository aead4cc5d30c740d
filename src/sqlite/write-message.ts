import type { accountCertificateWrites } from "./account-certificate-writes.ts";
import type { accountWrites } from "./account-writes.ts";
import type { acmeAccountWrites } from "./acme-account-writes.ts";
import type { certificateJobWrites } from "./certificate-job-writes.ts";
import type { certificateWrites } from "./certificate-writes.ts";
import type { challengeWrites } from "./challenge-writes.ts";
import type { collectionWrites } from "./collection-writes.ts";
import type { endpointWrites } from "./endpoint-writes.ts";
import type { FeedRecord, WriteContext } from "./feed-log.ts";
import type { localCaWrites } from "./local-ca-store.ts";
import type { ociWrites } from "./oci-writes.ts";
import type { registryContentWrites } from "./registry-content-writes.ts";
import type { registryDeliveryWrites } from "./registry-deliveries.ts";
import type { registrySettingsWrites } from "./registry-settings.ts";
import type { registryWrites } from "./registry-writes.ts";
import type { settingsWrites } from "./settings-writes.ts";
import type { spaceWrites } from "./space-writes.ts";

/** Every write there is, by name: what the writer thread takes. */
export type Writes = ReturnType<typeof accountCertificateWrites> &
  ReturnType<typeof accountWrites> &
  ReturnType<typeof acmeAccountWrites> &
  ReturnType<typeof certificateJobWrites> &
  ReturnType<typeof certificateWrites> &
  ReturnType<typeof challengeWrites> &
  ReturnType<typeof collectionWrites> &
  ReturnType<typeof endpointWrites> &
  ReturnType<typeof localCaWrites> &
  ReturnType<typeof ociWrites> &
  ReturnType<typeof registryContentWrites> &
  ReturnType<typeof registryDeliveryWrites> &
  ReturnType<typeof registrySettingsWrites> &
  ReturnType<typeof registryWrites> &
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
