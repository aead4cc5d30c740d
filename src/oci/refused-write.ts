import { Refusal } from "./refusal.ts";
import type { FinishedUpload, MountedBlob, PutManifest, StartedUpload } from "./store.ts";

type NotDone = Extract<
  StartedUpload | FinishedUpload | MountedBlob | PutManifest,
  { readonly kind: "no-registry" | "refused" }
>;

/** A registry is made by the management API, and nobody is told of another account's. */
export function unknownRegistry(registry: string): Refusal {
  return new Refusal(
    "NAME_UNKNOWN",
    `There is no registry ${registry} in this account: create it first ` +
      `(doctl registry create ${registry}), and name images <registry>/<repository>.`,
    { detail: { registry } },
  );
}

/** What a transaction has found in the way of a write. */
export function refusalOf(notDone: NotDone, registry: string): Refusal {
  if (notDone.kind === "no-registry") return unknownRegistry(registry);
  return new Refusal("DENIED", notDone.message, { detail: { reason: notDone.reason } });
}
