import type { Listed } from "#api/page.ts";
import type { Origin } from "#space/name.ts";
import type { KeptSettings, SettingsChanges } from "./settings.ts";

/** Freshness lifetimes an endpoint may have, in seconds (CONTRACT §2). */
export const TTLS = [60, 600, 3_600, 86_400, 604_800] as const;
export const DEFAULT_TTL = 3_600;
export type Ttl = (typeof TTLS)[number];

/**
 * As a `certificate_id` (CONTRACT §2): Atoll obtains a certificate for the custom domain, and renews
 * it, for as long as the endpoint has both.
 */
export const OWN_CERTIFICATE = "needs-cloudflare-cert";

/** A Space served through the edge. */
export interface Endpoint {
  readonly id: string;
  readonly accountId: number;
  readonly origin: Origin;
  readonly ttl: Ttl;
  readonly customDomain?: string;
  /** Of a certificate of the account, or `OWN_CERTIFICATE`. */
  readonly certificateId?: string;
  /** Absent: all are off. */
  readonly settings?: KeptSettings;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

/** What an update changes: a member that is absent stays, `null` clears. */
export interface EndpointChanges {
  readonly ttl?: Ttl;
  readonly customDomain?: string | null;
  readonly certificateId?: string | null;
}

/** The name that the CDN serves an endpoint under (CONTRACT §2). */
export function endpointHost({ name, region, domain }: Origin): string {
  return `${name}.${region}.cdn.${domain}`;
}

/** Every endpoint answers under this too: `.localhost` reaches any browser here. */
const LOCAL_DOMAIN = "spaces.localhost";

/** Every name that the edge answers an endpoint under. */
export function ownHosts(endpoint: Endpoint): readonly string[] {
  const { origin, customDomain } = endpoint;
  const hosts = [endpointHost(origin), endpointHost({ ...origin, domain: LOCAL_DOMAIN })];
  return customDomain === undefined ? hosts : [...hosts, customDomain];
}

/** Endpoints of one region and Spaces domain share their certificates. */
export type Region = Pick<Origin, "region" | "domain">;

/** What covers the names that the CDN gives to endpoints of a region, as certificates write it. */
export function regionWildcards(region: Region): readonly string[] {
  const domains = new Set([region.domain, LOCAL_DOMAIN]);
  return [...domains].map((domain) => endpointHost({ ...region, name: "*", domain }));
}

export interface PurgeOptions {
  readonly soft: boolean;
}

/** Why an endpoint cannot have a certificate. */
export type CertificateMisfit =
  | { readonly reason: "certificate-missing" | "certificate-without-domain" }
  | {
      readonly reason: "certificate-covers-others";
      readonly domain: string;
      /** The names that it is good for. */
      readonly covered: readonly string[];
    };

/** Why an endpoint cannot be made, or cannot become so. */
export type CreateRefusal =
  | {
      readonly reason:
        | "origin-taken"
        | "custom-domain-taken"
        | "space-missing"
        | "space-of-another-account";
    }
  | CertificateMisfit;
export type UpdateRefusal =
  | { readonly reason: "missing" | "custom-domain-taken" }
  | CertificateMisfit;

export type Created =
  | { readonly kind: "created"; readonly endpoint: Endpoint; readonly number: number }
  | ({ readonly kind: "refused" } & CreateRefusal);

export type Updated =
  | { readonly kind: "updated"; readonly endpoint: Endpoint; readonly number: number }
  | ({ readonly kind: "refused" } & UpdateRefusal);

export type SettingsChanged =
  | { readonly kind: "changed"; readonly settings: KeptSettings; readonly number: number }
  | { readonly kind: "missing" }
  /** The reason begins with the member. */
  | { readonly kind: "invalid"; readonly reason: string };

/**
 * Port: endpoints, and the feed that tells the edges of them and of the certificates that their
 * custom domains need. A change and its feed numbers are one transaction; a returned number has been
 * handed to the edges, and `Feed.settled` waits for them.
 */
export interface EndpointStore {
  /** Makes the Space as well when it does not exist and `strict` does not ask that it does. */
  create(endpoint: Endpoint, options: { readonly strict: boolean }): Promise<Created>;
  update(accountId: number, id: string, changes: EndpointChanges): Promise<Updated>;
  /** The change's number, or `undefined` when there was none. */
  delete(accountId: number, id: string): Promise<number | undefined>;
  /**
   * Merges a change into what is settled, as one step. Secrets of signed URLs come sealed for
   * `urlSecretsPurpose`, with those changes that count them.
   */
  changeSettings(
    accountId: number,
    id: string,
    changes: SettingsChanges,
    sealedSecrets?: Uint8Array,
  ): Promise<SettingsChanged>;
  /**
   * Patterns in canonical form; `undefined` when there is no such endpoint. What a soft one matches
   * is stale from then on, and not gone.
   */
  purge(
    accountId: number,
    id: string,
    patterns: readonly string[],
    options?: PurgeOptions,
  ): Promise<number | undefined>;
  find(accountId: number, id: string): Endpoint | undefined;
  /** In order of creation. */
  page(accountId: number, offset: number, limit: number): Listed<Endpoint>;
  /** Every region and domain that an endpoint of any account is in, once each. */
  regions(): readonly Region[];
  /** The names of the Spaces there that have endpoints, whoever's they are. */
  spacesIn(region: Region): readonly string[];
}

/** Port: TLS for names of the platform's own. */
export interface OwnNames {
  /**
   * Resolves when each of these names or wildcards has a certificate that the edges are told of
   * before whatever they are told of next. Free for those that have one.
   */
  ensure(names: readonly string[]): Promise<void>;
}

/** Port: waits until a change is in force at every live edge, or the edge is no longer one. */
export interface Feed {
  settled(number: number): Promise<void>;
}
