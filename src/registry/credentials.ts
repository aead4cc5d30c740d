import { randomUUID } from "node:crypto";
import type { AccountStore } from "#account/account.ts";
import { hashToken, newTokenText, tokenOf } from "#account/token.ts";
import type { Principal } from "#api/principal.ts";
import type { Clock } from "#clock.ts";
import { notFound, Problem } from "#problem.ts";
import type { Registry } from "./registry.ts";

/** Where docker would look for DigitalOcean's, and Terraform and doctl do (CONTRACT §4.1). */
const DIGITALOCEAN_HOST = "registry.digitalocean.com";

/** What a credential is asked to be able to do. */
export interface CredentialWish {
  readonly readWrite: boolean;
  /** Absent: it does not expire. */
  readonly seconds?: number;
}

export interface CredentialParts {
  readonly accounts: AccountStore;
  /** As clients reach our registry, with the port. Asked each time: known once it listens. */
  readonly hosts: () => readonly string[];
  readonly clock: Clock;
}

/** A docker config.json. */
export interface DockerConfig {
  readonly auths: Readonly<Record<string, { readonly auth: string }>>;
}

/** The first is what `GET /v2/account` takes, which clients try a credential with. */
const READ_SCOPES = ["account:read", "registry:read"];
const WRITE_SCOPES = ["registry:update", "registry:delete"];

/** @throws Problem("forbidden") when the caller may not push himself */
export function refuseEscalation(caller: Principal, readWrite: boolean): void {
  if (!readWrite || caller.allows("registry:update")) return;
  throw new Problem("forbidden", "You do not have permission to perform this action.");
}

/** What the credential may: nobody hands on a right that he does not have. */
function scopesOf(caller: Principal, { readWrite }: CredentialWish): readonly string[] {
  const scopes = readWrite ? [...READ_SCOPES, ...WRITE_SCOPES] : READ_SCOPES;
  return scopes.filter((scope) => caller.allows(scope));
}

interface Lifetime {
  /** Absent: it does not expire. */
  readonly expiresAt?: number;
  /** The token that it goes with. */
  readonly boundTo?: string;
}

/**
 * How long it lasts. Who may make tokens gets one for itself, as of DigitalOcean. Who may not would
 * otherwise keep what he has beyond its end: his credential goes with his own token.
 */
function lifetimeOf(caller: Principal, { seconds }: CredentialWish, now: number): Lifetime {
  const own = caller.allows("token:create") ? undefined : tokenOf(caller);
  const wished = seconds === undefined ? Infinity : now + seconds * 1_000;
  const expiresAt = Math.min(wished, own?.expiresAt ?? Infinity);
  return {
    ...(expiresAt === Infinity ? {} : { expiresAt }),
    ...(own === undefined ? {} : { boundTo: own.id }),
  };
}

/** Mints an API token for docker: it is listed by its purpose, and works until it is revoked. */
export async function mintCredential(
  parts: CredentialParts,
  caller: Principal,
  registry: Registry,
  wish: CredentialWish,
): Promise<DockerConfig> {
  const { accounts, hosts, clock } = parts;
  const account = accounts.findAccount(caller.accountId);
  if (account === undefined) throw notFound();
  const now = clock.now();
  const text = newTokenText();
  const token = await accounts.createToken({
    id: randomUUID(),
    accountId: account.id,
    name: `container-registry-${registry.name}-${Math.floor(now / 1_000)}`,
    scopes: scopesOf(caller, wish),
    createdAt: now,
    ...lifetimeOf(caller, wish, now),
    hash: hashToken(text),
  });
  // Revoked since the door has let it in.
  if (token === "bound-to-none") {
    const fields = { "www-authenticate": "Bearer" };
    throw new Problem("unauthorized", "Unable to authenticate you.", { fields });
  }
  // 256 random bits that were there already would be our mistake, not the caller's.
  if (token === "hash-taken") throw new Error("A new token had the hash of a stored one");
  const auth = Buffer.from(`${userName(account.email)}:${text}`).toString("base64");
  const places = [...hosts(), DIGITALOCEAN_HOST];
  return { auths: Object.fromEntries(places.map((host) => [host, { auth }])) };
}

/** Clients split at the one colon. Whoever signs in by token may call himself as he likes. */
function userName(email: string): string {
  return email.replaceAll(":", "");
}
