import { randomUUID } from "node:crypto";
import type { Listed } from "#api/page.ts";
import type { Principal } from "#api/principal.ts";
import type { RateLimiter } from "#api/rate-limit.ts";
import type { Clock } from "#clock.ts";
import type { StoredFound } from "#feed/message.ts";
import { notFound, Problem } from "#problem.ts";
import type { Seal } from "#seal.ts";
import { parseOrigin } from "#space/name.ts";
import { parseCustomDomain } from "./custom-domain.ts";
import {
  DEFAULT_TTL,
  type Endpoint,
  type EndpointChanges,
  type EndpointStore,
  type Feed,
  OWN_CERTIFICATE,
  type OwnNames,
  ownHosts,
  type PurgeOptions,
  regionWildcards,
  type Ttl,
} from "./endpoint.ts";
import { createRefusal, invalidOrigin, updateRefusal } from "./endpoint-refusal.ts";
import { PREVIEW_MATCHES_MAX } from "./limits.ts";
import { parsePurgeFiles } from "./purge-files.ts";
import { type KeptSettings, type SettingsChanges, urlSecretsPurpose } from "./settings.ts";
import type { StoredListing } from "./stored-listing.ts";

/** What the rules of CDN endpoints are given. */
export interface EndpointServiceParts {
  readonly store: EndpointStore;
  readonly feed: Feed;
  readonly ownNames: OwnNames;
  /** Told of an endpoint that is new, or has asked for a certificate of its own. */
  readonly onCertificateDue: (endpoint: Endpoint) => void;
  readonly stored: StoredListing;
  readonly seal: Seal;
  readonly limiter: RateLimiter;
  readonly clock: Clock;
  readonly spacesDomains: readonly string[];
  /** Names that no custom domain may lie under. */
  readonly platformDomains: readonly string[];
  /** A Space must exist before it is served. */
  readonly strict: boolean;
  /** Paths one purge may name. */
  readonly purgeFilesMax: number;
}

/** The members of a create or update, as a client sends them; `""` is as absent. */
export interface EndpointMembers {
  readonly ttl?: Ttl | 0 | undefined;
  readonly custom_domain?: string | undefined;
  readonly certificate_id?: string | undefined;
}

/** The rules of CONTRACT §2. What it has answered is durable and in force on every live edge. */
export class EndpointService {
  readonly #parts: EndpointServiceParts;
  /** Purges under way: two identical ones cannot run at the same time (CONTRACT §1.3). */
  readonly #purging = new Set<string>();

  constructor(parts: EndpointServiceParts) {
    this.#parts = parts;
  }

  find(accountId: number, id: string): Endpoint | undefined {
    return this.#parts.store.find(accountId, id);
  }

  page(accountId: number, offset: number, limit: number): Listed<Endpoint> {
    return this.#parts.store.page(accountId, offset, limit);
  }

  /** @throws Problem: 422 for bad values, 404 for an unknown certificate, 409 for what is taken */
  async create(
    accountId: number,
    members: EndpointMembers & { readonly origin: string },
  ): Promise<Endpoint> {
    const { store, feed, ownNames, clock, spacesDomains, strict } = this.#parts;
    const parsed = parseOrigin(members.origin, spacesDomains);
    if (parsed.kind === "invalid") throw invalidOrigin(parsed.reason);
    const customDomain = this.#customDomain(members.custom_domain);
    const certificateId = members.certificate_id === "" ? undefined : members.certificate_id;
    // Before, so that no endpoint is ever without TLS. One that is refused below leaves it behind.
    await ownNames.ensure(regionWildcards(parsed.origin));
    const result = await store.create(
      {
        id: randomUUID(),
        accountId,
        origin: parsed.origin,
        ttl: members.ttl === undefined || members.ttl === 0 ? DEFAULT_TTL : members.ttl,
        ...(customDomain === undefined ? {} : { customDomain }),
        ...(certificateId === undefined ? {} : { certificateId }),
        createdAt: clock.now(),
      },
      { strict },
    );
    if (result.kind === "refused") throw createRefusal(result, customDomain);
    this.#parts.onCertificateDue(result.endpoint);
    await feed.settled(result.number);
    return result.endpoint;
  }

