/** What a client makes of each coding that it names, and of `*`: 0 is "not this one". */
export type CodingWeights = ReadonlyMap<string, number>;

/** RFC 9110 §12.4.2: three decimals at most, and no more than 1. */
const MEMBER =
  /^[\t ]*([!#$%&'*+\-.^`|~\w]+)[\t ]*(?:;[\t ]*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)[\t ]*)?$/i;

/**
 * An Accept-Encoding, names in lower case (RFC 9110 §12.5.3). A member that is malformed is left out:
 * what it may have meant is not sent. The first of equals counts.
 */
export function parseAcceptEncoding(field: string): CodingWeights {
  const weights = new Map<string, number>();
  for (const member of field.split(",")) {
    const match = MEMBER.exec(member);
    if (match === null) continue;
    const [, name = "", weight] = match;
    const coding = canonicalName(name.toLowerCase());
    if (!weights.has(coding)) weights.set(coding, weight === undefined ? 1 : Number(weight));
  }
  return weights;
}

/** RFC 9110 §8.4.1.3: another name of the same. */
function canonicalName(coding: string): string {
  return coding === "x-gzip" ? "gzip" : coding;
}
