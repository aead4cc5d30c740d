import type { BodyReader } from "./cache/body-reader.ts";
import { cacheStatus, type Outcome, xCache } from "./cache-status.ts";
import type { OriginResponse } from "./origin/origin.ts";
import type { Reply } from "./reply.ts";
import { headLines, statusLine } from "./response-head.ts";
import { fieldOf } from "./wire/request-head.ts";

/** The origin's own answer, on its way to one client. */
export function passedReply(
  response: OriginResponse,
  content: BodyReader | undefined,
  context: { readonly outcome: Outcome; readonly requestId: string },
): Reply {
  const lengthKnown = typeof response.length === "number";
  const head =
    statusLine(response.status) +
    headLines(response) +
    passedLine(response, "accept-ranges") +
    passedLine(response, "age") +
    (lengthKnown ? `content-length: ${response.length}\r\n` : "") +
    `x-cache: ${xCache(context.outcome)}\r\ncache-status: ${cacheStatus(context.outcome)}\r\n` +
    `x-request-id: ${context.requestId}\r\n`;
  return content === undefined ? { head, lengthKnown } : { head, content, lengthKnown };
}

/** RFC 9110 §6.4.1: whether there is content at all after such a head. */
export function hasContent(method: string, status: number): boolean {
  return method !== "HEAD" && status !== 204 && status !== 304;
}

function passedLine(response: OriginResponse, name: string): string {
  const value = fieldOf(response.fields, name);
  return value === undefined ? "" : `${name}: ${value}\r\n`;
}
