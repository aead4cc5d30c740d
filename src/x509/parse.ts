import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";

/** `undefined` for what is no certificate; the caller says what that means. */
export function parseCertificate(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}

/** `undefined` for what is no private key, or one under a passphrase. */
export function parseKey(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem);
  } catch {
    return undefined;
  }
}
