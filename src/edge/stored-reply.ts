import { effectiveRange, evaluateInCache, type RequestField } from "#http/precondition.ts";
import { type ByteRange, selectRange } from "#http/range.ts";
import { unreachable } from "#unreachable.ts";
import type { BodyReader } from "./cache/body-reader.ts";
import { currentAgeMs } from "./cache/freshness.ts";
import type { StoredResponse } from "./cache/stored-response.ts";
import { cacheStatus, type Outcome, xCache } from "./cache-status.ts";
import { FieldSection, fieldOf } from "./fields.ts";
import type { LiveEndpoint } from "./names.ts";
import type { Reply } from "./reply.ts";
import type { RequestHead } from "./request.ts";
import { notModifiedLines } from "./response-head.ts";
import { type ServerTiming, serverTiming } from "./server-timing.ts";

/** What a reply says beside what is stored. */
export interface ReplyContext {
  readonly outcome: Outcome;
  readonly requestId: string;
  readonly live: LiveEndpoint;
  /** Of the fetch that this request waited for. */
  readonly timing?: ServerTiming;
  readonly now: number;
}

/** The answer to a GET or HEAD from a stored response, whose body may still be growing. */
export function storedReply(
  request: RequestHead,
  stored: StoredResponse,
  context: ReplyContext,
): Reply {
  if (stored.status !== 200 || wantsItWhole(request)) return wholeReply(request, stored, context);
  const { validators } = stored;
  const field: RequestField = (name) => fieldOf(request.fields, name);
  if (evaluateInCache(field, validators, context.now) === "not-modified") {
    const section = new FieldSection(notModifiedLines(stored.section.text));
    return { ...replyOf(stored, context, 304), section };
  }
  const length = lengthOf(stored);
  const range = effectiveRange(request.method, field, validators, context.now);
  if (range === undefined || length === undefined) return wholeReply(request, stored, context);
  const selected = selectRange(range, length);
  switch (selected.kind) {
    case "whole":
      return wholeReply(request, stored, context);
    case "range":
      return partialReply(stored, selected, length, context);
    case "unsatisfiable":
      return unsatisfiableReply(stored, length, context);
    default:
      return unreachable(selected);
  }
}

/** One look at the fields instead of one for each that might be there: nearly all requests want it. */
function wantsItWhole({ fields }: RequestHead): boolean {
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i];
    if (name === "range" || name === "if-none-match" || name === "if-modified-since") return false;
  }
  return true;
}

/** What all replies from this stored response have in common. One literal: this is every hit's. */
function replyOf(
  stored: StoredResponse,
  context: ReplyContext,
  status: number,
  contentLength?: number,
  content?: Buffer | BodyReader,
): Reply {
  return {
    status,
    section: stored.section,
    own: ownSection(stored, context),
    requestId: context.requestId,
    contentLength,
    content,
    cache: xCache(context.outcome),
    live: context.live,
  };
}

function wholeReply(request: RequestHead, stored: StoredResponse, context: ReplyContext): Reply {
  const length = lengthOf(stored);
  if (request.method === "HEAD") return replyOf(stored, context, stored.status, length);
  const content = stored.body.single() ?? stored.body.read(0, length);
  return replyOf(stored, context, stored.status, length, content);
}

/** RFC 9110 §15.3.7. */
function partialReply(
  stored: StoredResponse,
  { first, last }: ByteRange,
  length: number,
  context: ReplyContext,
): Reply {
  const reply = replyOf(stored, context, 206);
  const single = stored.body.single();
  return {
    ...reply,
    own: new FieldSection(`content-range: bytes ${first}-${last}/${length}\r\n${reply.own.text}`),
    contentLength: last - first + 1,
    content: single?.subarray(first, last + 1) ?? stored.body.read(first, last + 1),
  };
}

/** RFC 9110 §15.5.17. */
function unsatisfiableReply(stored: StoredResponse, length: number, context: ReplyContext): Reply {
  const reply = replyOf(stored, context, 416);
  return {
    ...reply,
    section: new FieldSection(notModifiedLines(stored.section.text)),
    own: new FieldSection(`content-range: bytes */${length}\r\n${reply.own.text}`),
    contentLength: 0,
  };
}

function lengthOf(stored: StoredResponse): number | undefined {
  if (stored.contentLength !== undefined) return stored.contentLength;
  return stored.body.state === "whole" ? stored.body.sizeBytes : undefined;
}

/** The fields that change from one use of a stored response to the next; for hits, each second. */
function ownSection(stored: StoredResponse, context: ReplyContext): FieldSection {
  const { outcome } = context;
  const ageSeconds = Math.floor(currentAgeMs(stored.freshness, context.now) / 1_000);
  if (outcome.kind !== "hit") return new FieldSection(ownLines(stored, context, ageSeconds));
  const { ttlSeconds } = outcome;
  const last = stored.hitSection;
  if (last?.ageSeconds === ageSeconds && last.ttlSeconds === ttlSeconds) return last.section;
  const section = new FieldSection(ownLines(stored, context, ageSeconds));
  stored.hitSection = { ageSeconds, ttlSeconds, section };
  return section;
}

function ownLines(stored: StoredResponse, context: ReplyContext, ageSeconds: number): string {
  const { freshness } = stored;
  const { outcome, live, timing } = context;
  const { ttl } = live.endpoint;
  // RFC 9111 §5.1: an Age says that the origin was not asked for this request, by us or by a cache
  // between us and it.
  const fromCache = outcome.kind === "hit" || freshness.ageValueSeconds > 0;
  const tellsTtl = freshness.lifetimeSeconds === undefined && !freshness.noCache;
  return (
    (fromCache ? `age: ${ageSeconds}\r\n` : "") +
    (tellsTtl && ttl !== undefined ? `cache-control: max-age=${ttl}\r\n` : "") +
    `x-cache: ${xCache(outcome)}\r\ncache-status: ${cacheStatus(outcome)}\r\n` +
    `server-timing: ${serverTiming(xCache(outcome), timing)}\r\n`
  );
}
