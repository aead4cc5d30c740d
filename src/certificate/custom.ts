import { createPrivateKey, type KeyObject, type X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import type { Issued } from "./certificate.ts";
import {
  CERTIFICATES_LENGTH_MAX,
  CERTIFICATES_SENT_MAX,
  KEY_LENGTH_MAX,
  RSA_BITS_MAX,
  RSA_BITS_MIN,
} from "./limits.ts";
import { certificatesOf, dnsNamesOf, pemBlocks, pemOf } from "./pem.ts";

/** What an account sends to have its own certificate served; PEM. */
export interface CustomMembers {
  readonly private_key: string;
  readonly leaf_certificate: string;
  readonly certificate_chain: string;
}

export type CustomCheck =
  | {
      readonly kind: "sound";
      readonly issued: Issued;
      readonly dnsNames: readonly string[];
      /** PEM, PKCS #8. */
      readonly key: string;
    }
  | {
      readonly kind: "refused";
      readonly member: keyof CustomMembers;
      readonly reason: string;
    };

type Refused = CustomCheck & { readonly kind: "refused" };

/** Whoever's clock is ahead may sign a little early. */
const EARLY_MS = 86_400_000;

/** Whether the edges can serve it, and browsers take it for what it is for. */
export function checkCustom(members: CustomMembers, now: number): CustomCheck {
  const key = parseKey(members.private_key);
  if ("reason" in key) return key;
  const sent = parseCertificates(members);
  if ("reason" in sent) return sent;
  const leaf = sent.leaves.find((certificate) => certificate.checkPrivateKey(key));
  if (leaf === undefined) return refused("private_key", "it is not the key of leaf_certificate");
  const untimely = timeFault(leaf, now);
  if (untimely !== undefined) return refused("leaf_certificate", untimely);
  const chain = chainOf(leaf, sent.all).map(pemOf).join("");
  const pem = key.export({ type: "pkcs8", format: "pem" });
  const unusable = tlsFault(chain, pem);
  if (unusable !== undefined) return refused("leaf_certificate", unusable);
  return {
    kind: "sound",
    issued: describeIssued(leaf, chain),
    dnsNames: dnsNamesOf(leaf),
    key: pem,
  };
}

/** A leaf that was issued, as it is kept. @param chain PEM, the leaf first */
export function describeIssued(leaf: X509Certificate, chain: string): Issued {
  return {
    notBefore: leaf.validFromDate.getTime(),
    notAfter: leaf.validToDate.getTime(),
    sha1: leaf.fingerprint.replaceAll(":", "").toLowerCase(),
    chain,
  };
}

function refused(member: Refused["member"], reason: string): Refused {
  return { kind: "refused", member, reason };
}

const EXPECTED_KEY = "expected a private key in PEM: RSA, P-256 or P-384, without a passphrase";

function parseKey(text: string): KeyObject | Refused {
  if (text.length > KEY_LENGTH_MAX) {
    return refused("private_key", `at most ${KEY_LENGTH_MAX} characters; ${EXPECTED_KEY}`);
  }
  const blocks = pemBlocks(text).filter(({ label }) => label.endsWith("PRIVATE KEY"));
  const [block, ...others] = blocks;
  if (isEncrypted(text)) return refused("private_key", `it is encrypted; ${EXPECTED_KEY}`);
  if (block === undefined) return refused("private_key", EXPECTED_KEY);
  if (others.length > 0)
    return refused("private_key", `there are ${blocks.length}; ${EXPECTED_KEY}`);
  let key: KeyObject;
  try {
    key = createPrivateKey(block.text);
  } catch {
    return refused("private_key", EXPECTED_KEY); // What OpenSSL says of it helps nobody.
  }
  const fault = keyFault(key);
  return fault === undefined ? key : refused("private_key", fault);
}

/** PKCS #8 says so in its label, what OpenSSL wrote before in a field (RFC 1421 §4.6.1.1). */
function isEncrypted(text: string): boolean {
  return /BEGIN ENCRYPTED PRIVATE KEY|^Proc-Type: *4, *ENCRYPTED/m.test(text);
}

function keyFault({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject) {
  if (type === "rsa") {
    const bits = details?.modulusLength ?? 0;
    if (bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX) return undefined;
    return `it is RSA with ${bits} bits; expected ${RSA_BITS_MIN} to ${RSA_BITS_MAX}`;
  }
  const curve = details?.namedCurve;
  if (type === "ec" && (curve === "prime256v1" || curve === "secp384r1")) return undefined;
  return `it is ${type === "ec" ? (curve ?? "of no named curve") : type}; expected RSA, P-256 or P-384`;
}

interface Sent {
  /** Those of `leaf_certificate`: the whole chain may be there. */
  readonly leaves: readonly X509Certificate[];
  readonly all: readonly X509Certificate[];
}

function parseCertificates(members: CustomMembers): Sent | Refused {
  const all: X509Certificate[] = [];
  let leaves: readonly X509Certificate[] = [];
  for (const member of ["leaf_certificate", "certificate_chain"] as const) {
    const text = members[member];
    if (member === "certificate_chain" && text.trim() === "") continue;
    const found = text.length > CERTIFICATES_LENGTH_MAX ? undefined : certificatesOf(text);
    if (found === undefined) {
      return refused(member, `expected PEM, ${CERTIFICATES_LENGTH_MAX} characters at most`);
    }
    all.push(...found);
    if (member === "leaf_certificate") leaves = found;
    if (all.length > CERTIFICATES_SENT_MAX) {
      return refused(member, `at most ${CERTIFICATES_SENT_MAX} certificates`);
    }
  }
  return { leaves, all };
}

function timeFault({ validFromDate, validToDate }: X509Certificate, now: number) {
  if (validToDate.getTime() <= now) return `it has expired, on ${validToDate.toISOString()}`;
  if (validFromDate.getTime() <= now + EARLY_MS) return undefined;
  return `it is not valid before ${validFromDate.toISOString()}`;
}

/**
 * RFC 8446 §4.4.2: the leaf, then each one's issuer, up to the root where that was sent. What does
 * not lead there is left out: Terraform's own acceptance test sends such a certificate.
 */
function chainOf(
  leaf: X509Certificate,
  sent: readonly X509Certificate[],
): readonly X509Certificate[] {
  const chain = [leaf];
  for (let last = leaf; ; ) {
    const issuer = sent.find(
      (other) => !chain.some((known) => known.raw.equals(other.raw)) && isIssuedBy(last, other),
    );
    if (issuer === undefined) return chain;
    chain.push(issuer);
    last = issuer;
  }
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  // One that has signed itself needs nobody else.
  if (certificate.checkIssued(certificate) && certificate.verify(certificate.publicKey))
    return false;
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

/** OpenSSL has the last word: it refuses, say, what is signed with MD5. */
function tlsFault(cert: string, key: string): string | undefined {
  try {
    createSecureContext({ cert, key });
    return undefined;
  } catch (error) {
    return `TLS cannot use it: ${(error as Error).message}`;
  }
}
