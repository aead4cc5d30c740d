import { AcmeError } from "./acme.ts";
import { LOST_TRIES_MAX } from "./limits.ts";

/** How a connection says that it has ended: ours, and what Node's client calls it. */
const ENDED: ReadonlySet<unknown> = new Set(["ECONNRESET", "EPIPE", "UND_ERR_SOCKET"]);

/**
 * Asks again, at once, what a connection has ended with: a kept one that the CA was about to close, or
 * a front of the CA's that was restarted. It may have been heard (RFC 9110 §9.2.2), so the work has to
 * bear that: it is told when it is not the first.
 */
export async function askedAgain<T>(ask: (isAgain: boolean) => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await ask(tries > 1);
    } catch (error) {
      if (tries === LOST_TRIES_MAX || !isLost(error)) throw error;
    }
  }
}

function isLost(error: unknown): boolean {
  return error instanceof AcmeError && error.problem === undefined && hasEnded(error.cause);
}

/** fetch hides it two levels down. */
function hasEnded(cause: unknown): boolean {
  if (!(cause instanceof Error)) return false;
  return ENDED.has((cause as NodeJS.ErrnoException).code) || hasEnded(cause.cause);
}
