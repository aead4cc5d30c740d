import { effectiveRange, evaluateInCache, type RequestField } from "#http/precondition.ts";
import { type ByteRange, selectRange } from "#http/range.ts";
import { unreachable } from "#unreachable.ts";
import { currentAgeMs } from "./cache/freshness.ts";
import type { StoredResponse } from "./cache/stored-response.ts";
import { cacheStatus, type Outcome, xCache } from "./cache-status.ts";
import type { Reply } from "./reply.ts";
import { notModifiedLines, statusLine } from "./response-head.ts";
import { fieldOf, type RequestHead } from "./wire/request-head.ts";

/** What a reply says beside what is stored. */
export interface ReplyContext {
  readonly outcome: Outcome;
  readonly requestId: string;
  /** The endpoint's TTL now: what clients are told when the origin gave no lifetime. */
  readonly ttlSeconds: number;
  readonly now: number;
}

/** The answer to a GET or HEAD from a stored response, whose body may still be growing. */
export function storedReply(
  request: RequestHead,
  stored: StoredResponse,
  context: ReplyContext,
): Reply {
  const lines = linesOfThisReply(stored, context);
  if (stored.status !== 200) return wholeReply(request, stored, lines);
  const { validators } = stored;
  const field: RequestField = (name) => fieldOf(request.fields, name);
  if (evaluateInCache(field, validators, context.now) === "not-modified") {
    const head = statusLine(304) + notModifiedLines(stored.fieldLines) + lines;
    return { head, lengthKnown: true };
  }
  const length = lengthOf(stored);
  const range = effectiveRange(request.method, field, validators, context.now);
  if (range === undefined || length === undefined) return wholeReply(request, stored, lines);
  const selected = selectRange(range, length);
  switch (selected.kind) {
    case "whole":
      return wholeReply(request, stored, lines);
    case "range":
      return partialReply(stored, selected, length, lines);
    case "unsatisfiable":
      return unsatisfiableReply(stored, length, lines);
    default:
      return unreachable(selected);
  }
}

function wholeReply(request: RequestHead, stored: StoredResponse, lines: string): Reply {
  const length = lengthOf(stored);
  const lengthLine = length === undefined ? "" : `content-length: ${length}\r\n`;
  const head = statusLine(stored.status) + stored.fieldLines + lengthLine + lines;
  const lengthKnown = length !== undefined;
  if (request.method === "HEAD") return { head, lengthKnown };
  const content = stored.body.single() ?? stored.body.read(0, length);
  return { head, content, lengthKnown };
}

/** RFC 9110 §15.3.7. */
function partialReply(
  stored: StoredResponse,
  range: ByteRange,
  length: number,
  lines: string,
): Reply {
  const head =
    `${statusLine(206)}${stored.fieldLines}content-length: ${range.last - range.first + 1}\r\n` +
    `content-range: bytes ${range.first}-${range.last}/${length}\r\n${lines}`;
  const single = stored.body.single();
  const content =
    single?.subarray(range.first, range.last + 1) ?? stored.body.read(range.first, range.last + 1);
  return { head, content, lengthKnown: true };
}

/** RFC 9110 §15.5.17. */
function unsatisfiableReply(stored: StoredResponse, length: number, lines: string): Reply {
  const head =
    statusLine(416) +
    notModifiedLines(stored.fieldLines) +
    `content-range: bytes */${length}\r\ncontent-length: 0\r\n${lines}`;
  return { head, lengthKnown: true };
}

function lengthOf(stored: StoredResponse): number | undefined {
  if (stored.contentLength !== undefined) return stored.contentLength;
  return stored.body.state === "whole" ? stored.body.sizeBytes : undefined;
}

/** What changes from one use of a stored response to the next. */
function linesOfThisReply(stored: StoredResponse, context: ReplyContext): string {
  const { freshness } = stored;
  const { outcome } = context;
  // RFC 9111 §5.1: an Age says that the origin was not asked for this request, by us or by a cache
  // between us and it.
  const ageLine =
    outcome.kind === "hit" || freshness.ageValueSeconds > 0
      ? `age: ${Math.floor(currentAgeMs(freshness, context.now) / 1_000)}\r\n`
      : "";
  const ttlLine =
    freshness.lifetimeSeconds === undefined && !freshness.noCache
      ? `cache-control: max-age=${context.ttlSeconds}\r\n`
      : "";
  return (
    `${ageLine}${ttlLine}x-cache: ${xCache(outcome)}\r\ncache-status: ${cacheStatus(outcome)}\r\n` +
    `x-request-id: ${context.requestId}\r\n`
  );
}
