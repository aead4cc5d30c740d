// @peculiar/x509 throws at import without it, and does not bring it.
// oxlint-disable-next-line import/no-unassigned-import -- it is imported for what it does
import "reflect-metadata";
import { createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto";
import { Pkcs10CertificateRequestGenerator, SubjectAlternativeNameExtension } from "@peculiar/x509";

/** Every CA takes P-256, and every client of the last ten years verifies it. */
const KEY = { name: "ECDSA", namedCurve: "P-256" } as const;
const SIGNATURE = { name: "ECDSA", hash: "SHA-256" } as const;

/** A certificate's private key: PKCS#8, PEM. Apart from the request, so that it is kept before. */
export function newCertificateKey(): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: KEY.namedCurve });
  return privateKey.export({ type: "pkcs8", format: "pem" });
}

/**
 * RFC 8555 §7.4, RFC 2986: DNS names as subject alternative names and an empty subject, since a
 * common name is 64 characters at most and is read by nobody any more.
 * @returns DER
 */
export async function certificateRequest(
  keyPem: string,
  names: readonly string[],
): Promise<Uint8Array> {
  const key = createPrivateKey(keyPem);
  const request = await Pkcs10CertificateRequestGenerator.create({
    keys: {
      privateKey: key.toCryptoKey(KEY, false, ["sign"]),
      publicKey: createPublicKey(key).toCryptoKey(KEY, true, ["verify"]),
    },
    signingAlgorithm: SIGNATURE,
    extensions: [
      // RFC 5280 §4.2.1.6: critical where the subject is empty.
      new SubjectAlternativeNameExtension(
        names.map((name) => ({ type: "dns" as const, value: name })),
        true,
      ),
    ],
  });
  return new Uint8Array(request.rawData);
}
