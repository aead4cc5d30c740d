import { PREFACE } from "./http2/frames.ts";

/** What a connection speaks, by ALPN's names (RFC 7301 §6, RFC 9113 §3.1). */
export type Protocol = "h2" | "http/1.1";

/**
 * Tells HTTP/2 with prior knowledge (RFC 9113 §3.3) from HTTP/1.1 by what a connection begins with;
 * undefined as long as it may be either. The first octet settles all but "P" of POST, PUT and PATCH.
 */
export function sniffProtocol(received: Buffer): Protocol | undefined {
  const length = Math.min(received.length, PREFACE.length);
  if (received.compare(PREFACE, 0, length, 0, length) !== 0) return "http/1.1";
  return length === PREFACE.length ? "h2" : undefined;
}
