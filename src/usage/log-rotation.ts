import { rename, stat } from "node:fs/promises";
import type { Logger } from "#log.ts";
import { LOG_FILE_BYTES_MAX, LOG_FILE_POLL_MS } from "./limits.ts";

/**
 * Keeps a log file that nobody looks after from filling the disk: past its limit it becomes `<path>.1`,
 * in the place of the one before. Those who write notice by themselves that it was renamed.
 */
export function keepBounded(path: string, log: Logger, bytesMax = LOG_FILE_BYTES_MAX): Disposable {
  const timer = setInterval(() => {
    rotate(path, bytesMax).catch((error: unknown) => {
      log.warn({ err: error }, "access log not rotated");
    });
  }, LOG_FILE_POLL_MS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** Renames the file if it has grown past the limit. One that is not there has not. */
export async function rotate(path: string, bytesMax: number): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found !== undefined && found.size > bytesMax) await rename(path, `${path}.1`);
}
