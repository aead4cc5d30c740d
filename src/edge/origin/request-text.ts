import { hasTargetOctetsOnly } from "../wire/http1/request-line.ts";
import { RequestUnusable } from "./fetch-failure.ts";

/** The head of a request, as it is to be sent. */
export interface OutgoingHead {
  readonly method: string;
  /** Raw path and query. */
  readonly path: string;
  /** Names in lower case and values, alternating. */
  readonly fields: readonly string[];
  /** Of the origin: for Host, unless the fields have one. */
  readonly host: string;
}

/** RFC 9110 §5.5: what can be in a value; all else would be another line, or cut it short. */
const VALUE = /^[\t -~\x80-\xff]*$/;

/**
 * The octets of a request head (RFC 9112 §2.1), one a character, and the reason if there can be none:
 * what has come by the wire is in order, and what is not would write a second request.
 */
export function requestText({
  method,
  path,
  fields,
  host,
}: OutgoingHead): string | RequestUnusable {
  if (!hasTargetOctetsOnly(path)) return new RequestUnusable("a character in the target");
  let named = host;
  let lines = "";
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] ?? "";
    const value = fields[i + 1] ?? "";
    if (!VALUE.test(value)) return new RequestUnusable(`a control character in ${name}`);
    if (name === "host") named = value;
    else lines += `${name}: ${value}\r\n`;
  }
  // RFC 9110 §7.2: Host comes first.
  return `${method} ${path} HTTP/1.1\r\nhost: ${named}\r\n${lines}\r\n`;
}
