import type { Logger } from "#log.ts";
import type { AccountStore } from "./account.ts";
import type { UseLog } from "./token.ts";

/** How late a token's last use may be written down. */
const FLUSH_EVERY_MS = 1_000;

/** Tokens used between two flushes; those beyond it are noted at their next use. */
const USES_MAX = 10_000;

/** Keeps last uses in memory and writes them down together, now and then and at the end. */
export function startUseLog(store: AccountStore, log: Logger): UseLog & AsyncDisposable {
  let uses = new Map<string, number>();
  const flush = async (): Promise<void> => {
    if (uses.size === 0) return;
    const written = uses;
    uses = new Map();
    await store.noteUses(written);
  };
  const timer = setInterval(() => {
    flush().catch((error: unknown) => log.warn({ err: error }, "token uses were not noted"));
  }, FLUSH_EVERY_MS);
  return {
    note: (id, now) => {
      if (uses.size < USES_MAX || uses.has(id)) uses.set(id, now);
    },
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      await flush();
    },
  };
}
