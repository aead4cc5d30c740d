import type { EdgeEndpoint } from "#feed/entry.ts";
import type { ExplainedStep } from "#feed/explained.ts";
import { unreachable } from "#unreachable.ts";
import { cachingPolicy } from "../cache/cache-control.ts";
import { currentAgeMs, freshnessLifetimeSeconds } from "../cache/freshness.ts";
import { type LifetimeSource, lifetimeSource } from "../cache/lifetime-source.ts";
import { isNegative, TTL_STATUSES } from "../cache/statuses.ts";
import { decideStorage } from "../cache/storage-decision.ts";
import type { StoredResponse } from "../cache/stored-response.ts";
import type { PeekedResponse } from "../tiers/peek.ts";
import type { Found } from "./decisions.ts";

/** What is there, and how long it is good for. */
export function storedStep(found: Found, endpoint: EdgeEndpoint, now: number): ExplainedStep {
  const { kept, peeked } = found;
  const varies =
    peeked.names.length === 0
      ? []
      : [`answers vary by ${peeked.names.join(", ")}: looked for is what this request selects`];
  if (kept === undefined) return { step: "stored", lines: [...varies, nothingLine(found)] };
  const { stored } = kept;
  const lines = [
    ...varies,
    `${placeOf(found)}: ${stored.status}, ${sizeOf(kept)}`,
    ageLine(stored, now),
    ...lifetimeLines(stored, endpoint),
    ...validatorLines(stored),
    ...selectingLines(stored),
    ...(stored.tags.length === 0 ? [] : [`tags: ${stored.tags.join(", ")}`]),
    ...purgedLines(found, stored),
  ];
  return { step: "stored", lines };
}

/** Why what is there was kept, by what its head still says. */
export function storageStep(stored: StoredResponse, endpoint: EdgeEndpoint): ExplainedStep {
  const { status, freshness, contentLength } = stored;
  const { responseTime } = freshness;
  const fields = stored.section.fields();
  const storage = decideStorage({
    status,
    fields,
    length: contentLength ?? "chunked",
    bodyBytesMax: Infinity,
    requestTime: responseTime,
    responseTime,
    endpoint,
    // What a credential was answered with is there only if it is for all (RFC 9111 §3.5).
    authorized: false,
    replaces: false,
  });
  if (storage.kind === "pass") {
    return { step: "storage", lines: [`it would not be kept today: ${storage.reason}`] };
  }
  const reuse = stored.hasValidator
    ? "it has a validator, so that the origin can confirm it"
    : "it has no validator, and is kept for as long as it may be used without asking";
  return { step: "storage", lines: [statusLine(stored, fields, endpoint), reuse] };
}

function statusLine(
  { status, freshness }: StoredResponse,
  fields: readonly string[],
  { role, ttl }: EdgeEndpoint,
): string {
  if (role !== "proxy" && isNegative(status)) {
    return `a ${status} of a Space is kept for a moment, so that not each request asks for it`;
  }
  if (freshness.lifetimeSeconds !== undefined) {
    return `it says itself how long it is fresh (RFC 9111 §3)`;
  }
  if (ttl !== undefined && TTL_STATUSES.has(status)) return `a ${status} has the TTL`;
  const isPublic = cachingPolicy(fields, freshness.responseTime).public;
  return isPublic
    ? "it says public (RFC 9111 §3)"
    : `a ${status} may be kept unless it says otherwise (RFC 9110 §15.1)`;
}

function nothingLine({ peeked }: Found): string {
  if (peeked.disk === "none") return "nothing in memory, and there is no disk tier";
  return peeked.disk === "unknown"
    ? "nothing in memory; the disk does not say: it rests, or is slow"
    : "nothing, neither in memory nor on disk";
}

function placeOf({ peeked }: Found): string {
  const isOnDisk = typeof peeked.disk === "object";
  if (peeked.memory === undefined) return "on disk";
  return isOnDisk ? "in memory, and on disk" : "in memory";
}

function sizeOf({ bodyBytes, slices }: PeekedResponse): string {
  if (slices === undefined) return `${bodyBytes} octets`;
  return `${bodyBytes} octets in ${slices.all} slices, of which ${slices.inMemory} are in memory`;
}

function ageLine({ freshness }: StoredResponse, now: number): string {
  const { responseTime, ageValueSeconds } = freshness;
  const age = Math.floor(currentAgeMs(freshness, now) / 1_000);
  const came = ageValueSeconds === 0 ? "" : `; it came with Age: ${ageValueSeconds}`;
  return `received ${new Date(responseTime).toISOString()}, ${age} s old by now${came}`;
}

function lifetimeLines({ freshness, section }: StoredResponse, endpoint: EdgeEndpoint): string[] {
  const { ttl } = endpoint;
  const { noCache, mustRevalidate, ceilingSeconds } = freshness;
  const { staleWhileRevalidateSeconds: whileAsked, staleIfErrorSeconds: ifError } = freshness;
  const seconds = freshnessLifetimeSeconds(freshness, ttl);
  const source = sourceWords(lifetimeSource(section.fields(), freshness, ttl));
  const most = ceilingSeconds === undefined ? "" : `, for ${ceilingSeconds} s at most: it failed`;
  return [
    `fresh for ${seconds} s, ${source}${most}`,
    ...(noCache ? ["no-cache: never used without asking the origin"] : []),
    ...(mustRevalidate && !noCache ? ["must-revalidate, or what says so: never used stale"] : []),
    ...(whileAsked > 0 ? [`stale-while-revalidate: for ${whileAsked} s more`] : []),
    ...(ifError === undefined ? [] : [`stale-if-error: for ${ifError} s more`]),
  ];
}

function sourceWords(source: LifetimeSource): string {
  switch (source.kind) {
    case "directive":
      return `by ${source.name} of ${source.field}`;
    case "expires":
      return "by Expires";
    case "ttl":
      return "by the endpoint's TTL";
    case "heuristic":
      return "a tenth of the time since Last-Modified";
    case "nothing":
      return "since nothing says for how long";
    default:
      return unreachable(source);
  }
}

function validatorLines({ validators }: StoredResponse): string[] {
  const { etag, lastModified } = validators;
  const said = [
    ...(etag === undefined ? [] : [`ETag ${etag}`]),
    ...(lastModified === undefined ? [] : [`Last-Modified ${lastModified}`]),
  ];
  return [`validators: ${said.length === 0 ? "none" : said.join(", ")}`];
}

/** The names alone: a value may be a credential. */
function selectingLines({ selecting }: StoredResponse): string[] {
  const names = selecting.filter((_, i) => i % 2 === 0);
  return names.length === 0 ? [] : [`selected by ${names.join(", ")}`];
}

function purgedLines({ purged }: Found, { softPurged }: StoredResponse): string[] {
  if (purged === "gone") return ["it was purged: nobody is answered with it"];
  return softPurged ? ["a soft purge made it stale"] : [];
}
