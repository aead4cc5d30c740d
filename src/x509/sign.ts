// @peculiar/x509 throws at import without it, and does not bring it.
// oxlint-disable-next-line import/no-unassigned-import -- it is imported for what it does
import "reflect-metadata";
import { createPrivateKey, KeyObject, randomBytes, webcrypto } from "node:crypto";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";
import type { LeafName, Validity } from "#certificate/local-ca.ts";

/** P-256 with SHA-256: what every client of the last ten years verifies, and fast to sign with. */
const KEY = { name: "ECDSA", namedCurve: "P-256" } as const;
const SIGNATURE = { name: "ECDSA", hash: "SHA-256" } as const;

/** RFC 5280 appendix A: ub-common-name. */
const COMMON_NAME_LENGTH_MAX = 64;

/** A certificate and its private key, both PEM. */
export interface Signed {
  readonly cert: string;
  readonly key: string;
}

/** A new self-signed CA. Two of them on one machine differ in their names. */
export async function signCa(validity: Validity): Promise<Signed> {
  const keys = await webcrypto.subtle.generateKey(KEY, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    ...validity,
    serialNumber: serialNumber(),
    name: [{ O: ["Atoll"] }, { CN: [`Atoll local CA ${randomBytes(4).toString("hex")}`] }],
    keys,
    signingAlgorithm: SIGNATURE,
    extensions: [
      // A path length of 0: it signs leaves, and no further CA.
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { cert: pem(certificate), key: privateKeyPem(keys.privateKey) };
}

/** A new server certificate of this CA. */
export async function signLeaf(
  ca: Signed,
  names: readonly LeafName[],
  validity: Validity,
): Promise<Signed> {
  const issuer = new X509Certificate(ca.cert);
  const keys = await webcrypto.subtle.generateKey(KEY, true, ["sign", "verify"]);
  const commonName = names.find((name) => name.text.length <= COMMON_NAME_LENGTH_MAX)?.text;
  const certificate = await X509CertificateGenerator.create({
    ...validity,
    serialNumber: serialNumber(),
    subject: commonName === undefined ? [] : [{ CN: [commonName] }],
    issuer: issuer.subjectName,
    publicKey: keys.publicKey,
    signingKey: createPrivateKey(ca.key).toCryptoKey(KEY, false, ["sign"]),
    signingAlgorithm: SIGNATURE,
    extensions: await leafExtensions(issuer, keys.publicKey, names, commonName === undefined),
  });
  return { cert: pem(certificate), key: privateKeyPem(keys.privateKey) };
}

/** What OpenSSL's X509_V_FLAG_X509_STRICT wants, which Python 3.13 and later set by default. */
async function leafExtensions(
  issuer: X509Certificate,
  publicKey: webcrypto.CryptoKey,
  names: readonly LeafName[],
  subjectIsEmpty: boolean,
): Promise<Extension[]> {
  const alternatives = names.map(({ kind, text }) => ({ type: kind, value: text }));
  return [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
    // RFC 5280 §4.2.1.6: critical when the subject is empty.
    new SubjectAlternativeNameExtension(alternatives, subjectIsEmpty),
    await SubjectKeyIdentifierExtension.create(publicKey),
    await AuthorityKeyIdentifierExtension.create(issuer.publicKey),
  ];
}

/** RFC 5280 §4.1.2.2: positive, at most 20 octets; unpredictable, as CAs owe each other. */
export function serialNumber(): string {
  const bytes = randomBytes(16);
  // The top bit is the sign; with the next one set it is neither zero nor shortened.
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString("hex");
}

export function pem(certificate: X509Certificate): string {
  return `${certificate.toString("pem").trim()}\n`;
}

export function privateKeyPem(key: webcrypto.CryptoKey): string {
  return KeyObject.from(key).export({ type: "pkcs8", format: "pem" });
}
