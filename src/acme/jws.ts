import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from "node:crypto";
import { calculateJwkThumbprint, FlattenedSign, type JWK } from "jose";

/** RFC 8555 §6.2: ES256 is what every CA has to take. */
const ALGORITHM = "ES256";
const CURVE = "P-256";

/** What an account signs with, in the forms that are needed of it. */
export interface SigningKey {
  /** As it is kept. */
  readonly keyPem: string;
  readonly privateKey: KeyObject;
  readonly publicJwk: JWK;
  /** RFC 7638; the second half of every key authorization. */
  readonly thumbprint: string;
}

/** Whom the CA is to know the signature by (§6.2): an account's URL, or the key itself before that. */
export type SignedAs = { readonly kid: string } | { readonly jwk: JWK };

/** PKCS#8, PEM. */
export function newAccountKey(): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: CURVE });
  return privateKey.export({ type: "pkcs8", format: "pem" });
}

/** @throws Error when the PEM has no such key in it */
export async function signingKey(keyPem: string): Promise<SigningKey> {
  const privateKey = createPrivateKey(keyPem);
  const { kty, crv, x, y } = createPublicKey(privateKey).export({ format: "jwk" }) as JWK;
  if (kty !== "EC" || crv !== CURVE || x === undefined || y === undefined) {
    throw new Error("The key of an ACME account is ECDSA P-256");
  }
  const publicJwk = { kty, crv, x, y };
  return { keyPem, privateKey, publicJwk, thumbprint: await calculateJwkThumbprint(publicJwk) };
}

/** §6.2: one request. The payload is JSON, or empty for POST-as-GET (§6.3). */
export async function signRequest(
  { privateKey }: SigningKey,
  header: { readonly url: string; readonly nonce: string; readonly as: SignedAs },
  payload: string,
): Promise<string> {
  const { url, nonce, as } = header;
  const jws = await new FlattenedSign(Buffer.from(payload))
    .setProtectedHeader({ alg: ALGORITHM, url, nonce, ...as })
    .sign(privateKey);
  return JSON.stringify(jws);
}

/** An account that the CA's operator has given out elsewhere, and the key that proves it. */
export interface ExternalAccount {
  readonly kid: string;
  readonly hmacKey: Uint8Array;
}

/** §7.3.4: that account signs our key. */
export async function signBinding(
  { kid, hmacKey }: ExternalAccount,
  url: string,
  { publicJwk }: SigningKey,
): Promise<object> {
  return new FlattenedSign(Buffer.from(JSON.stringify(publicJwk)))
    .setProtectedHeader({ alg: "HS256", kid, url })
    .sign(hmacKey);
}
