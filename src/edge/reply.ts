import { formatHttpDate } from "#http/http-date.ts";
import type { BodyReader } from "./cache/body-reader.ts";
import { statusLine } from "./response-head.ts";

/** A response as `serve.ts` hands it to the wire, which adds what belongs to the connection. */
export interface Reply {
  /** Status line and field lines, each with its CRLF, without the empty line that ends them. */
  readonly head: string;
  /** Absent: there is none, as for HEAD and 304. A reader belongs to the wire, which closes it. */
  readonly content?: Buffer | BodyReader;
  /** Whether the head has Content-Length. If not, the wire frames the content. */
  readonly lengthKnown: boolean;
}

/** The wire's side of one request. */
export interface Exchange {
  /** Whether the client is gone; a reply is then dropped. */
  readonly left: boolean;
  /** Called if the client leaves before its reply has been given. */
  whenLeft(callback: () => void): void;
  /** Once per request. */
  respond(reply: Reply): void;
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
}

/** An error of the edge itself: one line of text. */
export function errorReply(error: EdgeError, method: string): Reply {
  const { head, text } = errorText(error);
  return method === "HEAD"
    ? { head, lengthKnown: true }
    : { head, content: text, lengthKnown: true };
}

/** Its head, as in a `Reply`, and its content. */
export function errorText(error: EdgeError): { readonly head: string; readonly text: Buffer } {
  const text = Buffer.from(`${error.reason}\n`);
  const head =
    `${statusLine(error.status)}date: ${formatHttpDate(error.now)}\r\n` +
    `content-type: text/plain; charset=utf-8\r\ncontent-length: ${text.length}\r\n` +
    `cache-control: no-store\r\nx-request-id: ${error.requestId}\r\n${error.lines ?? ""}`;
  return { head, text };
}
