import type { DatabaseSync } from "node:sqlite";
import type { DeletedContent } from "#registry/repository.ts";
import { parseSettings } from "#registry/settings.ts";
import { matchesTag } from "#registry/tag-pattern.ts";
import { statements } from "./connection.ts";
import type { WriteContext } from "./feed-log.ts";
import { tellWebhooks } from "./registry-deliveries.ts";

/** The writes behind `RepositoryStore`, each run inside a transaction of the writer thread. */
export function registryContentWrites(db: DatabaseSync) {
  const sql = statements(db, "registry-content.sql");

  function immutableAmong(repositoryId: number, tags: readonly string[]): string | undefined {
    const text = sql("settingsOfRepository").get(repositoryId)?.["settings"] as string | null;
    const { immutableTags = [] } = parseSettings(text);
    return tags.find((tag) => matchesTag(immutableTags, tag));
  }

  const tell = tellWebhooks(db);

  return {
    "registry.delete-repository": (registryId: number, name: string): boolean => {
      const row = sql("forgetRepository").get(registryId, name);
      if (row === undefined) return false;
      sql("forgetUploads").run(Number(row["id"]));
      return true;
    },

    "registry.delete-tag": (
      repositoryId: number,
      name: string,
      { now }: WriteContext,
    ): DeletedContent => {
      const tag = immutableAmong(repositoryId, [name]);
      if (tag !== undefined) return { kind: "immutable", tag };
      const row = sql("deleteTag").get(repositoryId, name);
      if (row === undefined) return { kind: "missing" };
      tell(repositoryId, "delete", [{ name, digest: String(row["digest"]) }], now);
      return { kind: "deleted" };
    },

    "registry.delete-manifest": (
      repositoryId: number,
      digest: string,
      { now }: WriteContext,
    ): DeletedContent => {
      const rows = sql("tagsOfManifest").all(repositoryId, digest);
      const names = rows.map((row) => String(row["name"]));
      const tag = immutableAmong(repositoryId, names);
      if (tag !== undefined) return { kind: "immutable", tag };
      const { changes } = sql("deleteManifest").run(repositoryId, digest);
      if (changes === 0) return { kind: "missing" };
      const tags = names.map((name) => ({ name, digest }));
      tell(repositoryId, "delete", tags, now);
      return { kind: "deleted" };
    },
  };
}
