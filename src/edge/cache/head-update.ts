import type { Validators } from "#http/precondition.ts";
import { fieldOf } from "../fields.ts";

/** Of a stored response to a GET, what a response to HEAD is compared with. */
export interface HeadComparison {
  readonly status: number;
  readonly validators: Pick<Validators, "etag" | "lastModified">;
  /** Of the whole, or `undefined` if it is not known. */
  readonly contentLength: number | undefined;
}

/** Freshen: its head takes over the fields. Invalidate: it is stale, or gone. Leave: nothing was said. */
export type HeadUpdate = "freshen" | "invalidate" | "leave";

/**
 * RFC 9111 §4.3.5: what a response to HEAD, sent to the origin, makes of each stored response that it
 * could have been selected by. A freshened head is to be judged like any other: it may say no-store.
 */
export function decideHeadUpdate(
  stored: HeadComparison,
  head: { readonly status: number; readonly fields: readonly string[] },
): HeadUpdate {
  // Only a 200 is what a GET would have been answered with; a failure may be of the moment.
  if (head.status !== 200) return "leave";
  if (stored.status !== 200) return "invalidate";
  const { etag, lastModified } = stored.validators;
  const matches =
    isSame(fieldOf(head.fields, "etag"), etag) &&
    isSame(fieldOf(head.fields, "last-modified"), lastModified) &&
    isSame(fieldOf(head.fields, "content-length"), stored.contentLength?.toString());
  return matches ? "freshen" : "invalidate";
}

/** Of what was received, and only of that, each has to match. */
function isSame(received: string | undefined, stored: string | undefined): boolean {
  return received === undefined || received === stored;
}
