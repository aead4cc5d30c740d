import type { DatabaseSync } from "node:sqlite";
import type { Account, NewAccount, NewToken, Token } from "#account/account.ts";
import { EXPIRED_TOKEN_KEPT_MS, EXPIRED_TOKENS_FORGOTTEN } from "#account/limits.ts";
import { type Statements, statements } from "./connection.ts";
import type { WriteContext } from "./feed-log.ts";
import { type AccountRow, type TokenRow, toAccount, toToken } from "./rows.ts";

/** The writes behind `AccountStore`, each run inside a transaction of the writer thread. */
export function accountWrites(db: DatabaseSync) {
  const sql = statements(db, "accounts.sql");
  return {
    "account.create": (
      { uuid, email, name, createdAt }: NewAccount,
      token: Omit<NewToken, "accountId"> | undefined,
    ): Account | "email-taken" => {
      const row = sql("insertAccount").get(uuid, email, name, createdAt);
      if (row === undefined) return "email-taken";
      const account = toAccount(row as unknown as AccountRow);
      if (token !== undefined) insertToken(sql, { ...token, accountId: account.id });
      return account;
    },

    "token.create": (
      token: NewToken,
      { now }: WriteContext,
    ): Token | "hash-taken" | "bound-to-none" => {
      sql("forgetExpired").run(now - EXPIRED_TOKEN_KEPT_MS, EXPIRED_TOKENS_FORGOTTEN);
      const { accountId, boundTo } = token;
      if (boundTo !== undefined && sql("token").get(accountId, boundTo) === undefined) {
        return "bound-to-none";
      }
      if (!insertToken(sql, token)) return "hash-taken";
      return toToken(sql("token").get(accountId, token.id) as unknown as TokenRow);
    },

    "token.delete": (accountId: number, id: string): boolean =>
      sql("deleteToken").run(accountId, id).changes > 0,

    "token.note-uses": (uses: ReadonlyMap<string, number>): void => {
      for (const [id, at] of uses) sql("noteUse").run(at, id);
    },
  };
}

/** False when its hash is a token's already. */
function insertToken(sql: Statements, token: NewToken): boolean {
  const inserted = sql("insertToken").get(
    token.id,
    token.accountId,
    token.hash,
    token.name,
    JSON.stringify(token.scopes),
    token.createdAt,
    token.expiresAt ?? null,
    token.boundTo ?? null,
  );
  return inserted !== undefined;
}
