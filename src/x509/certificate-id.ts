// @peculiar/x509 throws at import without it, and does not bring it.
// oxlint-disable-next-line import/no-unassigned-import -- it is imported for what it does
import "reflect-metadata";
import { AuthorityKeyIdentifierExtension, X509Certificate } from "@peculiar/x509";

/**
 * RFC 9773 §4.1: what names a certificate to its CA: the authority's key identifier and the serial
 * number as it stands in the DER, a leading zero octet with it. `undefined` where the certificate
 * has no such identifier, as those of some private CAs.
 * @param leaf PEM, the leaf first
 */
export function certificateId(leaf: string): string | undefined {
  const certificate = new X509Certificate(leaf);
  const keyId = certificate.getExtension(AuthorityKeyIdentifierExtension)?.keyId;
  if (keyId === undefined) return undefined;
  const serial = Buffer.from(certificate.serialNumber, "hex");
  return `${Buffer.from(keyId, "hex").toString("base64url")}.${derInteger(serial).toString("base64url")}`;
}

/** X.690 §8.3: of a positive number, the fewest octets whose first bit is zero. */
function derInteger(octets: Buffer): Buffer {
  const first = octets.findIndex((octet) => octet !== 0);
  const magnitude = first < 0 ? Buffer.of(0) : octets.subarray(first);
  return (magnitude[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.of(0), magnitude]) : magnitude;
}
