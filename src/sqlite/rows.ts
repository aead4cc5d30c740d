import type { Account, Token } from "#account/account.ts";
import type { Endpoint, Ttl } from "#cdn/endpoint.ts";
import type { KeptSettings } from "#cdn/settings.ts";
import type { ServingCertificate } from "#certificate/serving.ts";
import type { CorsRule } from "#feed/entry.ts";
import type { Space, SpaceUsage, StoredObject } from "#space/space.ts";

/** Columns as SQLite gives them; one function per table makes the concept's own value of a row. */
export interface EndpointRow {
  readonly id: string;
  readonly account_id: number;
  readonly name: string;
  readonly region: string;
  readonly domain: string;
  readonly ttl: number;
  readonly custom_domain: string | null;
  readonly certificate_id: string | null;
  readonly settings: string | null;
  readonly created_at: number;
}

/** What an edge's view of an endpoint is made of. */
export interface EdgeRow {
  readonly id: string;
  readonly name: string;
  readonly region: string;
  readonly domain: string;
  readonly ttl: number;
  readonly custom_domain: string | null;
  readonly upstream: string | null;
  readonly sealed_credentials: Uint8Array | null;
  readonly settings: string | null;
  readonly sealed_url_secrets: Uint8Array | null;
  readonly cors: string | null;
  readonly space_id: number;
}

export interface CertificateRow {
  readonly id: string;
  readonly own_name: string | null;
  readonly names: string;
  readonly chain: string;
  readonly sealed_key: Uint8Array;
  readonly not_after: number;
}

/** A challenge that the edges answer. */
export interface ChallengeRow {
  readonly id: string;
  readonly sealed_answer: Uint8Array;
}

export interface AccountRow {
  readonly id: number;
  readonly uuid: string;
  readonly email: string;
  readonly name: string;
  readonly created_at: number;
}

export interface TokenRow {
  readonly id: string;
  readonly account_id: number;
  readonly name: string;
  readonly scopes: string;
  readonly created_at: number;
  readonly expires_at: number | null;
  readonly last_used_at: number | null;
}

export interface SpaceRow {
  readonly id: number;
  readonly account_id: number;
  readonly name: string;
  readonly region: string;
  readonly upstream: string | null;
  readonly sealed_credentials: Uint8Array | null;
  readonly cors: string | null;
  readonly created_at: number;
}

export interface ObjectRow {
  readonly space_id: number;
  readonly key: string;
  readonly file: string;
  readonly size_bytes: number;
  readonly etag: string;
  readonly content_type: string;
  readonly cache_control: string | null;
  readonly content_encoding: string | null;
  readonly content_disposition: string | null;
  readonly metadata: string;
  readonly last_modified: number;
}

export function toEndpoint(row: EndpointRow): Endpoint {
  return {
    id: row.id,
    accountId: row.account_id,
    origin: { name: row.name, region: row.region, domain: row.domain },
    ttl: row.ttl as Ttl,
    ...given("customDomain", row.custom_domain),
    ...given("certificateId", row.certificate_id),
    ...(row.settings === null ? {} : { settings: toSettings(row.settings) }),
    createdAt: row.created_at,
  };
}

export function toServingCertificate(
  row: CertificateRow & { readonly managed: 0 | 1 },
): ServingCertificate {
  return {
    id: row.id,
    ...given("ownName", row.own_name),
    ...(row.managed === 1 ? { managed: true } : {}),
    names: JSON.parse(row.names) as string[],
    chain: row.chain,
    sealedKey: row.sealed_key,
    notAfter: row.not_after,
  };
}

export function toAccount(row: AccountRow): Account {
  return {
    id: row.id,
    uuid: row.uuid,
    email: row.email,
    name: row.name,
    createdAt: row.created_at,
  };
}

export function toToken(row: TokenRow): Token {
  return {
    id: row.id,
    accountId: row.account_id,
    name: row.name,
    scopes: JSON.parse(row.scopes) as string[],
    createdAt: row.created_at,
    ...given("expiresAt", row.expires_at),
    ...given("lastUsedAt", row.last_used_at),
  };
}

export function toSpace(row: SpaceRow): Space {
  return {
    id: row.id,
    accountId: row.account_id,
    name: row.name,
    region: row.region,
    ...given("upstream", row.upstream),
    ...given("sealedCredentials", row.sealed_credentials),
    ...(row.cors === null ? {} : { cors: JSON.parse(row.cors) as CorsRule[] }),
    createdAt: row.created_at,
  };
}

export function toSpaceUsage(
  row: SpaceRow & { readonly object_count: number; readonly stored_bytes: number },
): SpaceUsage {
  return { ...toSpace(row), objectCount: row.object_count, sizeBytes: row.stored_bytes };
}

export function toObject(row: ObjectRow): StoredObject {
  return {
    spaceId: row.space_id,
    key: row.key,
    file: row.file,
    sizeBytes: row.size_bytes,
    etag: row.etag,
    contentType: row.content_type,
    ...given("cacheControl", row.cache_control),
    ...given("contentEncoding", row.content_encoding),
    ...given("contentDisposition", row.content_disposition),
    metadata: JSON.parse(row.metadata) as Record<string, string>,
    lastModified: row.last_modified,
  };
}

/** The column of what is settled for an endpoint; NULL: all is off. */
export function toSettings(settings: string | null): KeptSettings {
  return settings === null ? {} : (JSON.parse(settings) as KeptSettings);
}

/** SQL's NULL is a member that is not there. */
function given<K extends string, V>(name: K, value: V | null): { [P in K]?: V } {
  return value === null ? {} : ({ [name]: value } as { [P in K]: V });
}
