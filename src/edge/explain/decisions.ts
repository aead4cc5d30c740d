import type { ExplainQuery } from "#feed/explained.ts";
import { cacheKey } from "../cache/key.ts";
import { decideLookup, type Lookup } from "../cache/lookup-decision.ts";
import { type PurgeEffect, survivesPurges } from "../cache/purges.ts";
import { decideReuse, type Reuse } from "../cache/reuse-decision.ts";
import { selects } from "../cache/vary.ts";
import { keyAuthorizationFor } from "../challenges/http-challenge.ts";
import type { Client } from "../exchange.ts";
import type { FeedFollower } from "../feed-follower.ts";
import { fieldOf } from "../fields.ts";
import type { Gate, Passage } from "../gate.ts";
import type { PlatformNames, PlatformPassage } from "../handover/platform-names.ts";
import { hostName, type LiveEndpoint } from "../names.ts";
import type { RequestHead } from "../request.ts";
import type { Siblings } from "../siblings/siblings.ts";
import type { Peeked, PeekedResponse } from "../tiers/peek.ts";
import type { Tiers } from "../tiers/tiers.ts";
import type { KeptCertificate } from "../wire/tls/certificate-directory.ts";

/** By what a worker decides of requests. */
export interface DecisionParts {
  readonly feed: FeedFollower;
  readonly gate: Gate;
  readonly tiers: Tiers;
  /** Absent: there are none. */
  readonly platform?: PlatformNames | undefined;
  /** Absent: this worker is the only one. */
  readonly siblings?: Pick<Siblings, "owns"> | undefined;
}

/** All that is decided of a request that is not served, as far as it would come. */
export interface Decisions {
  readonly request: RequestHead;
  readonly isTls: boolean;
  readonly now: number;
  /** Over TLS, what would be shown; absent: there is none, and so no request. */
  readonly certificate: KeptCertificate | undefined;
  /** Whether it is what a CA asks for: that is answered before anything else. */
  readonly isChallenge: boolean;
  readonly live: LiveEndpoint | undefined;
  /** Of what no endpoint answers. */
  readonly handover: PlatformPassage;
  readonly passage: Passage;
  /** Absent: the edge has answered. */
  readonly looking: Looking | undefined;
}

/** What becomes of a request that has passed the gate. */
export interface Looking {
  readonly live: LiveEndpoint;
  readonly target: string;
  readonly key: string;
  readonly lookup: Lookup;
  /** Absent: nothing is looked for. */
  readonly found: Found | undefined;
}

/** What is there, and what is made of it. */
export interface Found {
  readonly peeked: Peeked;
  /** The first of the tiers that has it; absent: none. */
  readonly kept: PeekedResponse | undefined;
  readonly purged: PurgeEffect;
  readonly isSelected: boolean;
  /** Absent: there is nothing to use. */
  readonly reuse: Reuse | undefined;
  /** Whether another worker is asked before the origin is. */
  readonly isSiblings: boolean;
}

/** Of a client that is anywhere. */
const ADDRESS = "127.0.0.1";
const NO_FIELDS: readonly string[] = [];
const NONE: PlatformPassage = { kind: "none" };

/** Decides as the edge does, and does none of it: nothing is fetched, counted or noted. */
export async function decisionsOf(
  parts: DecisionParts,
  { request: asked, now }: ExplainQuery,
): Promise<Decisions> {
  const { feed, gate } = parts;
  const { isTls, host, target, method } = asked;
  const request: RequestHead = {
    version: "HTTP/1.1",
    method,
    target,
    host,
    fields: ["host", host, ...asked.fields],
    contentLength: contentLength(asked.fields),
  };
  const live = feed.endpoints.find(host);
  const certificate = isTls ? feed.certificates.find(hostName(host)) : undefined;
  // Whoever is shown a certificate for this name is on a connection that it is good for.
  const tls = { version: "TLSv1.3", covers: () => true };
  const client: Client = isTls ? { address: ADDRESS, tls } : { address: ADDRESS };
  const passage = gate.decide(request, live, client, now);
  const isChallenge = !isTls && keyAuthorizationFor(feed.challenges, request) !== undefined;
  const handover =
    (live === undefined ? parts.platform?.decide(request, client) : undefined) ?? NONE;
  const isAsked = !isChallenge && (!isTls || certificate !== undefined);
  const looking =
    isAsked && passage.kind === "admitted"
      ? await look(parts, { request, client, now }, passage)
      : undefined;
  const found = { certificate, isChallenge, live, handover, passage, looking };
  return { request, isTls, now, ...found };
}

async function look(
  { tiers, siblings }: DecisionParts,
  {
    request,
    client,
    now,
  }: { readonly request: RequestHead; readonly client: Client; readonly now: number },
  { live, target }: Extract<Passage, { kind: "admitted" }>,
): Promise<Looking> {
  const { endpoint } = live;
  const key = cacheKey(endpoint, { host: request.host, target }, client);
  const lookup = decideLookup({ ...request, target }, endpoint);
  if (lookup.kind === "bypass") return { live, target, key, lookup, found: undefined };
  const fields = endpoint.role === "proxy" ? request.fields : NO_FIELDS;
  const peeked = await tiers.peek({ key, fields });
  const isSiblings = siblings?.owns(key) === false;
  const found = { ...use(peeked, live, { target, fields }, now), isSiblings };
  return { live, target, key, lookup, found };
}

/** RFC 9111 §4, in the order of `decideStoredUse`. */
function use(
  peeked: Peeked,
  { endpoint, purges }: LiveEndpoint,
  { target, fields }: Pick<RequestHead, "target" | "fields">,
  now: number,
): Omit<Found, "isSiblings"> {
  const onDisk = typeof peeked.disk === "object" ? peeked.disk : undefined;
  const kept = peeked.memory ?? onDisk;
  const nothing = { peeked, kept, purged: "unaffected", isSelected: false } as const;
  if (kept === undefined) return { ...nothing, reuse: undefined };
  const { stored } = kept;
  const purged = survivesPurges(purges, target, stored);
  const isSelected = selects(stored.selecting, fields);
  const isUsed = purged !== "gone" && isSelected;
  const { freshness, hasValidator, softPurged, failedAt } = stored;
  const reuse = isUsed
    ? decideReuse({ freshness, hasValidator, endpoint, softPurged, failedAt }, now)
    : undefined;
  return { peeked, kept, purged, isSelected, reuse };
}

function contentLength(fields: readonly string[]): RequestHead["contentLength"] {
  if (fieldOf(fields, "transfer-encoding") !== undefined) return "unknown";
  const length = fieldOf(fields, "content-length");
  return length !== undefined && /^\d{1,15}$/.test(length) ? Number(length) : 0;
}
