import { createHash } from "node:crypto";

/** RFC 8555 §8.4: the TXT value at `_acme-challenge.NAME`. */
export function dnsValue(keyAuthorization: string): string {
  return createHash("sha256").update(keyAuthorization).digest("base64url");
}
