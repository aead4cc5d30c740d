import type { Freshness } from "#edge/cache/freshness.ts";
import { freshnessOf } from "#edge/cache/freshness.ts";
import { decideReuse, type Reuse, type ReuseInput } from "#edge/cache/reuse-decision.ts";
import {
  decidePartStorage,
  decideStorage,
  type Storage,
  type StorageInput,
} from "#edge/cache/storage-decision.ts";
import type { EndpointRole } from "#feed/entry.ts";
import { formatHttpDate } from "#http/http-date.ts";

/** When every response here is received. */
export const NOW = Date.UTC(2026, 10, 22, 12);
export const DATE = formatHttpDate(NOW);

/** The HTTP-date so many seconds after it. */
export function dateIn(seconds: number): string {
  return formatHttpDate(NOW + seconds * 1_000);
}

/** What was received, as far as a case cares: else a 200 with a validator, from a Space. */
export interface Received {
  readonly role?: EndpointRole;
  readonly ttl?: number;
  readonly status?: number;
  readonly authorized?: boolean;
  readonly replaces?: boolean;
  readonly length?: StorageInput["length"];
  /** None that the case does not name. */
  readonly bare?: boolean;
}

/** An endpoint's TTL where a case names none: a Space has one always, a proxy not. */
const TTL = 3_600;

function inputOf(fields: readonly string[], received: Received): StorageInput {
  const { role = "space", ttl = role === "space" ? TTL : undefined, status = 200 } = received;
  return {
    status,
    fields: received.bare === true ? fields : ["etag", '"a"', ...fields],
    length: received.length ?? 10,
    bodyBytesMax: 100,
    requestTime: NOW,
    responseTime: NOW,
    endpoint: { role, ...(ttl === undefined ? {} : { ttl }) },
    authorized: received.authorized ?? false,
    replaces: received.replaces ?? false,
  };
}

/** What becomes of a response with these fields: `store`, or why not. */
export function stored(fields: readonly string[], received: Received = {}): string {
  return verdict(decideStorage(inputOf(fields, received)));
}

/** The same for a 206. */
export function storedPart(fields: readonly string[], received: Received = {}): string {
  return verdict(decidePartStorage(inputOf(fields, { status: 206, ...received })));
}

export function withheldOf(fields: readonly string[], received: Received = {}): readonly string[] {
  const storage = decideStorage(inputOf(fields, received));
  return storage.kind === "store" ? (storage.withheld ?? []) : [];
}

function verdict(storage: Storage): string {
  return storage.kind === "store" ? "store" : storage.reason;
}

export function kept(fields: readonly string[], received: Received = {}): Freshness {
  const { requestTime, responseTime, status } = inputOf(fields, received);
  return freshnessOf({ status, fields, requestTime, responseTime }, received.role ?? "space");
}

/** What of a stored response is not in its fields. */
export interface Stored extends Received {
  readonly softPurged?: boolean;
  readonly failedSecondsAgo?: number;
  readonly hasValidator?: boolean;
}

/** What is made of a stored response with these fields so many seconds after it came. */
export function reused(fields: readonly string[], seconds: number, about: Stored = {}): Reuse {
  const { role, ttl } = inputOf(fields, about).endpoint;
  const now = NOW + seconds * 1_000;
  const ago = about.failedSecondsAgo;
  const input: ReuseInput = {
    freshness: kept(fields, about),
    hasValidator: about.hasValidator ?? true,
    endpoint: { ...(role === undefined ? {} : { role }), ...(ttl === undefined ? {} : { ttl }) },
    softPurged: about.softPurged ?? false,
    failedAt: ago === undefined ? undefined : now - ago * 1_000,
  };
  return decideReuse(input, now);
}

/** Which failures it may be served after, once it has to be asked for. */
export function ifError(fields: readonly string[], seconds: number, about: Stored = {}): string {
  const reuse = reused(fields, seconds, about);
  return "ifError" in reuse ? reuse.ifError : reuse.kind;
}
