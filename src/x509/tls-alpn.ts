// @peculiar/x509 throws at import without it, and does not bring it.
// oxlint-disable-next-line import/no-unassigned-import -- it is imported for what it does
import "reflect-metadata";
import { webcrypto } from "node:crypto";
import {
  Extension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { acmeIdentifier } from "#acme/key-authorization.ts";
import { pem, privateKeyPem, type Signed, serialNumber } from "./sign.ts";

const KEY = { name: "ECDSA", namedCurve: "P-256" } as const;
const SIGNATURE = { name: "ECDSA", hash: "SHA-256" } as const;

/** RFC 8737 §6.1: id-pe-acmeIdentifier. */
const ACME_IDENTIFIER = "1.3.6.1.5.5.7.1.31";

/** To either side of now: a validation is over in a minute, and clocks differ. */
const VALIDITY_MS = 86_400_000;

/**
 * RFC 8737 §3: what proves to a CA that asks for `acme-tls/1` that we answer for the name. Good for
 * nothing else: signed by itself, with a critical extension that no client knows.
 */
export async function tlsAlpnCertificate(
  name: string,
  keyAuthorization: string,
  now: number,
): Promise<Signed> {
  const keys = await webcrypto.subtle.generateKey(KEY, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: [{ CN: ["acme-tls/1"] }],
    notBefore: new Date(now - VALIDITY_MS),
    notAfter: new Date(now + VALIDITY_MS),
    keys,
    signingAlgorithm: SIGNATURE,
    extensions: [
      // The one name, and no other.
      new SubjectAlternativeNameExtension([{ type: "dns", value: name }]),
      new Extension(ACME_IDENTIFIER, true, acmeIdentifier(keyAuthorization)),
    ],
  });
  return { cert: pem(certificate), key: privateKeyPem(keys.privateKey) };
}
