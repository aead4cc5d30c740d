import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import type { EdgeAccessLog } from "#feed/message.ts";
import { keepBounded } from "#usage/log-rotation.ts";
import type { Config } from "./config.ts";
import type { Logger } from "./log.ts";

/** Where workers write the access log, if it is kept. */
export async function openAccessLog(
  { edge }: Config,
  log: Logger,
  stack: AsyncDisposableStack,
): Promise<EdgeAccessLog | undefined> {
  if (edge.accessLog === undefined) return undefined;
  const { path, isOurs } = edge.accessLog;
  if (isOurs) {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    stack.use(keepBounded(path, log));
  }
  return { path, format: edge.accessLogFormat };
}
