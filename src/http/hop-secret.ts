import { createHash, timingSafeEqual } from "node:crypto";

/**
 * Shows that a request to one of the control plane's listeners on the loopback is from a worker of its own:
 * anyone on this machine could send the rest of it.
 */
export const HOP_SECRET_FIELD = "x-atoll-secret";

/** Recognises the secret in a field's value; the time that it takes tells nothing of it. */
export function hopSecretCheck(secret: string): (value: string | string[] | undefined) => boolean {
  const expected = digest(secret);
  return (value) => typeof value === "string" && timingSafeEqual(digest(value), expected);
}

/** Of one length whatever was sent. */
function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
