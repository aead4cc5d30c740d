import { evaluateInCache } from "#http/precondition.ts";
import type { BodyReader } from "./cache/body-reader.ts";
import { validatorsOf } from "./cache/stored-response.ts";
import { cacheStatus, type Outcome, xCache } from "./cache-status.ts";
import type { OriginResponse } from "./origin/origin.ts";
import type { Reply } from "./reply.ts";
import { headLines, notModifiedLines, statusLine } from "./response-head.ts";
import { fieldOf, type RequestHead } from "./wire/request-head.ts";

/** What a reply says beside what the origin answered. */
interface PassedContext {
  readonly outcome: Outcome;
  readonly requestId: string;
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
  const head =
    statusLine(304) +
    notModifiedLines(headLines(response)) +
    passedLine(response, "age") +
    linesOfThisReply(context);
  return { head, lengthKnown: true };
}

/** The origin's own answer, on its way to one client. */
export function passedReply(
  response: OriginResponse,
  content: BodyReader | undefined,
  context: PassedContext,
): Reply {
  const lengthKnown = typeof response.length === "number";
  // RFC 9110 §8.6: a 204 has none, whatever the origin says.
  const lengthLine = lengthKnown && response.status !== 204;
  const head =
    statusLine(response.status) +
    headLines(response) +
    passedLine(response, "accept-ranges") +
    passedLine(response, "age") +
    (lengthLine ? `content-length: ${response.length}\r\n` : "") +
    linesOfThisReply(context);
  return content === undefined ? { head, lengthKnown } : { head, content, lengthKnown };
}

/** RFC 9110 §6.4.1: whether there is content at all after such a head. */
export function hasContent(method: string, status: number): boolean {
  return method !== "HEAD" && status !== 204 && status !== 304;
}

function linesOfThisReply({ outcome, requestId }: PassedContext): string {
  return (
    `x-cache: ${xCache(outcome)}\r\ncache-status: ${cacheStatus(outcome)}\r\n` +
    `x-request-id: ${requestId}\r\n`
  );
}

function passedLine(response: OriginResponse, name: string): string {
  const value = fieldOf(response.fields, name);
  return value === undefined ? "" : `${name}: ${value}\r\n`;
}
