import type { DatabaseSync } from "node:sqlite";
import { statements } from "./connection.ts";
import type { WriteContext } from "./feed-log.ts";

/** The write behind `AccountKeys`, run inside a transaction of the writer thread. */
export function acmeAccountWrites(db: DatabaseSync) {
  const sql = statements(db, "acme-accounts.sql");
  return {
    "acme-account.put": (
      directory: string,
      url: string | undefined,
      email: string | undefined,
      sealedKey: Uint8Array,
      { now }: WriteContext,
    ): void => {
      sql("putAccount").run(directory, url ?? null, email ?? null, sealedKey, now);
    },
  };
}
