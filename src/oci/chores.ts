import { EXPIRY_EVERY_MS } from "./limits.ts";
import { removeOrphans, type ScrubParts, scrub } from "./scrub.ts";
import { type ExpiryParts, expireUploads } from "./upload-expiry.ts";

/** Between two rounds of the scrub: what rots, rots in months. */
const SCRUB_EVERY_MS = 24 * 3_600_000;

/** A server that has just started has better things to do. */
const FIRST_SCRUB_MS = 60_000;

/** What is done while nobody waits for it: expired uploads, and reading every blob again. */
export function startChores(parts: ExpiryParts & ScrubParts): AsyncDisposable {
  const ended = new AbortController();
  const { signal } = ended;
  const running = new Set<Promise<unknown>>();
  const run = (failure: string, work: () => Promise<unknown>): void => {
    const done = work()
      .catch((error: unknown) => {
        if (!signal.aborted) parts.log.error({ err: error }, failure);
      })
      .finally(() => running.delete(done));
    running.add(done);
  };
  let isScrubbing = false;
  const scrubOnce = async (): Promise<void> => {
    if (isScrubbing) return;
    isScrubbing = true;
    try {
      await scrub(parts, signal);
    } finally {
      isScrubbing = false;
    }
  };
  const expire = (): void => run("uploads were not expired", () => expireUploads(parts));
  const scrubLater = (): void => run("blobs were not scrubbed", scrubOnce);
  expire();
  run("files of no blob were not removed", () => removeOrphans(parts, signal));
  const timers = [setInterval(expire, EXPIRY_EVERY_MS), setInterval(scrubLater, SCRUB_EVERY_MS)];
  const first = setTimeout(scrubLater, FIRST_SCRUB_MS);
  return {
    [Symbol.asyncDispose]: async () => {
      for (const timer of timers) clearInterval(timer);
      clearTimeout(first);
      ended.abort();
      await Promise.all(running);
    },
  };
}
