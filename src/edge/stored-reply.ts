import { contentRange } from "#http/content-range.ts";
import { multipartLayout } from "#http/multipart-ranges.ts";
import { effectiveRange, evaluateInCache, type RequestField } from "#http/precondition.ts";
import { type ByteRange, selectRanges } from "#http/range.ts";
import { unreachable } from "#unreachable.ts";
import type { ContentReader } from "./cache/content-reader.ts";
import { currentAgeMs, toldMaxAgeSeconds } from "./cache/freshness.ts";
import type { FetchRange } from "./cache/stored-body.ts";
import type { StoredResponse } from "./cache/stored-response.ts";
import { cacheStatus, type Outcome, xCache } from "./cache-status.ts";
import { FieldSection, fieldOf, fieldSection } from "./fields.ts";
import { MultipartReader } from "./multipart-reader.ts";
import type { Reply } from "./reply.ts";
import type { RequestHead } from "./request.ts";
import { notModifiedLines } from "./response-head.ts";
import { type ServerTiming, serverTiming } from "./server-timing.ts";
import type { Visit } from "./visit.ts";

/** What a reply says beside what is stored. */
export interface ReplyContext {
  readonly visit: Pick<Visit, "requestId" | "live" | "lines">;
  readonly outcome: Outcome;
  /** Of the fetch that this request waited for. */
  readonly timing?: ServerTiming | undefined;
  /** Fields that are not stored, for the request that the origin answered with them. */
  readonly withheld?: readonly string[];
  /** For what is not stored of the body. Absent: all of it is. */
  readonly fetch?: FetchRange | undefined;
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
  const selected = selectRanges(range, length);
  switch (selected.kind) {
    case "whole":
      return wholeReply(request, stored, context);
    case "ranges":
      return partialReply(stored, selected.ranges, length, context);
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
  content?: Buffer | ContentReader,
): Reply {
  return {
    status,
    section: stored.section,
    own: ownSection(stored, context),
    requestId: context.visit.requestId,
    contentLength,
    content,
    cache: xCache(context.outcome),
    live: context.visit.live,
  };
}

function wholeReply(request: RequestHead, stored: StoredResponse, context: ReplyContext): Reply {
  // RFC 9110 §8.6, §15.3.5: a 204 has neither content nor a length.
  if (stored.status === 204) return replyOf(stored, context, stored.status);
  const length = lengthOf(stored);
  if (request.method === "HEAD") return replyOf(stored, context, stored.status, length);
  const content = stored.body.single() ?? stored.body.read(0, length, context.fetch);
  return replyOf(stored, context, stored.status, length, content);
}

/** RFC 9110 §15.3.7: one part as itself, several as multipart/byteranges. */
function partialReply(
  stored: StoredResponse,
  ranges: readonly ByteRange[],
  length: number,
  context: ReplyContext,
): Reply {
  const reply = replyOf(stored, context, 206);
  const [only, ...others] = ranges;
  if (only === undefined || others.length > 0)
    return multipartReply(stored, ranges, length, context);
  const { first, last } = only;
  const line = `content-range: ${contentRange(first, last, length)}\r\n`;
  return {
    ...reply,
    own: new FieldSection(line + reply.own.text),
    contentLength: last - first + 1,
    content: partOf(stored, only, context),
  };
}

function multipartReply(
  stored: StoredResponse,
  ranges: readonly ByteRange[],
  length: number,
  context: ReplyContext,
): Reply {
  const reply = replyOf(stored, context, 206);
  const fields = stored.section.fields();
  const type = fieldOf(fields, "content-type");
  const layout = multipartLayout(ranges, length, type, context.visit.requestId);
  const lines = stored.section.text.replace(/^content-type: .*\r\n/m, "");
  return {
    ...reply,
    section: new FieldSection(`${lines}content-type: ${layout.contentType}\r\n`),
    contentLength: layout.contentLength,
    content: new MultipartReader(layout, stored.body, (range) => {
      return stored.body.read(range.first, range.last + 1, context.fetch);
    }),
  };
}

function partOf(
  { body }: StoredResponse,
  { first, last }: ByteRange,
  { fetch }: ReplyContext,
): Buffer | ContentReader {
  return body.single()?.subarray(first, last + 1) ?? body.read(first, last + 1, fetch);
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
  const { lines } = context.visit;
  const isSame = last?.ageSeconds === ageSeconds && last.ttlSeconds === ttlSeconds;
  if (isSame && last.lines === lines) return last.section;
  const section = new FieldSection(ownLines(stored, context, ageSeconds));
  stored.hitSection = { ageSeconds, ttlSeconds, lines, section };
  return section;
}

function ownLines(stored: StoredResponse, context: ReplyContext, ageSeconds: number): string {
  const { freshness } = stored;
  const { outcome, visit, timing, withheld } = context;
  const maxAge = toldMaxAgeSeconds(freshness, visit.live.endpoint.ttl);
  // RFC 9111 §4, §5.1: an Age says that the origin was not asked for this request, by us or by a cache
  // between us and it.
  const isOthers = outcome.kind === "miss" && outcome.collapsed;
  const fromCache =
    outcome.kind === "hit" || outcome.kind === "stale" || isOthers || freshness.ageValueSeconds > 0;
  return (
    (fromCache ? `age: ${ageSeconds}\r\n` : "") +
    (maxAge === undefined ? "" : `cache-control: max-age=${maxAge}\r\n`) +
    (withheld === undefined ? "" : fieldSection(withheld).text) +
    `x-cache: ${xCache(outcome)}\r\ncache-status: ${cacheStatus(outcome)}\r\n` +
    `server-timing: ${serverTiming(xCache(outcome), timing)}\r\n${visit.lines}`
  );
}
