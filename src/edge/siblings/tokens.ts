import { createHmac, timingSafeEqual } from "node:crypto";

/**
 * By what workers of one fleet know each other. Either side has its own, so that who took the port of
 * a worker that has ended, and was asked, could still not answer.
 */
export interface SiblingTokens {
  readonly ask: string;
  readonly answer: string;
}

/** Derives both from the secret of the fleet. */
export function siblingTokens(secret: string): SiblingTokens {
  const token = (side: string): string =>
    createHmac("sha256", secret).update(side).digest("base64url");
  return { ask: token("ask"), answer: token("answer") };
}

/** Takes the same time wherever they differ. */
export function isToken(expected: string, shown: string | undefined): boolean {
  if (shown?.length !== expected.length) return false;
  return timingSafeEqual(Buffer.from(shown, "latin1"), Buffer.from(expected, "latin1"));
}
