import type { AccountStore, Token } from "#account/account.ts";
import { hashToken, type UseLog } from "#account/token.ts";
import { networkOf } from "#api/network.ts";
import type { RateLimiter } from "#api/rate-limit.ts";
import type { Clock } from "#clock.ts";
import { type Action, type Grant, grantsCover, tokenAllows } from "./scope.ts";
import type { Sessions } from "./session.ts";

/** Who asks: an API token, or a session that one was given for. */
export interface Caller {
  readonly accountId: number;
  readonly tokenId: string;
  readonly scopes: readonly string[];
  /** Whether the token may do that at all. */
  allows(action: Action): boolean;
  /** Whether what it signed in for covers this: a token by itself is for everything. */
  covers(needed: Grant): boolean;
}

export type SignedIn =
  | { readonly kind: "caller"; readonly caller: Caller }
  /** No credential was given. */
  | { readonly kind: "nobody" }
  /** RFC 6750 §3.1: the session has expired, or its token is gone; a new one may be had. */
  | { readonly kind: "session-over" }
  | { readonly kind: "wrong-credential" };

export interface SignInParts {
  readonly accounts: Pick<AccountStore, "findTokenByHash" | "findToken">;
  readonly sessions: Sessions;
  readonly uses: UseLog;
  /** Counts failed sign-ins by address. */
  readonly strangers: RateLimiter;
  readonly clock: Clock;
}

/** RFC 7519 §3: three parts, the first of them a JSON object. */
const SESSION = /^eyJ[\w-]*\.[\w-]+\.[\w-]+$/;

/** Recognises callers of the registry. */
export class SignIn {
  readonly #parts: SignInParts;

  constructor(parts: SignInParts) {
    this.#parts = parts;
  }

  /**
   * By the Authorization field: Basic, or Bearer with a session or an API token.
   * @throws Problem("too_many_requests") when an address has guessed too often
   */
  async byField(authorization: string | undefined, address: string): Promise<SignedIn> {
    if (authorization === undefined) return { kind: "nobody" };
    const bearer = /^bearer +([\x21-\x7e]+) *$/i.exec(authorization)?.[1];
    if (bearer !== undefined && SESSION.test(bearer)) return this.#bySession(bearer, address);
    return this.bySecret(bearer ?? basicPassword(authorization) ?? "", address);
  }

  /** By an API token's text; the user beside it in Basic may be anything. */
  bySecret(secret: string, address: string): SignedIn {
    const token = this.#parts.accounts.findTokenByHash(hashToken(secret));
    const caller = this.#alive(token);
    if (caller === undefined) return this.#wrong(address);
    return { kind: "caller", caller };
  }

  async #bySession(text: string, address: string): Promise<SignedIn> {
    const verified = await this.#parts.sessions.verify(text);
    if (verified.kind === "forged") return this.#wrong(address);
    if (verified.kind === "expired") return { kind: "session-over" };
    const { accountId, tokenId, grants } = verified.session;
    // A revoked token ends its sessions at their next use.
    const caller = this.#alive(this.#parts.accounts.findToken(accountId, tokenId));
    if (caller === undefined) return { kind: "session-over" };
    const covers = (needed: Grant): boolean => grantsCover(grants, needed);
    return { kind: "caller", caller: { ...caller, covers } };
  }

  #alive(token: Token | undefined): Caller | undefined {
    const { clock, uses } = this.#parts;
    const now = clock.now();
    if (token === undefined || (token.expiresAt ?? Infinity) <= now) return undefined;
    uses.note(token.id, now);
    return {
      accountId: token.accountId,
      tokenId: token.id,
      scopes: token.scopes,
      allows: (action) => tokenAllows(token.scopes, action),
      covers: () => true,
    };
  }

  #wrong(address: string): SignedIn {
    this.#parts.strangers.take(networkOf(address), ["hour", "minute"]);
    return { kind: "wrong-credential" };
  }
}

/** RFC 7617 §2: the user has no colon, the password may have. */
function basicPassword(authorization: string): string | undefined {
  const encoded = /^basic +([A-Za-z0-9+/=_-]+) *$/i.exec(authorization)?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, "base64").toString("utf8");
  const colon = text.indexOf(":");
  return colon === -1 ? undefined : text.slice(colon + 1);
}
