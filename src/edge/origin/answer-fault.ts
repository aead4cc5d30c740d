import { fieldOf } from "../fields.ts";

/** An answer of an origin, as far as it tells whether it is one to what was asked. */
interface Answer {
  readonly status: number;
  /** All Transfer-Encoding field lines, joined. */
  readonly transferEncoding: string | undefined;
  /** The fields that the origin was sent, names and values alternating. */
  readonly asked: readonly string[];
  /** A proxy passes what it does not know; of a Space's store it would be a mistake. */
  readonly statusMax: 599 | 999;
}

/** Why an answer cannot be what it says it is, for the person who sees it, or `undefined`. */
export function answerFault({
  status,
  transferEncoding,
  asked,
  statusMax,
}: Answer): string | undefined {
  // RFC 9112 §6.1, §7: other codings are neither asked for (§7.4) nor undone here, so that the
  // content would be taken for what it is not.
  if (transferEncoding !== undefined && transferEncoding.toLowerCase() !== "chunked") {
    return "The origin answered with a transfer coding that it was not asked for.";
  }
  // RFC 9110 §15: what is not understood by its first digit means nothing.
  if (status < 100 || status > statusMax)
    return "The origin answered with a status that does not exist.";
  // RFC 9110 §15.4.5, §13.1: only these two conditions lead to a 304.
  if (status === 304 && !(has(asked, "if-none-match") || has(asked, "if-modified-since"))) {
    return "The origin answered 304 to a request without a condition.";
  }
  // RFC 9110 §15.3.7: a part would be taken for the whole.
  if (status === 206 && !has(asked, "range")) {
    return "The origin answered 206 to a request without a range.";
  }
  return undefined;
}

function has(fields: readonly string[], name: string): boolean {
  return fieldOf(fields, name) !== undefined;
}
