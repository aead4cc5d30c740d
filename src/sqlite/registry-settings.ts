import type { DatabaseSync } from "node:sqlite";
import type { AgedTag } from "#registry/retention.ts";
import {
  mergeSettings,
  parseSettings,
  type RegistrySettings,
  type RegistrySettingsChanges,
} from "#registry/settings.ts";
import type { SettingsStore } from "#registry/settings-store.ts";
import { statements } from "./connection.ts";
import type { WriteContext } from "./feed-log.ts";
import { tellWebhooks } from "./registry-deliveries.ts";
import type { TagRow } from "./registry-rows.ts";
import type { Writer } from "./writer.ts";

const FILE = "registry-settings.sql";

/** The writes behind `SettingsStore`, each run inside a transaction of the writer thread. */
export function registrySettingsWrites(db: DatabaseSync) {
  const sql = statements(db, FILE);
  const tell = tellWebhooks(db);
  return {
    "registry.settings": (
      registryId: number,
      changes: RegistrySettingsChanges,
    ): RegistrySettings | undefined => {
      const row = sql("settings").get(registryId);
      if (row === undefined) return undefined;
      const merged = mergeSettings(parseSettings(row["settings"] as string | null), changes);
      sql("putSettings").run(JSON.stringify(merged), registryId);
      return merged;
    },

    "registry.delete-tags": (
      repositoryId: number,
      tags: readonly AgedTag[],
      { now }: WriteContext,
    ): number => {
      const deleted = tags.filter(
        ({ name, digest, updatedAt }) =>
          sql("deleteTagAsItWas").run(repositoryId, name, digest, updatedAt).changes > 0,
      );
      tell(repositoryId, "delete", deleted, now);
      return deleted.length;
    },
  };
}

/** Reads come from this thread's own connection, which sees every write that was acknowledged. */
export function sqliteRegistrySettings(db: DatabaseSync, writer: Writer): SettingsStore {
  const sql = statements(db, FILE);
  return {
    settings: (registryId) =>
      parseSettings(sql("settings").get(registryId)?.["settings"] as string | null | undefined),
    change: (registryId, changes) => writer.run("registry.settings", registryId, changes),
    scheduled: () =>
      sql("scheduled")
        .all()
        .map(({ id, settings, collected_at: at }) => ({
          registryId: Number(id),
          settings: parseSettings(settings as string),
          collectedAt: at === null ? undefined : Number(at),
        })),
    repositoriesAfter: (registryId, after, limit) =>
      sql("repositoriesAfter")
        .all(registryId, after, limit)
        .map((row) => ({ id: Number(row["id"]), name: String(row["name"]) })),
    tagsAfter: (repositoryId, after, limit) =>
      (sql("tagsAfter").all(repositoryId, after, limit) as unknown as TagRow[]).map(
        ({ name, digest, updated_at }) => ({ name, digest, updatedAt: updated_at }),
      ),
    deleteTags: (repositoryId, tags) => writer.run("registry.delete-tags", repositoryId, tags),
  };
}
