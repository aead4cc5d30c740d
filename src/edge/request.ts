/** As it is written in logs and in Via. */
type HttpVersion = "HTTP/1.0" | "HTTP/1.1" | "HTTP/2.0";

/** The head of a request, whichever version of HTTP brought it (RFC 9110 §6). */
export interface RequestHead {
  readonly version: HttpVersion;
  readonly method: string;
  /** Path and query as they came, one character per octet; `*` of an OPTIONS. */
  readonly target: string;
  /** The Host field or `:authority`: where there are both, they agree. */
  readonly host: string;
  /** Names in lower case and values without surrounding white space, alternating, in order. */
  readonly fields: readonly string[];
  /** Octets of content that follow: 0 when there are none, "unknown" when only their end will tell. */
  readonly contentLength: number | "unknown";
}

/** Stands in the log for what was no request. */
export const UNREADABLE = {
  method: "-",
  target: "-",
  host: "-",
  fields: [],
  contentLength: 0,
} as const;
