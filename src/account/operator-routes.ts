import { randomUUID } from "node:crypto";
import { z } from "zod";
import { listPage, PageLinks, PageMeta, PageQuery } from "#api/page.ts";
import { type AnyRoute, route } from "#api/route.ts";
import type { Clock } from "#clock.ts";
import { notFound, Problem } from "#problem.ts";
import type { Account, AccountStore, Token } from "./account.ts";
import { FULL_ACCESS, isScope } from "./scope.ts";
import { hashToken, newTokenText } from "./token.ts";

const AccountView = z.object({
  uuid: z.uuid(),
  email: z.string(),
  name: z.string(),
  created_at: z.iso.datetime(),
});

const TokenView = z.object({
  id: z.uuid(),
  name: z.string(),
  scopes: z.array(z.string()),
  created_at: z.iso.datetime(),
  expires_at: z.iso.datetime().optional(),
  last_used_at: z.iso.datetime().optional(),
});

const name = z
  .string({ error: "expected a name of 1 to 100 characters" })
  .regex(/^[^\p{Cc}]{1,100}$/u, "expected a name of 1 to 100 characters");

const NewAccountBody = z.object({
  email: z
    .string({ error: "expected an e-mail address" })
    // No colon: docker credentials are `e-mail:token` and split at the first (CONTRACT §4.1).
    .regex(/^[^\s:@]{1,64}@[^\s:@]{1,190}$/, "expected an e-mail address"),
  name: name.optional(),
});

const NewTokenBody = z.object({
  name,
  scopes: z
    .array(z.string().refine(isScope, "expected read, write, or a scope as cdn:read"), {
      error: "expected a list of scopes",
    })
    .min(1, "expected at least one scope")
    .max(100, "expected at most 100 scopes")
    .optional(),
  expires_in_seconds: z
    .int({ error: "expected a whole number of seconds" })
    .min(1, "expected at least 1 second")
    .max(3_153_600_000, "expected at most 100 years")
    .optional(),
});

/** Accounts are the operator's to make; tokens are made by whoever already has the right. */
export function operatorAccountRoutes(store: AccountStore, clock: Clock): readonly AnyRoute[] {
  return [
    createAccount(store, clock),
    listAccounts(store),
    createToken(store, clock),
    listTokens(store),
    deleteToken(store),
  ];
}

function createAccount(store: AccountStore, clock: Clock) {
  return route({
    operationId: "atoll_account_create",
    method: "POST",
    path: "/atoll/v1/accounts",
    summary: "Make an account",
    tag: "Atoll",
    access: "operator",
    status: 201,
    body: NewAccountBody,
    reply: z.object({ account: AccountView }),
    handle: async ({ body }) => {
      const account = await store.createAccount({
        uuid: randomUUID(),
        email: body.email,
        name: body.name ?? body.email,
        createdAt: clock.now(),
      });
      if (account === "email-taken") {
        throw new Problem("conflict", `email: ${body.email} already has an account`);
      }
      return { account: accountView(account) };
    },
  });
}

function listAccounts(store: AccountStore) {
  return route({
    operationId: "atoll_account_list",
    method: "GET",
    path: "/atoll/v1/accounts",
    summary: "List the accounts",
    tag: "Atoll",
    access: "operator",
    status: 200,
    query: PageQuery,
    reply: z.object({ accounts: z.array(AccountView), links: PageLinks, meta: PageMeta }),
    handle: ({ query, url }) => {
      const { rows, ...page } = listPage(url, query, (offset, limit) =>
        store.pageOfAccounts(offset, limit),
      );
      return { accounts: rows.map(accountView), ...page };
    },
  });
}

function createToken(store: AccountStore, clock: Clock) {
  return route({
    operationId: "atoll_token_create",
    method: "POST",
    path: "/atoll/v1/tokens",
    summary: "Make a token; its text is shown this once",
    tag: "Atoll",
    access: { scope: "token:create" },
    status: 201,
    body: NewTokenBody,
    reply: z.object({ token: TokenView, secret: z.string() }),
    handle: async ({ caller, body }) => {
      const scopes = body.scopes ?? [FULL_ACCESS];
      // Nobody hands on a right that he does not have.
      const missing = scopes.find((scope) => !caller.allows(scope));
      if (missing !== undefined) {
        throw new Problem("forbidden", `scopes: your own token does not have ${missing}`);
      }
      const now = clock.now();
      const secret = newTokenText();
      const token = await store.createToken({
        id: randomUUID(),
        accountId: caller.accountId,
        name: body.name,
        scopes,
        createdAt: now,
        ...(body.expires_in_seconds === undefined
          ? {}
          : { expiresAt: now + body.expires_in_seconds * 1_000 }),
        hash: hashToken(secret),
      });
      // 256 random bits that were there already would be our mistake, not the caller's.
      if (typeof token === "string") throw new Error("A new token had the hash of a stored one");
      return { token: tokenView(token), secret };
    },
  });
}

function listTokens(store: AccountStore) {
  return route({
    operationId: "atoll_token_list",
    method: "GET",
    path: "/atoll/v1/tokens",
    summary: "List the account's tokens",
    tag: "Atoll",
    access: { scope: "token:read" },
    status: 200,
    query: PageQuery,
    reply: z.object({ tokens: z.array(TokenView), links: PageLinks, meta: PageMeta }),
    handle: ({ caller, query, url }) => {
      const { rows, ...page } = listPage(url, query, (offset, limit) =>
        store.pageOfTokens(caller.accountId, offset, limit),
      );
      return { tokens: rows.map(tokenView), ...page };
    },
  });
}

function deleteToken(store: AccountStore) {
  return route({
    operationId: "atoll_token_revoke",
    method: "DELETE",
    path: "/atoll/v1/tokens/:token_id",
    summary: "Revoke a token",
    tag: "Atoll",
    access: { scope: "token:delete" },
    status: 204,
    params: z.object({ token_id: z.string() }),
    handle: async ({ caller, params }) => {
      if (!(await store.deleteToken(caller.accountId, params.token_id))) throw notFound();
      return undefined;
    },
  });
}

function accountView(account: Account): z.input<typeof AccountView> {
  return {
    uuid: account.uuid,
    email: account.email,
    name: account.name,
    created_at: new Date(account.createdAt).toISOString(),
  };
}

function tokenView(token: Token): z.input<typeof TokenView> {
  return {
    id: token.id,
    name: token.name,
    scopes: [...token.scopes],
    created_at: new Date(token.createdAt).toISOString(),
    ...(token.expiresAt === undefined
      ? {}
      : { expires_at: new Date(token.expiresAt).toISOString() }),
    ...(token.lastUsedAt === undefined
      ? {}
      : { last_used_at: new Date(token.lastUsedAt).toISOString() }),
  };
}
