import { createHash } from "node:crypto";

/** RFC 8555 §8.4: the TXT value at `_acme-challenge.NAME`. */
export function dnsValue(keyAuthorization: string): string {
  return digestOf(keyAuthorization).toString("base64url");
}

/** RFC 8737 §3: the value of the extension `acmeIdentifier`: an OCTET STRING of 32 octets, in DER. */
export function acmeIdentifier(keyAuthorization: string): Buffer {
  const digest = digestOf(keyAuthorization);
  return Buffer.concat([Buffer.of(OCTET_STRING, digest.length), digest]);
}

const OCTET_STRING = 0x04;

function digestOf(keyAuthorization: string): Buffer {
  return createHash("sha256").update(keyAuthorization).digest();
}
