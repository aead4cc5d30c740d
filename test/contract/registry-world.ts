import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import type { Place } from "#oci/store.ts";
import type { Registry } from "#registry/registry.ts";
import type { TierSlug } from "#registry/tier.ts";
import { placeOf } from "../support/images.ts";
import { openTemporaryStorage, type TemporaryStorage } from "./temporary-storage.ts";

/** A storage with accounts and registries, in which an hour passes when told to. */
export interface RegistryWorld extends TemporaryStorage {
  account(): Promise<number>;
  registry(accountId: number, name?: string, tier?: TierSlug): Promise<Registry>;
  place(registry: Registry, repository?: string, tokenId?: string): Place;
  repositoryId(registry: Registry, name?: string): number;
  /** Whatever was protected is no longer. */
  endProtection(): void;
}

export async function openRegistryWorld(): Promise<RegistryWorld> {
  const storage = await openTemporaryStorage();
  return {
    ...storage,
    account: async () => {
      const email = `${randomUUID()}@example.net`;
      const account = { uuid: randomUUID(), email, name: email, createdAt: 1 };
      const made = await storage.accounts.createAccount(account);
      assert(made !== "email-taken");
      return made.id;
    },
    registry: async (accountId, name = "images", tier = "professional") => {
      const wanted = { accountId, name, region: "nyc3", createdAt: 1 };
      const made = await storage.registries.create(wanted, tier);
      assert(made.kind === "created", made.kind);
      return made.registry;
    },
    place: (registry, repository = "app", tokenId = "token") =>
      placeOf(registry.accountId, registry.name, repository, tokenId),
    repositoryId: (registry, name = "app") => {
      const found = storage.repositories.findRepository(registry.id, name);
      assert(found !== undefined, `there is no repository ${name}`);
      return found.id;
    },
    endProtection: () => {
      using db = new DatabaseSync(storage.database, { timeout: 5_000 });
      db.exec("UPDATE repository_blob SET protected_until = 0; DELETE FROM manifest_protection");
    },
  };
}
