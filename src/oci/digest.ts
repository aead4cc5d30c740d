import { createHash, type Hash } from "node:crypto";

declare const brand: unique symbol;

/** A string that has been through `parseDigest`, and can get here no other way. */
export type Digest = string & { readonly [brand]: "Digest" };

/** OCI image-spec, descriptor.md: the registered algorithms, with their length in hex digits. */
const HEX_DIGITS = { sha256: 64, sha512: 128 } as const;

export type Algorithm = keyof typeof HEX_DIGITS;

/** Undefined for one that is not registered. */
export function parseAlgorithm(text: string): Algorithm | undefined {
  return Object.hasOwn(HEX_DIGITS, text) ? (text as Algorithm) : undefined;
}

/** `algorithm ":" encoded`, in lower case as the registered algorithms have it. */
export function parseDigest(text: string): Digest | undefined {
  const [, algorithm = "", hex = ""] = /^([a-z0-9]+):([0-9a-f]+)$/.exec(text) ?? [];
  const known = parseAlgorithm(algorithm);
  return known !== undefined && hex.length === HEX_DIGITS[known] ? (text as Digest) : undefined;
}

/** The one that it is by. */
export function algorithmOf(digest: Digest): Algorithm {
  return digest.startsWith("sha512:") ? "sha512" : "sha256";
}

/** What is behind the colon: what files are called. */
export function hexOf(digest: Digest): string {
  return digest.slice(digest.indexOf(":") + 1);
}

/** A hash under way. */
export function newHash(algorithm: Algorithm): Hash {
  return createHash(algorithm);
}

/** Ends a hash. */
export function digestOf(algorithm: Algorithm, hash: Hash): Digest {
  return `${algorithm}:${hash.digest("hex")}` as Digest;
}

export function digestOfBytes(algorithm: Algorithm, bytes: Uint8Array): Digest {
  return digestOf(algorithm, newHash(algorithm).update(bytes));
}
