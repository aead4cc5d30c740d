import { contentRange } from "#http/content-range.ts";
import { effectiveRange, evaluateInCache, type RequestField } from "#http/precondition.ts";
import { selectRanges } from "#http/range.ts";
import type { ContentReader } from "../cache/content-reader.ts";
import type { FetchRange } from "../cache/stored-body.ts";
import type { StoredResponse } from "../cache/stored-response.ts";
import type { Outcome } from "../cache-status.ts";
import { FieldSection, fieldOf } from "../fields.ts";
import type { OriginFailure, OriginResponse } from "../origin/origin.ts";
import type { Reply } from "../reply.ts";
import { SlicedBody } from "../slices/sliced-body.ts";
import { type Answer, encodeAnswer } from "./answer.ts";
import { ANSWER_FIELD, TOKEN_FIELD } from "./wire-fields.ts";

/** By whom, and to what, it is answered. */
export interface ReplyTerms {
  /** Shows that it is a sibling that answers. */
  readonly token: string;
  readonly requestId: string;
}

/** How what is stored is answered with. */
export interface StoredTerms extends ReplyTerms {
  /** Conditions and range of the fetch. */
  readonly asks: readonly string[];
  readonly outcome: Outcome;
  /** Not stored, and for who had the origin asked. */
  readonly withheld: readonly string[];
  readonly fetch: FetchRange;
  readonly now: number;
}

type Content = Buffer | ContentReader | undefined;

/**
 * What is stored, as the origin would answer the asker's fetch with it. A part of what is in one piece
 * is the whole: the asker wants that to keep it.
 */
export function storedAnswer(stored: StoredResponse, terms: StoredTerms): Reply {
  const { body, validators, status } = stored;
  const field: RequestField = (name) => fieldOf(terms.asks, name);
  if (status === 200 && evaluateInCache(field, validators, terms.now) === "not-modified") {
    return replyOf(headOf(stored, terms, { status: 304, length: 0 }), undefined, terms);
  }
  const length = stored.contentLength ?? (body.state === "whole" ? body.sizeBytes : undefined);
  const range =
    status === 200 && length !== undefined && body instanceof SlicedBody
      ? effectiveRange("GET", field, validators, terms.now)
      : undefined;
  if (range !== undefined && length !== undefined) {
    const selected = selectRanges(range, length);
    const [part] = selected.kind === "ranges" ? selected.ranges : [];
    if (part !== undefined) {
      const { first, last } = part;
      const line = ["content-range", contentRange(first, last, length)];
      const head = { status: 206, length: last - first + 1, line };
      return replyOf(headOf(stored, terms, head), body.read(first, last + 1, terms.fetch), terms);
    }
    if (selected.kind === "unsatisfiable") {
      const line = ["content-range", `bytes */${length}`];
      return replyOf(headOf(stored, terms, { status: 416, length: 0, line }), undefined, terms);
    }
  }
  const head = headOf(stored, terms, { status, length: length ?? "chunked" });
  const content = status === 204 ? undefined : (body.single() ?? body.read(0, length, terms.fetch));
  return replyOf(head, content, terms);
}

/** The origin's own answer, on its way to one asker. Without content it has none. */
export function passedAnswer(response: OriginResponse, content: Content, terms: ReplyTerms): Reply {
  const { status, fields, length, requestTime, responseTime } = response;
  const head = { status, fields, length, requestTime, responseTime };
  return replyOf({ kind: "response", ...head }, content, terms);
}

export function failedAnswer(
  { cause: _cause, ...failure }: OriginFailure,
  terms: ReplyTerms,
): Reply {
  return replyOf(failure, undefined, terms);
}

function headOf(
  stored: StoredResponse,
  { outcome, withheld }: StoredTerms,
  { status, length, line = [] }: { status: number; length: number | "chunked"; line?: string[] },
): Extract<Answer, { kind: "response" }> {
  const { freshness, tags, softPurged, failedAt, body } = stored;
  const { ageValueSeconds, correctedInitialAgeMs, responseTime } = freshness;
  // RFC 9111 §4.2.3 has to come to the same age once more, whatever it came from.
  const requestTime = responseTime - (correctedInitialAgeMs - ageValueSeconds * 1_000);
  const fields = stored.section.fields();
  // What is not in the section: it is for caches alone, or said anew each time.
  if (tags.length > 0) fields.push("cache-tag", tags.join(","));
  if (ageValueSeconds > 0) fields.push("age", String(ageValueSeconds));
  fields.push(...withheld, ...line);
  const generation = body instanceof SlicedBody ? body.source.identity.generation : undefined;
  const sibling = { outcome, generation, softPurged, failedAt };
  return { kind: "response", status, fields, length, requestTime, responseTime, sibling };
}

function replyOf(answer: Answer, content: Content, { token, requestId }: ReplyTerms): Reply {
  const lines = `${TOKEN_FIELD}: ${token}\r\n${ANSWER_FIELD}: ${encodeAnswer(answer)}\r\n`;
  const length = answer.kind === "failed" || content === undefined ? 0 : answer.length;
  return {
    status: 200,
    section: new FieldSection(lines),
    own: NO_FIELDS,
    requestId,
    contentLength: typeof length === "number" ? length : undefined,
    content,
    cache: "NONE",
    live: undefined,
  };
}

const NO_FIELDS = new FieldSection("");
