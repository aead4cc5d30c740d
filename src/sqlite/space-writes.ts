import type { DatabaseSync } from "node:sqlite";
import type { NewSpace, Space, StoredObject } from "#space/space.ts";
import { statements } from "./connection.ts";

/** The writes behind `SpaceStore`, each run inside a transaction of the writer thread. */
export function spaceWrites(db: DatabaseSync) {
  const sql = statements(db, "spaces.sql");

  function fileOf(spaceId: number, key: string): string | undefined {
    return sql("object").get(spaceId, key)?.["file"] as string | undefined;
  }

  return {
    "space.create": (space: NewSpace): Space | "name-taken" => {
      const row = sql("insertSpace").get(
        space.accountId,
        space.name,
        space.region,
        space.upstream ?? null,
        space.sealedCredentials ?? null,
        space.createdAt,
      );
      return row === undefined ? "name-taken" : { ...space, id: Number(row["id"]) };
    },

    "space.delete": (id: number): "deleted" | "not-empty" | "in-use" => {
      if (sql("anyEndpoint").get(id) !== undefined) return "in-use";
      if (sql("anyObject").get(id) !== undefined) return "not-empty";
      sql("deleteSpace").run(id);
      return "deleted";
    },

    "object.put": (object: StoredObject): { readonly replacedFile?: string } | "space-missing" => {
      if (sql("spaceExists").get(object.spaceId) === undefined) return "space-missing";
      const replacedFile = fileOf(object.spaceId, object.key);
      sql("putObject").run(
        object.spaceId,
        object.key,
        object.file,
        object.sizeBytes,
        object.etag,
        object.contentType,
        object.cacheControl ?? null,
        object.contentEncoding ?? null,
        object.contentDisposition ?? null,
        JSON.stringify(object.metadata),
        object.lastModified,
      );
      return replacedFile === undefined ? {} : { replacedFile };
    },

    "object.delete": (spaceId: number, key: string): string | undefined =>
      sql("deleteObject").get(spaceId, key)?.["file"] as string | undefined,
  };
}
