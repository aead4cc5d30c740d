import { evaluateInCache } from "#http/precondition.ts";
import type { ContentReader } from "./cache/content-reader.ts";
import { validatorsOf } from "./cache/stored-response.ts";
import { cacheStatus, type Outcome, xCache } from "./cache-status.ts";
import { FieldSection, fieldOf } from "./fields.ts";
import type { LiveEndpoint } from "./names.ts";
import type { OriginResponse } from "./origin/origin.ts";
import type { Reply } from "./reply.ts";
import type { RequestHead } from "./request.ts";
import { headLines, notModifiedLines } from "./response-head.ts";
import { serverTiming } from "./server-timing.ts";

/** What a reply says beside what the origin answered. */
interface PassedContext {
  readonly outcome: Outcome;
  readonly requestId: string;
  readonly live: LiveEndpoint;
  readonly lines: string;
}

/** What one waiter makes of a fill that is not stored. */
type PassedUse = "content" | "head" | "not-modified" | "fetch-range";

/**
 * The fill asked for all of it, without the client's conditions and range: the conditions are judged
 * here (RFC 9110 §13.2.2), and a range is worth a fetch of its own.
 */
export function decidePassedUse(
  request: RequestHead,
  response: OriginResponse,
  now: number,
): PassedUse {
  const { status } = response;
  if (status === 200) {
    const field = (name: string): string | undefined => fieldOf(request.fields, name);
    const condition = evaluateInCache(field, validatorsOf(response), now);
    if (condition === "not-modified") return condition;
    if (request.method === "GET" && field("range") !== undefined) return "fetch-range";
  }
  return hasContent(request.method, status) ? "content" : "head";
}

/** RFC 9110 §15.4.5: what the client has is what the origin just answered with. */
export function passedNotModified(response: OriginResponse, context: PassedContext): Reply {
  const lines = notModifiedLines(headLines(response)) + passedLine(response, "age");
  return replyOf(response, context, { status: 304, lines });
}

/** The origin's own answer, on its way to one client. */
export function passedReply(
  response: OriginResponse,
  content: ContentReader | undefined,
  context: PassedContext,
): Reply {
  const { status, length } = response;
  const lines =
    headLines(response) + passedLine(response, "accept-ranges") + passedLine(response, "age");
  const reply = replyOf(response, context, { status, lines });
  // RFC 9110 §8.6: a 204 has none, whatever the origin says.
  const contentLength = typeof length === "number" && status !== 204 ? length : undefined;
  return content === undefined ? { ...reply, contentLength } : { ...reply, contentLength, content };
}

/** RFC 9110 §6.4.1: whether there is content at all after such a head. */
export function hasContent(method: string, status: number): boolean {
  return method !== "HEAD" && status !== 204 && status !== 304;
}

function replyOf(
  { requestTime, responseTime }: OriginResponse,
  { outcome, requestId, live, lines: policyLines }: PassedContext,
  { status, lines }: { readonly status: number; readonly lines: string },
): Reply {
  const cache = xCache(outcome);
  const timing = serverTiming(cache, { originMs: responseTime - requestTime });
  const own = `x-cache: ${cache}\r\ncache-status: ${cacheStatus(outcome)}\r\nserver-timing: ${timing}\r\n${policyLines}`;
  return {
    status,
    section: new FieldSection(lines),
    own: new FieldSection(own),
    requestId,
    contentLength: undefined,
    cache,
    live,
  };
}

function passedLine(response: OriginResponse, name: string): string {
  const value = fieldOf(response.fields, name);
  return value === undefined ? "" : `${name}: ${value}\r\n`;
}
