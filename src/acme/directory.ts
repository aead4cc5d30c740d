import type { z } from "zod";
import type { Clock } from "#clock.ts";
import type { Exchange } from "./exchange.ts";
import { DIRECTORY_MAX_AGE_MS } from "./limits.ts";
import { Directory, parseDocument } from "./wire.ts";

/** RFC 8555 §7.1.1: where a CA is asked what, and what it has. */
export type CaDirectory = z.output<typeof Directory>;

/** Asked for once, by however many want it, and again when it has grown old. */
export function directoryReader(
  url: string,
  exchange: Exchange,
  clock: Clock,
): () => Promise<CaDirectory> {
  let kept: { readonly at: number; readonly directory: Promise<CaDirectory> } | undefined;

  const read = async (): Promise<CaDirectory> => {
    const reply = await exchange.send(url, { step: "directory", method: "GET" });
    return parseDocument(Directory, reply.body, "directory");
  };

  return async () => {
    const now = clock.now();
    if (kept !== undefined && now - kept.at < DIRECTORY_MAX_AGE_MS) return kept.directory;
    const asking = { at: now, directory: read() };
    kept = asking;
    try {
      return await asking.directory;
    } catch (error) {
      if (kept === asking) kept = undefined;
      throw error;
    }
  };
}
