import type { Logger } from "./log.ts";

const DAY_MS = 86_400_000;

/**
 * Once a day, as certificates are looked at: those that are due are renewed.
 * @param failure what the log says when it was not
 */
export function daily(work: () => Promise<void>, failure: string, log: Logger): Disposable {
  const timer = setInterval(() => {
    work().catch((error: unknown) => log.error({ err: error }, failure));
  }, DAY_MS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
