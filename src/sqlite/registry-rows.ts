import type { Registry, Subscription } from "#registry/registry.ts";
import type { Repository } from "#registry/repository.ts";
import type { AccountUsage, TierSlug } from "#registry/tier.ts";

export interface RegistryRow {
  readonly id: number;
  readonly account_id: number;
  readonly name: string;
  readonly region: string;
  readonly created_at: number;
  readonly storage_bytes: number;
}

export interface SubscriptionRow {
  readonly tier: string;
  readonly created_at: number;
  readonly updated_at: number;
}

export interface UsageRow {
  readonly registries: number;
  readonly repositories: number;
  readonly storage_bytes: number;
}

export interface RepositoryRow {
  readonly id: number;
  readonly name: string;
  readonly tag_count: number;
  readonly manifest_count: number;
}

export interface TagRow {
  readonly name: string;
  readonly digest: string;
  readonly updated_at: number;
}

export interface ManifestRow {
  readonly digest: string;
  readonly updated_at: number;
}

export function toRegistry(row: RegistryRow): Registry {
  return {
    id: row.id,
    accountId: row.account_id,
    name: row.name,
    region: row.region,
    createdAt: row.created_at,
    storageBytes: row.storage_bytes,
  };
}

export function toSubscription(row: SubscriptionRow): Subscription {
  return { tier: row.tier as TierSlug, createdAt: row.created_at, updatedAt: row.updated_at };
}

export function toUsage(row: UsageRow): AccountUsage {
  return {
    registries: row.registries,
    repositories: row.repositories,
    storageBytes: row.storage_bytes,
  };
}

export function toRepository(row: RepositoryRow): Repository {
  return {
    id: row.id,
    name: row.name,
    tagCount: row.tag_count,
    manifestCount: row.manifest_count,
  };
}
