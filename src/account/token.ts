import { createHash, randomBytes } from "node:crypto";
import type { Authenticate, Principal } from "#api/principal.ts";
import type { Clock } from "#clock.ts";
import { notFound } from "#problem.ts";
import type { AccountStore, Token } from "./account.ts";
import { scopesAllow } from "./scope.ts";

/** DigitalOcean's shape of a personal token: doctl's prompt takes nothing else. */
export function newTokenText(): string {
  return `dop_v1_${randomBytes(32).toString("hex")}`;
}

/**
 * What is stored of a credential. One round of SHA-256 is enough for 256 random bits; a value that
 * an operator chose by ATOLL_TOKEN is as strong as he chose it.
 */
export function hashToken(text: string): Uint8Array {
  return createHash("sha256").update(text, "utf8").digest();
}

function isExpired(token: Token, now: number): boolean {
  return token.expiresAt !== undefined && token.expiresAt <= now;
}

/** A token as the door sees it. */
interface TokenPrincipal extends Principal {
  readonly token: Token;
}

/** The token behind a caller; the operator's credential has none. */
export function tokenOf(caller: Principal): Token | undefined {
  return "token" in caller ? (caller as TokenPrincipal).token : undefined;
}

/** Times of last use, handed over now and then: a write for each request would cost an fsync. */
export interface UseLog {
  note(tokenId: string, now: number): void;
}

/**
 * Recognises stored tokens, and the operator's credential, which acts for the first account or for
 * the one that it names.
 */
export function authenticator(
  store: AccountStore,
  operatorCredential: string,
  uses: UseLog,
  clock: Clock,
): Authenticate {
  const operatorHash = hashToken(operatorCredential);
  return (credential, actingFor) => {
    const hash = hashToken(credential);
    // Both are digests, so the time that a comparison takes tells nothing of the credential.
    if (Buffer.compare(hash, operatorHash) === 0) return operator(store, actingFor);
    const token = store.findTokenByHash(hash);
    if (token === undefined || isExpired(token, clock.now())) return undefined;
    uses.note(token.id, clock.now());
    const principal: TokenPrincipal = {
      id: token.id,
      accountId: token.accountId,
      operator: false,
      token,
      allows: (scope) => scopesAllow(token.scopes, scope),
    };
    return principal;
  };
}

function operator(store: AccountStore, actingFor: string | undefined): Principal {
  const account =
    actingFor === undefined ? store.firstAccount() : store.findAccountByEmail(actingFor);
  if (account === undefined) throw notFound(`There is no account ${actingFor ?? ""}`.trim());
  return { id: "operator", accountId: account.id, operator: true, allows: () => true };
}
