import type { EndpointSettings } from "#feed/entry.ts";
import { Problem } from "#problem.ts";
import { keyedPatterns } from "./key-target.ts";
import { parsePurgePattern } from "./purge-pattern.ts";

/** What the reading of `files` depends on. */
export interface PurgeFilesContext {
  /** Those that a full URL may be on. */
  readonly ownHosts: readonly string[];
  readonly filesMax: number;
  /** What of it counts; absent: all. */
  readonly query: EndpointSettings["query"];
}

/**
 * The patterns that a purge or its preview names: canonical, as what is stored is keyed, each once, in order.
 * @throws Problem("unprocessable_entity") for none, too many, or one that is no pattern
 */
export function parsePurgeFiles(
  files: readonly string[],
  { ownHosts, filesMax, query }: PurgeFilesContext,
): readonly string[] {
  if (files.length === 0) {
    throw new Problem("unprocessable_entity", "files: expected at least one path, or *");
  }
  if (files.length > filesMax) {
    // A 429 would be retried for ever (CONTRACT §1.3).
    throw new Problem(
      "unprocessable_entity",
      `files: ${files.length} paths, but one purge takes at most ${filesMax} (files ` +
        `in 20 seconds, as ATOLL_RATE_LIMIT_PURGE_FILES sets it)`,
    );
  }
  const patterns = files.flatMap((file, index) => {
    const parsed = parsePurgePattern(file, ownHosts);
    if (parsed.kind === "pattern") return keyedPatterns(parsed.pattern, query);
    throw new Problem("unprocessable_entity", `files[${index}]: ${parsed.reason}`);
  });
  return [...new Set(patterns)].toSorted();
}
