import type { Listed } from "#api/page.ts";

/** Owns everything; two accounts never see each other's things. */
export interface Account {
  /** Within this installation; what rows refer to. */
  readonly id: number;
  readonly uuid: string;
  readonly email: string;
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

export type NewAccount = Omit<Account, "id">;

/** A stored credential. Its text is nowhere: only its hash is kept, and only the store sees that. */
export interface Token {
  readonly id: string;
  readonly accountId: number;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly createdAt: number;
  /** Absent: it never expires. */
  readonly expiresAt?: number;
  readonly lastUsedAt?: number;
}

export type NewToken = Omit<Token, "lastUsedAt"> & {
  readonly hash: Uint8Array;
  /** The token whose rights these are: when it is gone, so is this one. */
  readonly boundTo?: string;
};

/**
 * Port: accounts and tokens. Reads see every write that was acknowledged; absence is `undefined`.
 * Everything but `findTokenByHash` and the account look-ups is confined to one account.
 */
export interface AccountStore {
  /** With its first token, when one is given: both are there, or neither. */
  createAccount(
    account: NewAccount,
    token?: Omit<NewToken, "accountId">,
  ): Promise<Account | "email-taken">;
  findAccount(id: number): Account | undefined;
  findAccountByEmail(email: string): Account | undefined;
  /** The one made at the first start: the operator's own. */
  firstAccount(): Account | undefined;
  pageOfAccounts(offset: number, limit: number): Listed<Account>;

  /**
   * `hash-taken`: this very credential is already some account's token. `bound-to-none`: what it is bound
   * to is gone. Some of those that have expired `EXPIRED_TOKEN_KEPT_MS` ago are forgotten with it.
   */
  createToken(token: NewToken): Promise<Token | "hash-taken" | "bound-to-none">;
  findTokenByHash(hash: Uint8Array): Token | undefined;
  findToken(accountId: number, id: string): Token | undefined;
  pageOfTokens(accountId: number, offset: number, limit: number): Listed<Token>;
  /** With those that are bound to it. True when there was one. */
  deleteToken(accountId: number, id: string): Promise<boolean>;
  /** Last uses since the last call, by token id: times in milliseconds since the epoch. */
  noteUses(uses: ReadonlyMap<string, number>): Promise<void>;
}
