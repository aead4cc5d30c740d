import type { EndpointRole } from "#feed/entry.ts";
import { parseHttpDate } from "#http/http-date.ts";
import type { Validators } from "#http/precondition.ts";
import { FieldSection, fieldIn, fieldOf } from "../fields.ts";
import { Recent } from "../recent.ts";
import { headLines } from "../response-head.ts";
import { type Freshness, freshnessOf } from "./freshness.ts";
import { ownedText } from "./owned.ts";
import type { Purgeable } from "./purges.ts";
import type { StoredBody } from "./stored-body.ts";
import { modifiedSecondsOf, StoredValidators } from "./stored-validators.ts";
import { isTagField, tagsOf } from "./tags.ts";
import type { Selecting } from "./vary.ts";

/** Hits that are remembered: after a second each says its age anew. Some 4 MiB with common heads. */
const HIT_SECTIONS_MAX = 4_096;

/** What hits with longer heads say is made each time: with it, the former are 20 MiB at most. */
const HIT_LINES_BYTES_MAX = 4 * 1024;

const hitSections = new Recent<HitSection>(HIT_SECTIONS_MAX);

const NOT_SELECTED: Selecting = [];
const VALIDATORS = ["etag", "last-modified"];

/** What a stored response is made of. */
export interface StoredParts {
  readonly key: string;
  readonly status: number;
  readonly section: Pick<FieldSection, "text">;
  readonly selecting: Selecting;
  readonly freshness: Freshness;
  readonly body: StoredBody;
  readonly contentLength: number | undefined;
  readonly tags: readonly string[];
  readonly purgesCheckedAt: number;
  readonly softPurged: boolean;
}

/**
 * A response that may be reused. Its body may still be growing; its head never changes. There may be
 * millions: what can be made again from what is there, and what only those in use need, it has not.
 */
export class StoredResponse implements Purgeable {
  readonly key: string;
  readonly status: number;
  /** The end-to-end field lines, prepared once: all but Content-Length and what changes per hit. */
  readonly section: FieldSection;
  /** What requests have to have in the fields that Vary names, or nothing (RFC 9111 §4.1). */
  readonly selecting: Selecting;
  /** Whether the origin can be asked to confirm it. */
  readonly hasValidator: boolean;
  readonly freshness: Freshness;
  readonly body: StoredBody;
  /** Known before the body is whole if the origin sent Content-Length. */
  readonly contentLength: number | undefined;
  readonly tags: readonly string[];
  purgesCheckedAt: number;
  softPurged: boolean;
  /** When the origin last failed to answer in its place; nothing has come from there since. */
  failedAt: number | undefined;
  /** In seconds, as dates are: a number of milliseconds would take 16 octets more. */
  readonly #modifiedSeconds: number;
  #hitNumber = 0;

  /** Its texts should own their memory, or they keep alive what they were cut from. */
  constructor(parts: StoredParts) {
    const { section, selecting } = parts;
    this.key = parts.key;
    this.status = parts.status;
    this.section = new FieldSection(section.text, "stored");
    this.selecting = selecting.length === 0 ? NOT_SELECTED : selecting;
    this.hasValidator = VALIDATORS.some((name) => fieldIn(section.text, name) !== undefined);
    this.freshness = parts.freshness;
    this.#modifiedSeconds = modifiedSecondsOf(section.text, parts.freshness.responseTime);
    this.body = parts.body;
    this.contentLength = parts.contentLength;
    this.tags = parts.tags;
    this.purgesCheckedAt = parts.purgesCheckedAt;
    this.softPurged = parts.softPurged;
    this.failedAt = undefined;
  }

  get validators(): Validators {
    const modifiedMs = this.#modifiedSeconds * 1_000;
    return new StoredValidators(this.section.text, this.freshness.responseTime, modifiedMs);
  }

