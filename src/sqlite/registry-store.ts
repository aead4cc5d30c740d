import type { DatabaseSync } from "node:sqlite";
import type { RegistryStore } from "#registry/registry.ts";
import { statements } from "./connection.ts";
import {
  type RegistryRow,
  type SubscriptionRow,
  toRegistry,
  toSubscription,
  toUsage,
  type UsageRow,
} from "./registry-rows.ts";
import type { Writer } from "./writer.ts";

/** Reads come from this thread's own connection, which sees every write that was acknowledged. */
export function sqliteRegistries(db: DatabaseSync, writer: Writer): RegistryStore {
  const sql = statements(db, "registry.sql");
  return {
    create: (registry, tier) => writer.run("registry.create", registry, tier),
    find: (accountId, name) => {
      const row = sql("registryByName").get(accountId, name);
      return row && toRegistry(row as unknown as RegistryRow);
    },
    list: (accountId) =>
      (sql("registriesOfAccount").all(accountId) as unknown as RegistryRow[]).map(toRegistry),
    isNameTaken: (name) => sql("nameTaken").get(name) !== undefined,
    delete: (registryId) => writer.run("registry.delete", registryId),

    usage: (accountId) =>
      toUsage(sql("accountUsage").get({ account: accountId }) as unknown as UsageRow),
    subscription: (accountId) => {
      const row = sql("subscription").get(accountId);
      return row && toSubscription(row as unknown as SubscriptionRow);
    },
    changeTier: (accountId, tier) => writer.run("registry.tier", accountId, tier),
  };
}
