import { randomUUID } from "node:crypto";
import { formatHttpDate } from "#http/http-date.ts";
import { ContentReader } from "./cache/content-reader.ts";
import type { CacheResult } from "./cache-status.ts";
import { FieldSection } from "./fields.ts";
import type { LiveEndpoint } from "./names.ts";

/**
 * A response as `serve.ts` hands it to the wire, which writes it in the connection's version of HTTP
 * and adds what belongs to the connection.
 */
export interface Reply {
  readonly status: number;
  /** The fields that all replies from one stored or received head have in common. */
  readonly section: FieldSection;
  /** The fields that this reply has for itself. */
  readonly own: FieldSection;
  /** Goes out as X-Request-Id. */
  readonly requestId: string;
  /** Goes out as Content-Length. If it is not known, the wire frames the content. */
  readonly contentLength: number | undefined;
  /** Absent: there is none, as for HEAD and 304. A reader belongs to the wire, which closes it. */
  readonly content?: Buffer | ContentReader | undefined;
  /** For those who count and log. */
  readonly cache: CacheResult;
  readonly live: LiveEndpoint | undefined;
}

/** Nobody will write it: what its content holds is given back. */
export function discardReply({ content }: Reply): void {
  if (content instanceof ContentReader) content.close();
}

/** What the edge itself has to refuse, or could not do. */
export interface EdgeError {
  readonly status: number;
  /** One line, for the person who sees it. */
  readonly reason: string;
  readonly requestId: string;
  readonly now: number;
  /** Further field lines, each with its CRLF. */
  readonly lines?: string;
  readonly live: LiveEndpoint | undefined;
}

const NO_FIELDS = new FieldSection("");

/** An error of the edge itself: one line of text. */
export function errorReply(error: EdgeError, method: string): Reply {
  const { status, requestId, live } = error;
  const date = `date: ${formatHttpDate(error.now)}\r\n`;
  const common = { status, own: NO_FIELDS, requestId, cache: "NONE", live } as const;
  // RFC 9110 §15.3.5: nothing follows its head.
  if (status === 204) {
    return { ...common, section: new FieldSection(date), contentLength: undefined };
  }
  const text = Buffer.from(`${error.reason}\n`);
  const lines =
    `${date}content-type: text/plain; charset=utf-8\r\n` +
    `cache-control: no-store\r\n${error.lines ?? ""}`;
  const reply = { ...common, section: new FieldSection(lines), contentLength: text.length };
  return method === "HEAD" ? reply : { ...reply, content: text };
}

/** An answer of the edge itself without content, as a preflight has it. */
export function emptyReply(answer: {
  readonly status: number;
  readonly lines: string;
  readonly requestId: string;
  readonly now: number;
  readonly live: LiveEndpoint | undefined;
}): Reply {
  const { status, lines, requestId, live } = answer;
  const section = new FieldSection(`date: ${formatHttpDate(answer.now)}\r\n${lines}`);
  return { status, section, own: NO_FIELDS, requestId, contentLength: 0, cache: "NONE", live };
}

/** The answer to what is no request that could be served: the wire's own refusal. */
export function refusalReply(status: number, reason: string, now: number): Reply {
  const requestId = randomUUID();
  return errorReply({ status, reason, requestId, now, live: undefined }, "GET");
}
