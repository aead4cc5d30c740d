import type { DatabaseSync } from "node:sqlite";
import type { ChangedTier, CreatedRegistry, NewRegistry } from "#registry/registry.ts";
import {
  DEFAULT_TIER,
  decideAnother,
  ineligibleReasons,
  TIERS,
  type TierSlug,
} from "#registry/tier.ts";
import { statements } from "./connection.ts";
import type { WriteContext } from "./feed-log.ts";
import { type SubscriptionRow, toSubscription, toUsage, type UsageRow } from "./registry-rows.ts";

/** The writes behind `RegistryStore`, each run inside a transaction of the writer thread. */
export function registryWrites(db: DatabaseSync) {
  const sql = statements(db, "registry.sql");

  const usageOf = (accountId: number) =>
    toUsage(sql("accountUsage").get({ account: accountId }) as unknown as UsageRow);

  function subscriptionOf(accountId: number) {
    const row = sql("subscription").get(accountId);
    return row === undefined ? undefined : toSubscription(row as unknown as SubscriptionRow);
  }

  return {
    "registry.create": (
      registry: NewRegistry,
      wanted: TierSlug | undefined,
      { now }: WriteContext,
    ): CreatedRegistry => {
      const { accountId, name, region, createdAt } = registry;
      const tier = wanted ?? subscriptionOf(accountId)?.tier ?? DEFAULT_TIER;
      const decision = decideAnother(TIERS[tier], usageOf(accountId));
      if (decision.kind === "full") return decision;
      if (sql("nameTaken").get(name) !== undefined) return { kind: "name-taken" };
      if (decision.kind === "ineligible") return decision;
      const row = sql("insertRegistry").get(accountId, name, region, createdAt);
      sql("putSubscription").run(accountId, tier, now, now);
      const id = Number(row?.["id"]);
      return { kind: "created", registry: { ...registry, id, storageBytes: 0 } };
    },

    "registry.delete": (id: number): boolean => {
      sql("forgetUploadsOfRegistry").run(id);
      sql("forgetRepositories").run(id);
      sql("forgetCollections").run(id);
      return sql("forgetRegistry").run(id).changes > 0;
    },

    "registry.tier": (accountId: number, tier: TierSlug, { now }: WriteContext): ChangedTier => {
      const reasons = ineligibleReasons(TIERS[tier], usageOf(accountId));
      if (reasons.length > 0) return { kind: "ineligible", reasons };
      sql("putSubscription").run(accountId, tier, now, now);
      const subscription = subscriptionOf(accountId);
      if (subscription === undefined) throw new Error("A subscription that was put is not there");
      return { kind: "changed", subscription };
    },
  };
}
