import type { Logger } from "./log.ts";

const DAY_MS = 86_400_000;

/** Certificates are looked at once a day; those that are due are renewed. */
export function daily(renew: () => Promise<void>, failure: string, log: Logger): Disposable {
  const timer = setInterval(() => {
    renew().catch((error: unknown) => log.error({ err: error }, failure));
  }, DAY_MS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
