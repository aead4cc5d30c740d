import { z } from "zod";
import type { Registry, Subscription } from "./registry.ts";
import type { Manifest, Repository, Tag } from "./repository.ts";
import { type AccountUsage, ineligibleReasons, TIERS, type Tier } from "./tier.ts";

/** What a tier's storage beyond the included costs, a GiB and month; ours costs nobody anything. */
const STORAGE_OVERAGE_PRICE_CENTS = 2;

const TierView = z.object({
  name: z.string(),
  slug: z.string(),
  included_repositories: z.int(),
  included_storage_bytes: z.int(),
  allow_storage_overage: z.boolean(),
  included_bandwidth_bytes: z.int(),
  monthly_price_in_cents: z.int(),
  storage_overage_price_in_cents: z.int(),
});

export const EligibleTierView = TierView.extend({
  eligible: z.boolean(),
  eligibility_reasons: z.array(z.enum(["OverRepositoryLimit", "OverStorageLimit"])),
});

export const SubscriptionView = z.object({
  tier: TierView,
  created_at: z.iso.datetime(),
  updated_at: z.iso.datetime(),
});

export const RegistryView = z.object({
  name: z.string(),
  created_at: z.iso.datetime(),
  region: z.string(),
  storage_usage_bytes: z.int(),
  storage_usage_bytes_updated_at: z.iso.datetime(),
});

/** As `/v2/registry` shows it. */
export const OnlyRegistryView = RegistryView.extend({ subscription: SubscriptionView });

export const TagView = z.object({
  registry_name: z.string(),
  repository: z.string(),
  tag: z.string(),
  manifest_digest: z.string(),
  compressed_size_bytes: z.int(),
  size_bytes: z.int(),
  updated_at: z.iso.datetime(),
});

export const ManifestView = z.object({
  registry_name: z.string(),
  repository: z.string(),
  digest: z.string(),
  compressed_size_bytes: z.int(),
  size_bytes: z.int(),
  updated_at: z.iso.datetime(),
  tags: z.array(z.string()),
  blobs: z.array(z.object({ digest: z.string(), compressed_size_bytes: z.int() })),
});

export const RepositoryView = z.object({
  registry_name: z.string(),
  name: z.string(),
  latest_tag: TagView,
  tag_count: z.int(),
});

export const RepositoryV2View = z.object({
  registry_name: z.string(),
  name: z.string(),
  latest_manifest: ManifestView.optional(),
  tag_count: z.int(),
  manifest_count: z.int(),
});

/** Registry times are RFC 3339, to the millisecond. */
export function timeView(ms: number): string {
  return new Date(ms).toISOString();
}

function tierView(tier: Tier): z.input<typeof TierView> {
  return {
    name: tier.name,
    slug: tier.slug,
    included_repositories: tier.repositories,
    included_storage_bytes: tier.storageBytes,
    allow_storage_overage: tier.allowsOverage,
    included_bandwidth_bytes: tier.bandwidthBytes,
    monthly_price_in_cents: tier.monthlyPriceCents,
    storage_overage_price_in_cents: STORAGE_OVERAGE_PRICE_CENTS,
  };
}

/** With what keeps the account from it. That of registries has no name among the documented ones. */
export function eligibleTierView(
  tier: Tier,
  usage: AccountUsage,
): z.input<typeof EligibleTierView> {
  const reasons = ineligibleReasons(tier, usage);
  return {
    ...tierView(tier),
    eligible: reasons.length === 0,
    eligibility_reasons: reasons.filter((reason) => reason !== "OverRegistryLimit"),
  };
}

export function subscriptionView(subscription: Subscription): z.input<typeof SubscriptionView> {
  return {
    tier: tierView(TIERS[subscription.tier]),
    created_at: timeView(subscription.createdAt),
    updated_at: timeView(subscription.updatedAt),
  };
}

/** @param now what is stored is counted with each write, so that it is as of now */
export function registryView(registry: Registry, now: number): z.input<typeof RegistryView> {
  return {
    name: registry.name,
    created_at: timeView(registry.createdAt),
    region: registry.region,
    storage_usage_bytes: registry.storageBytes,
    storage_usage_bytes_updated_at: timeView(now),
  };
}

/** Where something is: both are part of what every object of DigitalOcean's shows. */
export interface Place {
  readonly registry: Registry;
  readonly repository: Repository;
}

/**
 * Deviation: `size_bytes` is of what layers unpack to, which nobody here has unpacked. It is the
 * size as stored, where DigitalOcean's own may lag behind.
 */
function sizes(bytes: number) {
  return { compressed_size_bytes: bytes, size_bytes: bytes };
}

export function tagView(tag: Tag, { registry, repository }: Place): z.input<typeof TagView> {
  return {
    registry_name: registry.name,
    repository: repository.name,
    tag: tag.name,
    manifest_digest: tag.digest,
    ...sizes(tag.blobsBytes),
    updated_at: timeView(tag.updatedAt),
  };
}

export function manifestView(
  manifest: Manifest,
  { registry, repository }: Place,
): z.input<typeof ManifestView> {
  return {
    registry_name: registry.name,
    repository: repository.name,
    digest: manifest.digest,
    ...sizes(manifest.blobs.reduce((sum, blob) => sum + blob.sizeBytes, 0)),
    updated_at: timeView(manifest.updatedAt),
    tags: [...manifest.tags],
    blobs: manifest.blobs.map(({ digest, sizeBytes }) => ({
      digest,
      compressed_size_bytes: sizeBytes,
    })),
  };
}
