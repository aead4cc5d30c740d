export type TierSlug = "starter" | "basic" | "professional";

export interface Tier {
  readonly slug: TierSlug;
  readonly name: string;
  readonly registries: number;
  /** In each registry; 0 is as many as one likes. */
  readonly repositories: number;
  readonly storageBytes: number;
  /** More storage than that is paid for, and not refused. */
  readonly allowsOverage: boolean;
  readonly bandwidthBytes: number;
  readonly monthlyPriceCents: number;
}

/** CONTRACT §4.2. */
export const TIERS: Readonly<Record<TierSlug, Tier>> = {
  starter: {
    slug: "starter",
    name: "Starter",
    registries: 1,
    repositories: 1,
    storageBytes: 524_288_000,
    allowsOverage: false,
    bandwidthBytes: 524_288_000,
    monthlyPriceCents: 0,
  },
  basic: {
    slug: "basic",
    name: "Basic",
    registries: 1,
    repositories: 5,
    storageBytes: 5_368_709_120,
    allowsOverage: true,
    bandwidthBytes: 5_368_709_120,
    monthlyPriceCents: 500,
  },
  professional: {
    slug: "professional",
    name: "Professional",
    registries: 10,
    repositories: 0,
    storageBytes: 107_374_182_400,
    allowsOverage: true,
    bandwidthBytes: 107_374_182_400,
    monthlyPriceCents: 2_000,
  },
};

export const TIER_SLUGS = ["starter", "basic", "professional"] as const satisfies TierSlug[];

/** CONTRACT §4: what a first registry comes with when nobody says. */
export const DEFAULT_TIER: TierSlug = "starter";

/** What an account has, in all its registries. */
export interface AccountUsage {
  readonly registries: number;
  readonly repositories: number;
  /** A blob counts once in each registry. */
  readonly storageBytes: number;
}

export type IneligibleReason = "OverRegistryLimit" | "OverRepositoryLimit" | "OverStorageLimit";

/** Why an account that has this cannot change to a tier; nothing: it can. */
export function ineligibleReasons(tier: Tier, usage: AccountUsage): readonly IneligibleReason[] {
  const isOver: Readonly<Record<IneligibleReason, boolean>> = {
    OverRegistryLimit: usage.registries > tier.registries,
    OverRepositoryLimit: tier.repositories > 0 && usage.repositories > tier.repositories,
    OverStorageLimit: !tier.allowsOverage && usage.storageBytes > tier.storageBytes,
  };
  return (Object.keys(isOver) as IneligibleReason[]).filter((reason) => isOver[reason]);
}

export type RegistryDecision =
  | { readonly kind: "allowed" }
  /** The tier has room for no other one. */
  | { readonly kind: "full"; readonly tier: Tier }
  | { readonly kind: "ineligible"; readonly reasons: readonly IneligibleReason[] };

/** Whether an account may have one registry more, on the tier that it would then be on. */
export function decideAnother(tier: Tier, usage: AccountUsage): RegistryDecision {
  if (usage.registries >= tier.registries) return { kind: "full", tier };
  const reasons = ineligibleReasons(tier, usage);
  return reasons.length === 0 ? { kind: "allowed" } : { kind: "ineligible", reasons };
}
