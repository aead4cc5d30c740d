import type { Reply } from "./reply.ts";
import type { RequestHead } from "./request.ts";
import type { RequestContent } from "./request-content.ts";

/** Who asks, as far as the answer may depend on it. The same for all requests of a connection. */
export interface Client {
  /** IP address. */
  readonly address: string;
  /** Absent in the clear. */
  readonly tls?: TlsTerms;
}

/** What a TLS handshake has settled. */
export interface TlsTerms {
  /** `TLSv1.3` or `TLSv1.2`. */
  readonly version: string;
  /** Whether the certificate that was shown is good for this Host (RFC 9110 §7.4). */
  covers(host: string): boolean;
}

/** The wire's side of one request. */
export interface Exchange {
  readonly client: Client;
  /** Absent when the request has none. It is read once, or left: the wire drops the rest of it. */
  readonly content: RequestContent | undefined;
  /** Whether the client is gone; a reply is then dropped. */
  readonly left: boolean;
  /** Called if the client leaves before its reply has been given. */
  whenLeft(callback: () => void): void;
  /** An interim response (RFC 9110 §15.2): any number of times, before `respond`. */
  inform(status: number, fields: readonly string[]): void;
  /** Once per request. */
  respond(reply: Reply): void;
}

/** What answers requests: once each, now or later. */
export type Serve = (request: RequestHead, exchange: Exchange) => void;

/** How an exchange ended, for those who count and log. */
export interface Ending {
  readonly client: Client;
  readonly request: RequestHead;
  readonly reply: Reply;
  /** Octets of content that were handed to the socket. */
  readonly sentBytes: number;
  /** Whether that was all of the reply. */
  readonly whole: boolean;
  /** From the request's last octet of head to the reply's last octet, in milliseconds. */
  readonly tookMs: number;
}

/** Told of the end of each exchange that had a reply. It is on the path of hits: it only notes. */
export interface Observer {
  ended(ending: Ending): void;
}
