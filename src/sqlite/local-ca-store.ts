import type { DatabaseSync } from "node:sqlite";
import type { CaStore } from "#certificate/local-ca.ts";
import type { Seal } from "#seal.ts";
import { statements } from "./connection.ts";
import type { Writer } from "./writer.ts";

/** What the local CA's key is sealed for. */
export const LOCAL_CA_KEY_PURPOSE = "local-ca/key";

interface LocalCaRow {
  readonly certificate: string;
  readonly sealed_key: Uint8Array;
}

/** The key leaves the database opened, and goes there sealed. */
export function sqliteLocalCa(db: DatabaseSync, writer: Writer, seal: Seal): CaStore {
  const sql = statements(db, "local-ca.sql");
  return {
    find: async () => {
      const row = sql("localCa").get() as LocalCaRow | undefined;
      if (row === undefined) return undefined;
      return { cert: row.certificate, key: seal.open(row.sealed_key, LOCAL_CA_KEY_PURPOSE) };
    },
    put: async ({ cert, key }) => {
      await writer.run("local-ca.put", cert, seal.seal(key, LOCAL_CA_KEY_PURPOSE));
    },
  };
}

/** The write behind it, run inside a transaction of the writer thread. */
export function localCaWrites(db: DatabaseSync) {
  const sql = statements(db, "local-ca.sql");
  return {
    "local-ca.put": (certificate: string, sealedKey: Uint8Array): void => {
      sql("putLocalCa").run(certificate, sealedKey);
    },
  };
}
