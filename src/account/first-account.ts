import { randomUUID } from "node:crypto";
import type { Clock } from "#clock.ts";
import type { Account, AccountStore, NewToken } from "./account.ts";
import { FULL_ACCESS } from "./scope.ts";
import { hashToken, newTokenText } from "./token.ts";

const DEFAULT_EMAIL = "owner@localhost";

/** What a token that the variable asked for is called. */
const VARIABLE_TOKEN = "ATOLL_TOKEN";

/** What the operator asked for by ATOLL_EMAIL and ATOLL_TOKEN. */
export interface FirstAccountWishes {
  readonly email: string | undefined;
  /** A full-access token of the first account has this value, at every start. */
  readonly token: string | undefined;
}

/**
 * Makes the first account and its token at the first start. Without a wished token it makes one
 * then, and hands out its text this once; a wished one is there after every start.
 * @throws Error when the wished token is another account's
 */
export async function ensureFirstAccount(
  store: AccountStore,
  wishes: FirstAccountWishes,
  clock: Clock,
): Promise<{ readonly account: Account; readonly newToken?: string }> {
  const existing = store.firstAccount();
  if (existing !== undefined) {
    if (wishes.token !== undefined) await ensureToken(store, existing, wishes.token, clock);
    return { account: existing };
  }
  const email = wishes.email ?? DEFAULT_EMAIL;
  const newToken = newTokenText();
  const token =
    wishes.token === undefined
      ? fullAccess("first token", newToken, clock)
      : fullAccess(VARIABLE_TOKEN, wishes.token, clock);
  const account = await store.createAccount(
    { uuid: randomUUID(), email, name: email, createdAt: clock.now() },
    token,
  );
  if (account === "email-taken") throw new Error("There is a first account after all");
  return wishes.token === undefined ? { account, newToken } : { account };
}

async function ensureToken(
  store: AccountStore,
  account: Account,
  text: string,
  clock: Clock,
): Promise<void> {
  const stored = store.findTokenByHash(hashToken(text));
  if (stored === undefined) {
    const token = fullAccess(VARIABLE_TOKEN, text, clock);
    await store.createToken({ ...token, accountId: account.id });
  } else if (
    stored.accountId !== account.id ||
    stored.expiresAt !== undefined ||
    !stored.scopes.includes(FULL_ACCESS)
  ) {
    throw new Error(
      "Cannot start: ATOLL_TOKEN is the text of a token that belongs to another account, or has " +
        "less than full access. Choose another value, or revoke that token.",
    );
  }
}

function fullAccess(name: string, text: string, clock: Clock): Omit<NewToken, "accountId"> {
  return {
    id: randomUUID(),
    name,
    scopes: [FULL_ACCESS],
    createdAt: clock.now(),
    hash: hashToken(text),
  };
}
