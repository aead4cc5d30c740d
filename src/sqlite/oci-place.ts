import type { Admission, AdmissionFacts, Admit } from "#oci/admission.ts";
import type { Place } from "#oci/store.ts";
import type { Statements } from "./connection.ts";

/** A registry and, if it has been pushed to, a repository of it, as a transaction finds them. */
export interface FoundPlace {
  readonly registryId: number;
  readonly repositoryId: number | undefined;
  readonly tier: string | undefined;
  readonly settings: string | undefined;
}

interface RegistryRow {
  readonly id: number;
  readonly settings: string | null;
  readonly tier: string | null;
}

/** Looks a place up in the transaction that writes there: undefined when its registry is gone. */
export function findPlace(sql: Statements, { accountId, name }: Place): FoundPlace | undefined {
  const registry = sql("registryOf").get(accountId, name.registry) as RegistryRow | undefined;
  if (registry === undefined) return undefined;
  const repository = sql("repositoryIn").get(registry.id, name.repository);
  return {
    registryId: registry.id,
    repositoryId: repository?.["id"] as number | undefined,
    tier: registry.tier ?? undefined,
    settings: registry.settings ?? undefined,
  };
}

/** Asks whether a write may be, with what is so at this moment. */
export function admission(
  sql: Statements,
  admit: Admit,
  place: FoundPlace,
  write: Pick<AdmissionFacts, "addedBytes" | "changedTags">,
): Admission {
  return admit({
    tier: place.tier,
    settings: place.settings,
    repositories: Number(sql("countRepositories").get(place.registryId)?.["total"]),
    isNewRepository: place.repositoryId === undefined,
    storageBytes: Number(sql("storageBytes").get(place.registryId)?.["storage_bytes"] ?? 0),
    ...write,
  });
}

/** The repository's id; its row is made when this is the first write there. */
export function ensureRepository(
  sql: Statements,
  place: FoundPlace,
  { name }: Place,
  now: number,
): number {
  return (
    place.repositoryId ??
    Number(sql("insertRepository").get(place.registryId, name.repository, now)?.["id"])
  );
}
