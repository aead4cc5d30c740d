import type { DatabaseSync } from "node:sqlite";
import type { AccountKeys } from "#acme/account-keys.ts";
import type { Seal } from "#seal.ts";
import { statements } from "./connection.ts";
import type { Writer } from "./writer.ts";

/** What the key of an account at a CA is sealed for. */
export function accountKeyPurpose(directory: string): string {
  return `acme-account/${directory}/key`;
}

interface AccountKeyRow {
  readonly url: string | null;
  readonly email: string | null;
  readonly sealed_key: Uint8Array;
}

/** Keys leave the database opened, and go there sealed. */
export function sqliteAccountKeys(db: DatabaseSync, writer: Writer, seal: Seal): AccountKeys {
  const sql = statements(db, "acme-accounts.sql");
  return {
    find: async (directory) => {
      const row = sql("account").get(directory) as AccountKeyRow | undefined;
      if (row === undefined) return undefined;
      const keyPem = seal.open(row.sealed_key, accountKeyPurpose(directory));
      return {
        keyPem,
        ...(row.url === null ? {} : { url: row.url }),
        ...(row.email === null ? {} : { email: row.email }),
      };
    },
    save: async (directory, { keyPem, url, email }) => {
      const sealedKey = seal.seal(keyPem, accountKeyPurpose(directory));
      await writer.run("acme-account.put", directory, url, email, sealedKey);
    },
  };
}
