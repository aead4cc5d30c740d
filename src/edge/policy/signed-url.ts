import { createHmac, timingSafeEqual } from "node:crypto";
import { URL_SECRETS_MAX } from "#cdn/limits.ts";
import { SIGNED_AHEAD_SECONDS_MAX } from "./limits.ts";

/** Whether a target may be answered. A valid one goes on without what made it so. */
export type Signature =
  | { readonly kind: "valid"; readonly target: string }
  | { readonly kind: "refused"; readonly status: 403; readonly reason: string };

/** The parameters of a target that has all it needs to be checked. */
interface SignedTarget {
  readonly kind: "signed";
  /** All before `&signature=`. */
  readonly text: string;
  readonly signature: string;
  readonly expires: number;
  /** The target without both parameters. */
  readonly target: string;
}

/** SHA-256 is 32 octets. */
const SIGNATURE = /^[\w-]{43}$/;

/**
 * Checks a raw target `PATH?…expires=UNIX…&signature=BASE64URL`. The signature is the last parameter
 * and is the HMAC-SHA256 of all before it; neither Host nor method are in it. Whether it has expired
 * is told only to who has a real one.
 */
export function decideSignature(
  target: string,
  secrets: readonly string[],
  nowSeconds: number,
): Signature {
  const signed = parse(target);
  if (signed.kind === "refused") return signed;
  const { text, signature, expires } = signed;
  const accepted = secrets.slice(0, URL_SECRETS_MAX);
  if (!accepted.some((secret) => isSignature(signature, text, secret))) {
    return refused("The signature is not one of this URL.");
  }
  if (expires < nowSeconds) return refused("This URL has expired.");
  if (expires > nowSeconds + SIGNED_AHEAD_SECONDS_MAX) {
    return refused("expires is more than a year ahead.");
  }
  return { kind: "valid", target: signed.target };
}

/**
 * Signs a path, perhaps with a query, as it will be sent: escaped. One that has `expires` or
 * `signature` already is refused by the edge.
 */
export function signTarget(path: string, secret: string, expires: number): string {
  const text = `${path}${path.includes("?") ? "&" : "?"}expires=${expires}`;
  return `${text}&signature=${signatureOf(text, secret)}`;
}

function parse(target: string): SignedTarget | Extract<Signature, { kind: "refused" }> {
  const mark = target.indexOf("?");
  const parameters = mark < 0 ? [] : target.slice(mark + 1).split("&");
  const [signature, ...signatures] = valuesOf(parameters, "signature");
  if (signature === undefined) return refused("This URL is not signed.");
  if (signatures.length > 0) return refused("signature is there more than once.");
  const last = parameters.at(-1) ?? "";
  if (nameOf(last) !== "signature") return refused("signature is not the last parameter.");
  if (!SIGNATURE.test(signature)) return refused("signature is not 43 characters of base64url.");
  const [expires, ...others] = valuesOf(parameters, "expires");
  if (expires === undefined) return refused("expires is missing.");
  if (others.length > 0) return refused("expires is there more than once.");
  // A number has one spelling, and twelve digits are no date that anyone will see.
  if (!/^[1-9]\d{0,11}$/.test(expires)) return refused("expires is not in seconds since 1970.");
  const rest = parameters.slice(0, -1).filter((parameter) => nameOf(parameter) !== "expires");
  const path = target.slice(0, mark);
  return {
    kind: "signed",
    text: target.slice(0, target.length - last.length - 1),
    signature,
    expires: Number(expires),
    target: rest.length === 0 ? path : `${path}?${rest.join("&")}`,
  };
}

function nameOf(parameter: string): string {
  const equals = parameter.indexOf("=");
  return equals < 0 ? parameter : parameter.slice(0, equals);
}

function valuesOf(parameters: readonly string[], name: string): string[] {
  return parameters
    .filter((parameter) => nameOf(parameter) === name)
    .map((parameter) => parameter.slice(name.length + 1));
}

/** As text: decoded, a signature would have four spellings, which differ in bits that say nothing. */
function isSignature(signature: string, text: string, secret: string): boolean {
  return timingSafeEqual(Buffer.from(signature), Buffer.from(signatureOf(text, secret)));
}

function signatureOf(text: string, secret: string): string {
  return createHmac("sha256", secret).update(text, "latin1").digest("base64url");
}

function refused(reason: string): Extract<Signature, { kind: "refused" }> {
  return { kind: "refused", status: 403, reason };
}
