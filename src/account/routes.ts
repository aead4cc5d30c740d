import { z } from "zod";
import { type AnyRoute, route } from "#api/route.ts";
import type { Clock } from "#clock.ts";
import { notFound } from "#problem.ts";
import type { AccountStore } from "./account.ts";
import { hashToken, tokenOf } from "./token.ts";

const AccountReply = z.object({
  account: z.object({
    droplet_limit: z.int(),
    floating_ip_limit: z.int(),
    reserved_ip_limit: z.int(),
    volume_limit: z.int(),
    email: z.string(),
    name: z.string(),
    uuid: z.string(),
    email_verified: z.boolean(),
    status: z.enum(["active", "warning", "locked"]),
    status_message: z.string(),
    team: z.object({ uuid: z.string(), name: z.string() }),
  }),
});

const TokenInfo = z.object({
  resource_owner_id: z.int(),
  scopes: z.array(z.string()),
  expires_in_seconds: z.int().nullable(),
  application: z.object({ uid: z.string() }),
  created_at: z.int(),
});

/** `GET /v2/account` and DigitalOcean's two token endpoints that doctl needs (CONTRACT §5). */
export function accountRoutes(store: AccountStore, clock: Clock): readonly AnyRoute[] {
  const getAccount = route({
    operationId: "account_get",
    method: "GET",
    path: "/v2/account",
    summary: "The account that the token belongs to",
    tag: "Account",
    access: { scope: "account:read" },
    status: 200,
    reply: AccountReply,
    handle: ({ caller }) => {
      const account = store.findAccount(caller.accountId);
      if (account === undefined) throw notFound();
      return {
        account: {
          // Atoll has none of these resources, so that no number of them is allowed.
          droplet_limit: 0,
          floating_ip_limit: 0,
          reserved_ip_limit: 0,
          volume_limit: 0,
          email: account.email,
          name: account.name,
          uuid: account.uuid,
          // Whoever runs this installation wrote the address down.
          email_verified: true,
          status: "active" as const,
          status_message: "",
          team: { uuid: account.uuid, name: account.name },
        },
      };
    },
  });

  const tokenInfo = route({
    operationId: "oauth_token_info",
    method: "GET",
    path: "/v1/oauth/token/info",
    summary: "What a token may do, and for how long",
    tag: "OAuth",
    access: "token",
    status: 200,
    reply: TokenInfo,
    handle: ({ caller }) => {
      const token = tokenOf(caller);
      return {
        resource_owner_id: caller.accountId,
        scopes: [...(token?.scopes ?? ["write"])],
        expires_in_seconds:
          token?.expiresAt === undefined
            ? null
            : Math.max(0, Math.floor((token.expiresAt - clock.now()) / 1_000)),
        application: { uid: "" },
        created_at: Math.floor((token?.createdAt ?? 0) / 1_000),
      };
    },
  });

  return [getAccount, tokenInfo, revokeToken(store)];
}

/** CONTRACT §5: exactly 200. RFC 7009 §2.2: so is a token that is not known, or not the caller's. */
function revokeToken(store: AccountStore) {
  return route({
    operationId: "oauth_revoke",
    method: "POST",
    path: "/v1/oauth/revoke",
    summary: "Revoke a token of the caller's account",
    tag: "OAuth",
    access: "token",
    status: 200,
    bodyType: "form",
    body: z.object({ token: z.string({ error: "expected the token to revoke" }).min(1).max(512) }),
    reply: z.object({}),
    handle: async ({ caller, body }) => {
      const token = store.findTokenByHash(hashToken(body.token));
      if (token !== undefined && token.accountId === caller.accountId) {
        await store.deleteToken(token.accountId, token.id);
      }
      return {};
    },
  });
}
