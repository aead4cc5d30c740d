import { randomUUID } from "node:crypto";
import type { Clock } from "#clock.ts";
import type { Account, AccountStore } from "./account.ts";
import { FULL_ACCESS } from "./scope.ts";
import { hashToken, newTokenText } from "./token.ts";

const DEFAULT_EMAIL = "owner@localhost";

/** What the operator asked for (DESIGN §3). */
export interface FirstAccountWishes {
  readonly email: string | undefined;
  /** A full-access token of the first account has this value, at every start. */
  readonly token: string | undefined;
}

/**
 * Makes the first account at the first start, and sees to its token. Without a wished one it makes
 * one then, and hands out its text this once.
 * @throws Error when the wished token is another account's
 */
export async function ensureFirstAccount(
  store: AccountStore,
  wishes: FirstAccountWishes,
  clock: Clock,
): Promise<{ readonly account: Account; readonly newToken?: string }> {
  const existing = store.firstAccount();
  const account = existing ?? (await createFirst(store, wishes.email ?? DEFAULT_EMAIL, clock));
  if (wishes.token !== undefined) {
    await ensureToken(store, account, wishes.token, clock);
    return { account };
  }
  if (existing !== undefined) return { account };
  const newToken = newTokenText();
  await createToken(store, account, { name: "first token", text: newToken }, clock);
  return { account, newToken };
}

async function createFirst(store: AccountStore, email: string, clock: Clock): Promise<Account> {
  const account = await store.createAccount({
    uuid: randomUUID(),
    email,
    name: email,
    createdAt: clock.now(),
  });
  if (account === "email-taken") throw new Error("There is a first account after all");
  return account;
}

async function ensureToken(
  store: AccountStore,
  account: Account,
  text: string,
  clock: Clock,
): Promise<void> {
  const stored = store.findTokenByHash(hashToken(text));
  if (stored === undefined) {
    await createToken(store, account, { name: "ATOLL_TOKEN", text }, clock);
    return;
  }
  const isFull = stored.scopes.includes(FULL_ACCESS) && stored.expiresAt === undefined;
  if (stored.accountId === account.id && isFull) return;
  throw new Error(
    "Cannot start: ATOLL_TOKEN is the text of a token that belongs to another account, or has " +
      "less than full access. Choose another value, or revoke that token.",
  );
}

async function createToken(
  store: AccountStore,
  account: Account,
  { name, text }: { readonly name: string; readonly text: string },
  clock: Clock,
): Promise<void> {
  await store.createToken({
    id: randomUUID(),
    accountId: account.id,
    name,
    scopes: [FULL_ACCESS],
    createdAt: clock.now(),
    hash: hashToken(text),
  });
}