  /** Members that are absent stay; empty ones clear. */
  async update(endpoint: Endpoint, members: EndpointMembers): Promise<Endpoint> {
    const { store, feed } = this.#parts;
    const changes = this.#changes(members);
    const result = await store.update(endpoint.accountId, endpoint.id, changes);
    if (result.kind === "refused") throw updateRefusal(result, members.custom_domain);
    const { certificateId } = result.endpoint;
    if (certificateId === OWN_CERTIFICATE) this.#parts.onCertificateDue(result.endpoint);
    await feed.settled(result.number);
    return result.endpoint;
  }

  async delete(endpoint: Endpoint): Promise<void> {
    const number = await this.#parts.store.delete(endpoint.accountId, endpoint.id);
    if (number === undefined) throw notFound();
    await this.#parts.feed.settled(number);
  }

  /**
   * Merges a change into what is settled. Secrets take the place of all that were there.
   * @throws Problem("unprocessable_entity") that names the member, for what could not be so
   */
  async changeSettings(
    endpoint: Endpoint,
    changes: SettingsChanges,
    secrets?: readonly string[],
  ): Promise<KeptSettings> {
    const { store, feed, seal } = this.#parts;
    const { accountId, id } = endpoint;
    const result =
      secrets === undefined
        ? await store.changeSettings(accountId, id, changes)
        : await store.changeSettings(
            accountId,
            id,
            { ...changes, signedUrls: { ...changes.signedUrls, secretCount: secrets.length } },
            seal.seal(JSON.stringify(secrets), urlSecretsPurpose(id)),
          );
    // It was there when the door looked: somebody deleted it in between.
    if (result.kind === "missing") throw notFound();
    if (result.kind === "invalid") throw new Problem("unprocessable_entity", result.reason);
    await feed.settled(result.number);
    return result.settings;
  }

  /**
   * When it returns, no request that begins later is answered with what was stored before as if it
   * were fresh; unless the purge was soft, not at all.
   */
  async purge(
    caller: Principal,
    endpoint: Endpoint,
    files: readonly string[],
    { soft }: PurgeOptions,
  ): Promise<void> {
    const patterns = this.#patterns(endpoint, files);
    const name = JSON.stringify([endpoint.id, soft, ...patterns]);
    if (this.#purging.has(name)) throw identicalPurge();
    if (!caller.operator) this.#parts.limiter.take(caller.id, ["purgeFiles"], files.length);
    this.#purging.add(name);
    try {
      const { store, feed } = this.#parts;
      const number = await store.purge(endpoint.accountId, endpoint.id, patterns, { soft });
      if (number === undefined) throw notFound();
      await feed.settled(number);
    } finally {
      this.#purging.delete(name);
    }
  }

  /** What a purge of the same files would drop now. */
  async preview(endpoint: Endpoint, files: readonly string[]): Promise<StoredFound> {
    const patterns = this.#patterns(endpoint, files);
    return this.#parts.stored.list(endpoint.id, patterns, PREVIEW_MATCHES_MAX);
  }

  #changes(members: EndpointMembers): EndpointChanges {
    const changes: { -readonly [K in keyof EndpointChanges]: EndpointChanges[K] } = {};
    if (members.ttl !== undefined && members.ttl !== 0) changes.ttl = members.ttl;
    if (members.custom_domain !== undefined) {
      changes.customDomain = this.#customDomain(members.custom_domain) ?? null;
    }
    if (members.certificate_id !== undefined && members.certificate_id !== "") {
      changes.certificateId = members.certificate_id;
    } else if (members.certificate_id === "" || changes.customDomain === null) {
      // A certificate is for the domain, and goes with it.
      changes.certificateId = null;
    }
    return changes;
  }

  #customDomain(text: string | undefined): string | undefined {
    if (text === undefined || text === "") return undefined;
    const parsed = parseCustomDomain(text, this.#parts.platformDomains);
    if (parsed.kind === "domain") return parsed.domain;
    throw new Problem("unprocessable_entity", `custom_domain: ${parsed.reason}`);
  }

  #patterns(endpoint: Endpoint, files: readonly string[]): readonly string[] {
    return parsePurgeFiles(files, {
      ownHosts: ownHosts(endpoint),
      filesMax: this.#parts.purgeFilesMax,
      query: endpoint.settings?.query,
    });
  }
}

function identicalPurge(): Problem {
  return new Problem("too_many_requests", "An identical purge is under way. Retry in 1 s.", {
    fields: { "retry-after": "1" },
  });
}
