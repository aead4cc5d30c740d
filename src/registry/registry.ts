import type { AccountUsage, IneligibleReason, Tier, TierSlug } from "./tier.ts";

/** Holds an account's repositories. Its name is unique in the whole installation. */
export interface Registry {
  readonly id: number;
  readonly accountId: number;
  readonly name: string;
  readonly region: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** What its blobs take, each counted once. */
  readonly storageBytes: number;
}

export type NewRegistry = Omit<Registry, "id" | "storageBytes">;

/** What an account pays for, all its registries together. */
export interface Subscription {
  readonly tier: TierSlug;
  readonly createdAt: number;
  readonly updatedAt: number;
}

export type CreatedRegistry =
  | { readonly kind: "created"; readonly registry: Registry }
  | { readonly kind: "full"; readonly tier: Tier }
  | { readonly kind: "name-taken" }
  | { readonly kind: "ineligible"; readonly reasons: readonly IneligibleReason[] };

export type ChangedTier =
  | { readonly kind: "changed"; readonly subscription: Subscription }
  | { readonly kind: "ineligible"; readonly reasons: readonly IneligibleReason[] };

/**
 * Port: registries. Reads see every write that was acknowledged; absence is `undefined` or false.
 */
export interface RegistryStore {
  /**
   * The account is on `tier` from then on; without one it stays where it is, or begins where
   * `DEFAULT_TIER` says. All in one, or nothing.
   */
  create(registry: NewRegistry, tier: TierSlug | undefined): Promise<CreatedRegistry>;
  find(accountId: number, name: string): Registry | undefined;
  /** As many as the tier allows, the oldest first. */
  list(accountId: number): readonly Registry[];
  /** Every account's names count. */
  isNameTaken(name: string): boolean;
  /** Its name is free at once; what it held is removed in the background. */
  delete(registryId: number): Promise<boolean>;

  usage(accountId: number): AccountUsage;
  subscription(accountId: number): Subscription | undefined;
  changeTier(accountId: number, tier: TierSlug): Promise<ChangedTier>;
}
