import type { Answer } from "dns-packet";
import type { Question } from "./query.ts";

/** What the responder has, at one moment. */
export interface Authority {
  /** Lower case: names below it are a CNAME's targets, as `NAME.acme.example.net`. */
  readonly zone: string | undefined;
  /** What NS records point at us by. Lower case. */
  readonly nameServer: string;
  /** Of the SOA records. */
  readonly serial: number;
  /** The TXT values for `_acme-challenge.NAME`. Lower case. */
  valuesOf(name: string): readonly string[];
  /** Whether a name below this one has values. */
  hasBelow(name: string): boolean;
}

/** What is said to a question. */
export interface Said {
  readonly rcode: "NOERROR" | "NXDOMAIN" | "REFUSED";
  /** AA. */
  readonly isAuthoritative: boolean;
  readonly answers: readonly Answer[];
  readonly authorities: readonly Answer[];
}

/** RFC 1035 §3.2.2, §3.2.3; RFC 8482. */
const TYPES = { NS: 2, SOA: 6, TXT: 16, ANY: 255 } as const;
const CLASS_IN = 1;
/** OPT, and what asks for more than records of a name: TKEY to ANY, but for ANY itself. */
const META_TYPES = { opt: 41, first: 249, last: 254 } as const;

const ACME_LABEL = "_acme-challenge";

/** What is asked for once, at a moment: nobody may remember it for longer, nor that it was not there. */
const VALUE_TTL_SECONDS = 1;
/** What does not change. */
const ZONE_TTL_SECONDS = 300;
/** RFC 8482 §4.2. */
const HINFO_TTL_SECONDS = 3_600;

const REFUSED: Said = { rcode: "REFUSED", isAuthoritative: false, answers: [], authorities: [] };

/** Where a name is: in a zone of ours, and what is there. */
interface Place {
  /** Lower case. */
  readonly apex: string;
  readonly isApex: boolean;
  readonly exists: boolean;
  readonly values: readonly string[];
}

/**
 * Decides what is said (RFC 1034 §4.3.2). Each `_acme-challenge.NAME` is a zone of its own, for whoever
 * delegates it here by NS; names below `zone` are for those who point at them by CNAME.
 */
export function say(question: Question, authority: Authority): Said {
  const { type } = question;
  if (question.class !== CLASS_IN) return REFUSED;
  if (type === META_TYPES.opt || (type >= META_TYPES.first && type <= META_TYPES.last)) {
    return REFUSED;
  }
  const labels = question.labels.map((label) => label.toLowerCase());
  const place = inZone(labels, authority) ?? atChallenge(labels, authority);
  if (place === undefined) return REFUSED;
  // As it was asked for, in the same case.
  const name = question.labels.join(".");
  const answers = place.exists ? recordsAt(name, type, place, authority) : [];
  const soa = soaOf(place.apex, authority, VALUE_TTL_SECONDS);
  return {
    rcode: place.exists ? "NOERROR" : "NXDOMAIN",
    isAuthoritative: true,
    answers,
    // RFC 2308 §3: who is told that there is nothing is told for how long.
    authorities: answers.length === 0 ? [soa] : [],
  };
}

function inZone(labels: readonly string[], authority: Authority): Place | undefined {
  const { zone } = authority;
  if (zone === undefined) return undefined;
  const apex = zone.split(".");
  const below = labels.length - apex.length;
  if (below < 0 || labels.slice(below).join(".") !== zone) return undefined;
  if (below === 0) return { apex: zone, isApex: true, exists: true, values: [] };
  const name = nameOf(labels.slice(0, below));
  const values = name === undefined ? [] : authority.valuesOf(name);
  // RFC 8020: a name that others are below is there, though it has nothing.
  const exists = values.length > 0 || (name !== undefined && authority.hasBelow(name));
  return { apex: zone, isApex: false, exists, values };
}

function atChallenge(labels: readonly string[], authority: Authority): Place | undefined {
  const at = labels.lastIndexOf(ACME_LABEL);
  const name = at < 0 ? undefined : nameOf(labels.slice(at + 1));
  if (name === undefined) return undefined;
  const apex = `${ACME_LABEL}.${name}`;
  if (at > 0) return { apex, isApex: false, exists: false, values: [] };
  return { apex, isApex: true, exists: true, values: authority.valuesOf(name) };
}

/** Undefined where labels are not a host name's: a dot in one would make it another name. */
function nameOf(labels: readonly string[]): string | undefined {
  return labels.length > 0 && labels.every((label) => /^[a-z0-9_-]+$/.test(label))
    ? labels.join(".")
    : undefined;
}

function recordsAt(name: string, type: number, place: Place, authority: Authority): Answer[] {
  switch (type) {
    case TYPES.TXT:
      return place.values.map((value) => ({
        type: "TXT",
        name,
        ttl: VALUE_TTL_SECONDS,
        data: [value],
      }));
    case TYPES.SOA:
      return place.isApex ? [soaOf(name, authority, ZONE_TTL_SECONDS)] : [];
    case TYPES.NS:
      return place.isApex
        ? [{ type: "NS", name, ttl: ZONE_TTL_SECONDS, data: authority.nameServer }]
        : [];
    case TYPES.ANY:
      // RFC 8482 §4.2: the least that answers, so that nobody has it sent to others.
      return [{ type: "HINFO", name, ttl: HINFO_TTL_SECONDS, data: { cpu: "RFC8482", os: "" } }];
    default:
      return [];
  }
}

/** RFC 1035 §3.3.13; its last member is for how long absence may be remembered (RFC 2308 §4). */
function soaOf(name: string, { nameServer, serial }: Authority, ttl: number): Answer {
  const data = {
    mname: nameServer,
    rname: `hostmaster.${nameServer}`,
    serial,
    refresh: 3_600,
    retry: 600,
    expire: 86_400,
    minimum: VALUE_TTL_SECONDS,
  };
  return { type: "SOA", name, ttl, data };
}
