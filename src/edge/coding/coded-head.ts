import { parseEntityTag, weakened } from "#http/entity-tag.ts";
import { fieldOf } from "../fields.ts";
import type { Coding } from "./negotiation.ts";

/**
 * What is said of the octets that were coded, and is wrong of those that come out: length and digests
 * (RFC 9110 §8.6, RFC 9530, RFC 1864, and those that stores have of their own).
 */
const OF_THE_OCTETS =
  /^(?:content-length|content-md5|digest|content-digest|repr-digest|x-amz-checksum-.*|x-goog-hash)$/;

/**
 * The head of a coded variant, made of that of the response; names and values, alternating.
 *
 * Its entity-tag is weak (RFC 9110 §8.8.1): it means the same, and another level or version of an
 * encoder makes other octets of it. So If-Range never holds for it (§13.1.5), and who has a part of it
 * and asks for the rest by If-Range gets the whole. Ranges without If-Range are those of the coded
 * octets (§14.2), which are stored, and so are the same from one range to the next.
 */
export function codedHead(fields: readonly string[], coding: Coding): string[] {
  const coded: string[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] ?? "";
    const value = fields[i + 1] ?? "";
    if (OF_THE_OCTETS.test(name)) continue;
    if (name !== "etag") {
      coded.push(name, value);
      continue;
    }
    // What is no entity-tag cannot be weakened, and must not stand for two representations.
    const tag = parseEntityTag(value);
    if (tag !== undefined) coded.push(name, weakened(tag));
  }
  return variedHead([...coded, "content-encoding", coding]);
}

/** The head of the response that was not coded, which is one of several from now on (RFC 9110 §12.5.5). */
export function variedHead(fields: readonly string[]): string[] {
  const vary = fieldOf(fields, "vary");
  const members = (vary ?? "").split(",").map((name) => name.trim().toLowerCase());
  if (members.includes("*") || members.includes("accept-encoding")) return [...fields];
  const varied: string[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] ?? "";
    if (name !== "vary") varied.push(name, fields[i + 1] ?? "");
  }
  const before = members.every((name) => name === "") ? "" : `${vary}, `;
  return [...varied, "vary", `${before}accept-encoding`];
}
