import type { DatabaseSync } from "node:sqlite";
import type { DeletedContent } from "#registry/repository.ts";
import { parseSettings } from "#registry/settings.ts";
import { matchesTag } from "#registry/tag-pattern.ts";
import { statements } from "./connection.ts";

/** The writes behind `RepositoryStore`, each run inside a transaction of the writer thread. */
export function registryContentWrites(db: DatabaseSync) {
  const sql = statements(db, "registry-content.sql");

  function immutableAmong(repositoryId: number, tags: readonly string[]): string | undefined {
    const text = sql("settingsOfRepository").get(repositoryId)?.["settings"] as string | null;
    const { immutableTags = [] } = parseSettings(text);
    return tags.find((tag) => matchesTag(immutableTags, tag));
  }

  return {
    "registry.delete-repository": (registryId: number, name: string): boolean => {
      const row = sql("forgetRepository").get(registryId, name);
      if (row === undefined) return false;
      sql("forgetUploads").run(Number(row["id"]));
      return true;
    },

    "registry.delete-tag": (repositoryId: number, name: string): DeletedContent => {
      const tag = immutableAmong(repositoryId, [name]);
      if (tag !== undefined) return { kind: "immutable", tag };
      return deleted(sql("deleteTag").run(repositoryId, name).changes);
    },

    "registry.delete-manifest": (repositoryId: number, digest: string): DeletedContent => {
      const rows = sql("tagsOfManifest").all(repositoryId, digest);
      const tag = immutableAmong(
        repositoryId,
        rows.map((row) => String(row["name"])),
      );
      if (tag !== undefined) return { kind: "immutable", tag };
      return deleted(sql("deleteManifest").run(repositoryId, digest).changes);
    },
  };
}

function deleted(changes: number | bigint): DeletedContent {
  return { kind: changes > 0 ? "deleted" : "missing" };
}
