import type { EndpointRole } from "#feed/entry.ts";
import { parseHttpDate } from "#http/http-date.ts";
import type { Validators } from "#http/precondition.ts";
import { FieldSection, fieldOf } from "../fields.ts";
import { headLines } from "../response-head.ts";
import type { Body } from "./body.ts";
import { type Freshness, freshnessOf } from "./freshness.ts";
import { ownedText } from "./owned.ts";
import type { Purgeable } from "./purges.ts";
import type { Selecting } from "./vary.ts";

/** A response that may be reused. Its body may still be growing; its head never changes. */
export interface StoredResponse extends Purgeable {
  readonly key: string;
  readonly status: number;
  /** The end-to-end field lines, prepared once: all but Content-Length and what changes per hit. */
  readonly section: FieldSection;
  /** What requests have to have in the fields that Vary names, or nothing (RFC 9111 §4.1). */
  readonly selecting: Selecting;
  readonly validators: Validators;
  readonly freshness: Freshness;
  readonly body: Body;
  /** Known before the body is whole if the origin sent Content-Length. */
  readonly contentLength: number | undefined;
  /** What the last hit said for itself: the same for all hits of a second. */
  hitSection: HitSection | undefined;
}

/** The fields that hits have for themselves while these two stay what they are. */
interface HitSection {
  readonly ageSeconds: number;
  readonly ttlSeconds: number;
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
  readonly body: Body;
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
  return {
    key: ownedText(as.key),
    body: as.body,
    contentLength: as.contentLength,
    purgesCheckedAt: as.purgesCheckedAt,
    status: head.status,
    section: new FieldSection(ownedText(headLines(head) + ranges)),
    selecting: as.selecting.map(ownedText),
    validators: ownedValidators(validatorsOf(head)),
    freshness: freshnessOf(head, as.role),
    hitSection: undefined,
  };
}

/** Whether the origin can be asked to confirm it. */
export function hasValidator(stored: StoredResponse): boolean {
  return stored.validators.etag !== undefined || stored.validators.lastModified !== undefined;
}

/** RFC 9111 §3.2, §4.3.4: a 304's fields replace those of the same name, Content-Length aside. */
export function freshenedHead(stored: StoredResponse, head: ReceivedHead): ReceivedHead {
  const replaced = new Set(head.fields.filter((_, i) => i % 2 === 0));
  const fields = [...head.fields];
  const kept = stored.section.fields();
  for (let i = 0; i < kept.length; i += 2) {
    const name = kept[i] ?? "";
    // RFC 9110 §6.6.1: a 304 without Date is dated by its arrival, not by what it confirms.
    if (name !== "date" && !replaced.has(name)) fields.push(name, kept[i + 1] ?? "");
  }
  const { requestTime, responseTime } = head;
  return { status: stored.status, fields, requestTime, responseTime };
}

/** RFC 9111 §4.3.4: a 304 with another strong validator is about another representation. */
export function isSelectedBy(stored: StoredResponse, fields: readonly string[]): boolean {
  const etag = fieldOf(fields, "etag");
  return etag === undefined || etag.startsWith("W/") || etag === stored.validators.etag;
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
export function headBytes({ key, section, selecting, validators }: StoredResponse): number {
  // The section twice: HTTP/2's coding of it is kept too, and is at most as long.
  const texts = [
    key,
    section.text,
    section.text,
    ...selecting,
    validators.etag,
    validators.lastModified,
  ];
  return texts.reduce((bytes, text) => bytes + (text?.length ?? 0), 0);
}

function ownedValidators({ etag, lastModified, ...dates }: Validators): Validators {
  return {
    etag: etag === undefined ? undefined : ownedText(etag),
    lastModified: lastModified === undefined ? undefined : ownedText(lastModified),
    ...dates,
  };
}
