import { fieldOf } from "./fields.ts";
import { SLICE_BYTES } from "./limits.ts";
import type { RequestHead } from "./request.ts";

/**
 * The slice that a request for a part begins with; undefined if it is not for one part. What counts
 * from the end begins with the first: how long the whole is, nobody knows yet.
 */
export function wantedSlice({ method, fields }: RequestHead): number | undefined {
  const range = method === "GET" ? fieldOf(fields, "range") : undefined;
  const match = /^bytes=[\t ]*(\d{0,15})-\d{0,15}[\t ]*(?:,|$)/i.exec(range ?? "");
  if (match === null) return undefined;
  return Math.floor(Number(match[1]) / SLICE_BYTES);
}