  /** What the last hit said for itself, if that was lately: the same for all hits of a second. */
  get hitSection(): HitSection | undefined {
    return hitSections.find(this.#hitNumber);
  }

  set hitSection(hit: HitSection | undefined) {
    const isSmall = this.section.text.length <= HIT_LINES_BYTES_MAX;
    this.#hitNumber = hit !== undefined && isSmall ? hitSections.keep(hit) : 0;
  }
}

/** The fields that hits have for themselves while these two stay what they are. */
interface HitSection {
  readonly ageSeconds: number;
  readonly ttlSeconds: number;
  /** Of what the endpoint's owner has settled. */
  readonly lines: string;
  readonly section: FieldSection;
}

/** A response head as it came, with the times that its age is counted from. */
export interface ReceivedHead {
  readonly status: number;
  /** End-to-end fields only. */
  readonly fields: readonly string[];
  readonly requestTime: number;
  readonly responseTime: number;
}

/** What a head is stored with. */
export interface StoredAs {
  readonly key: string;
  readonly body: StoredBody;
  readonly contentLength: number | undefined;
  readonly purgesCheckedAt: number;
  readonly selecting: Selecting;
  /** For responses that give no lifetime themselves. */
  readonly role: EndpointRole;
}

/** Prepares a received head for reuse. Nothing of it, nor of the request, is kept alive by that. */
export function storedResponse(head: ReceivedHead, as: StoredAs): StoredResponse {
  // RFC 9110 §14.3: whatever the origin does, ranges of what is stored are served from here.
  const ranges = head.status === 200 ? "accept-ranges: bytes\r\n" : "";
  return new StoredResponse({
    key: ownedText(as.key),
    status: head.status,
    section: { text: ownedText(headLines(head) + ranges) },
    selecting: as.selecting.map(ownedText),
    freshness: freshnessOf(head, as.role),
    body: as.body,
    contentLength: as.contentLength,
    tags: tagsOf(head.fields),
    purgesCheckedAt: as.purgesCheckedAt,
    softPurged: false,
  });
}

/** Whether the origin can be asked to confirm it. */
export function hasValidator(stored: StoredResponse): boolean {
  return stored.hasValidator;
}

/**
 * RFC 9111 §3.2: what a 304 says of octets that it does not bring. Those that are stored are neither
 * coded anew by it, nor a part.
 */
const OF_OCTETS: ReadonlySet<string> = new Set([
  "content-encoding",
  "content-length",
  "content-range",
]);

/** RFC 9111 §3.2, §4.3.4: a 304's fields replace those of the same name. */
export function freshenedHead(stored: StoredResponse, head: ReceivedHead): ReceivedHead {
  const { etag } = stored.validators;
  const replaced = new Set<string>();
  const fields: string[] = [];
  for (let i = 0; i < head.fields.length; i += 2) {
    const [name = "", value = ""] = head.fields.slice(i, i + 2);
    // Ranges and slices go by a strong tag: one that only corresponds to it does not take its place.
    const isWeaker = name === "etag" && value.startsWith("W/") && etag?.startsWith('"') === true;
    if (OF_OCTETS.has(name) || isWeaker) continue;
    replaced.add(name);
    fields.push(name, value);
  }
  // Tags are not sent on, and so not in the section.
  if (stored.tags.length > 0 && !replaced.values().some(isTagField)) {
    fields.push("cache-tag", stored.tags.join(","));
  }
  const kept = stored.section.fields();
  for (let i = 0; i < kept.length; i += 2) {
    const name = kept[i] ?? "";
    // RFC 9110 §6.6.1: a 304 without Date is dated by its arrival, not by what it confirms.
    if (name !== "date" && !replaced.has(name)) fields.push(name, kept[i + 1] ?? "");
  }
  const { requestTime, responseTime } = head;
  return { status: stored.status, fields, requestTime, responseTime };
}

/**
 * RFC 9111 §4.3.4: whether a 304 is about this representation: one with the same strong ETag, or with
 * one that a weak one corresponds to; else with the same Last-Modified. A 304 without any validator
 * answers our own condition, which was about no other.
 */
export function isSelectedBy(stored: StoredResponse, fields: readonly string[]): boolean {
  const { etag, lastModified } = stored.validators;
  const said = fieldOf(fields, "etag");
  const saidModified = fieldOf(fields, "last-modified");
  if (said !== undefined && (etag !== undefined || !said.startsWith("W/"))) {
    return said.startsWith("W/") ? said.slice(2) === etag?.replace(/^W\//, "") : said === etag;
  }
  if (saidModified !== undefined) return saidModified === lastModified;
  return said === undefined;
}

/** RFC 9111 §4.3.1. */
export function conditionsFor(stored: StoredResponse): string[] {
  const { etag, lastModified } = stored.validators;
  return [
    ...(etag === undefined ? [] : ["if-none-match", etag]),
    ...(lastModified === undefined ? [] : ["if-modified-since", lastModified]),
  ];
}

/** What a response is told from others by, and dated by. */
export function validatorsOf(head: Omit<ReceivedHead, "status" | "requestTime">): Validators {
  const date = fieldOf(head.fields, "date");
  const lastModified = fieldOf(head.fields, "last-modified");
  const dateMs = parseHttpDate(date ?? "", head.responseTime) ?? head.responseTime;
  return {
    etag: fieldOf(head.fields, "etag"),
    lastModified,
    modifiedMs: parseHttpDate(lastModified ?? "", head.responseTime) ?? dateMs,
    dateMs,
  };
}

/** What a stored response takes beside its body and what each of them takes. */
export function headBytes({ key, section, selecting, tags }: StoredResponse): number {
  let bytes = key.length + section.text.length;
  for (const text of selecting) bytes += text.length;
  for (const text of tags) bytes += text.length;
  return bytes;
}
