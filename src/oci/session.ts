import { hkdfSync, randomUUID } from "node:crypto";
import { errors, jwtVerify, SignJWT } from "jose";
import { z } from "zod";
import type { Clock } from "#clock.ts";
import { KNOWN_SESSIONS_MAX, SESSION_SECONDS } from "./limits.ts";
import type { Grant } from "./scope.ts";

const ISSUER = "atoll";
const AUDIENCE = "atoll-registry";

/** What a session is for, and the API token behind it: it ends with that one. */
interface Session {
  readonly accountId: number;
  readonly tokenId: string;
  readonly grants: readonly Grant[];
}

type VerifiedSession =
  | { readonly kind: "session"; readonly session: Session }
  | { readonly kind: "expired" }
  | { readonly kind: "forged" };

/** Docker's token specification: JSON web tokens (RFC 7519) that live for a quarter of an hour. */
export interface Sessions {
  issue(session: Session): Promise<{ readonly token: string; readonly issuedAt: number }>;
  verify(token: string): Promise<VerifiedSession>;
}

const Claims = z.object({
  sub: z.string(),
  account: z.int(),
  exp: z.int(),
  access: z.array(
    z.object({ type: z.string(), name: z.string(), actions: z.array(z.string()).readonly() }),
  ),
});

interface Known {
  readonly session: Session;
  readonly expiresAt: number;
}

/** HS256 under a key that is derived from the master key: whoever restarts signs nobody out. */
export function sessionsUnder(masterKey: Uint8Array, clock: Clock): Sessions {
  const key = new Uint8Array(hkdfSync("sha256", masterKey, "", "registry/sessions", 32));
  const known = new Map<string, Known>();

  function remember(token: string, entry: Known): void {
    known.set(token, entry);
    if (known.size <= KNOWN_SESSIONS_MAX) return;
    const oldest = known.keys().next();
    if (!oldest.done) known.delete(oldest.value);
  }

  return {
    issue: async ({ accountId, tokenId, grants }) => {
      const issuedAt = Math.floor(clock.now() / 1_000);
      const token = await new SignJWT({ account: accountId, access: grants })
        .setProtectedHeader({ alg: "HS256", typ: "JWT" })
        .setIssuer(ISSUER)
        .setAudience(AUDIENCE)
        .setSubject(tokenId)
        .setIssuedAt(issuedAt)
        .setNotBefore(issuedAt)
        .setExpirationTime(issuedAt + SESSION_SECONDS)
        .setJti(randomUUID())
        .sign(key);
      return { token, issuedAt: issuedAt * 1_000 };
    },

    verify: async (token) => {
      const now = clock.now();
      const before = known.get(token);
      if (before !== undefined && before.expiresAt > now) {
        return { kind: "session", session: before.session };
      }
      known.delete(token);
      try {
        const { payload } = await jwtVerify(token, key, {
          algorithms: ["HS256"],
          issuer: ISSUER,
          audience: AUDIENCE,
          currentDate: new Date(now),
        });
        const { sub, account, exp, access } = Claims.parse(payload);
        const session: Session = { tokenId: sub, accountId: account, grants: access };
        remember(token, { session, expiresAt: exp * 1_000 });
        return { kind: "session", session };
      } catch (error) {
        return { kind: error instanceof errors.JWTExpired ? "expired" : "forged" };
      }
    },
  };
}
