import type { Admission, AdmissionFacts, Admit } from "#oci/admission.ts";
import type { Place } from "#oci/store.ts";
import type { Statements } from "./connection.ts";

/** A registry and, if it has been pushed to, a repository of it, as a transaction finds them. */
export interface FoundPlace {
  readonly registryId: number;
  readonly repositoryId: number | undefined;
  /** What the repository has. */
  readonly tags: number;
  readonly manifests: number;
  readonly tier: string | undefined;
  readonly settings: string | undefined;
}

interface RepositoryRow {
  readonly id: number;
  readonly tags: number;
  readonly manifests: number;
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
  const repository = sql("repositoryIn").get(registry.id, name.repository) as
    | RepositoryRow
    | undefined;
  return {
    registryId: registry.id,
    repositoryId: repository?.id,
    tags: repository?.tags ?? 0,
    manifests: repository?.manifests ?? 0,
    tier: registry.tier ?? undefined,
    settings: registry.settings ?? undefined,
  };
}

/** What a write does, as far as it adds to something or changes it. */
export type WriteFacts = Partial<
  Pick<AdmissionFacts, "addedBytes" | "addedTags" | "addedManifests" | "changedTags">
>;

const NOTHING = { addedBytes: 0, addedTags: 0, addedManifests: 0, changedTags: [] };

/** Asks whether a write may be, with what is so at this moment. */
export function admission(
  sql: Statements,
  admit: Admit,
  place: FoundPlace,
  write: WriteFacts,
): Admission {
  const { registryId, tier, settings, tags, manifests } = place;
  const isNewRepository = place.repositoryId === undefined;
  const count = (): number => Number(sql("countRepositories").get(registryId)?.["total"]);
  return admit({
    ...NOTHING,
    ...write,
    tier,
    settings,
    tags,
    manifests,
    // Nobody asks how many there are unless it is one more.
    repositories: isNewRepository ? count() : 0,
    isNewRepository,
    storageBytes: Number(sql("storageBytes").get(registryId)?.["storage_bytes"] ?? 0),
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
