import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "#log.ts";
import type { BlobFiles } from "./blob.ts";
import { algorithmOf, type Digest, digestOf, newHash } from "./digest.ts";
import { SCRUB_BYTES_PER_SECOND, SCRUB_PAUSE_MS } from "./limits.ts";
import type { ContentStore } from "./store.ts";

export interface ScrubParts {
  readonly store: Pick<ContentStore, "soundBlobSize" | "hasBlobRow" | "markCorrupt">;
  readonly files: BlobFiles;
  readonly log: Logger;
  /** Waits, or rejects when the signal aborts. */
  readonly wait?: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** What one look at all files came to. */
export interface Scrubbed {
  readonly sound: number;
  readonly corrupt: number;
}

/** Removes files that no row has: a crash between the two left them. */
export async function removeOrphans(
  { store, files, log }: Omit<ScrubParts, "wait">,
  signal: AbortSignal,
): Promise<number> {
  let removed = 0;
  for await (const digest of files.list()) {
    signal.throwIfAborted();
    if (store.hasBlobRow(digest)) continue;
    await files.remove(digest, () => store.hasBlobRow(digest));
    removed += 1;
  }
  if (removed > 0) log.info({ removed }, "files of no blob removed");
  return removed;
}

/**
 * Reads every blob again, slowly. One whose octets are not its digest's any more counts as absent
 * from then on: it is never served, and the next push of it brings it back.
 */
export async function scrub(parts: ScrubParts, signal: AbortSignal): Promise<Scrubbed> {
  const { store, files, log } = parts;
  const wait = parts.wait ?? ((ms) => delay(ms, undefined, { signal, ref: false }));
  const scrubbed = { sound: 0, corrupt: 0 };
  for await (const digest of files.list()) {
    signal.throwIfAborted();
    const sizeBytes = store.soundBlobSize(digest);
    // Known to be corrupt, or deleted since it was listed.
    if (sizeBytes === undefined) continue;
    const look = (): Promise<boolean> =>
      isSound(files, digest, sizeBytes, (ms) => wait(ms, signal));
    // Twice: it may have been deleted, or pushed again, meanwhile.
    if ((await look()) || (await look())) {
      scrubbed.sound += 1;
    } else if (store.soundBlobSize(digest) === sizeBytes) {
      await store.markCorrupt(digest);
      log.error({ digest, size_bytes: sizeBytes }, "blob is corrupt: it counts as absent");
      scrubbed.corrupt += 1;
    }
    await wait(SCRUB_PAUSE_MS, signal);
  }
  if (scrubbed.corrupt > 0) log.warn(scrubbed, "blobs scrubbed");
  return scrubbed;
}

async function isSound(
  files: BlobFiles,
  digest: Digest,
  sizeBytes: number,
  wait: (ms: number) => Promise<void>,
): Promise<boolean> {
  await using file = await files.open(digest, sizeBytes);
  if (file === undefined) return false;
  const algorithm = algorithmOf(digest);
  const hash = newHash(algorithm);
  if (sizeBytes > 0) {
    for await (const chunk of file.read(0, sizeBytes - 1)) {
      hash.update(chunk);
      await wait((chunk.byteLength / SCRUB_BYTES_PER_SECOND) * 1_000);
    }
  }
  return digestOf(algorithm, hash) === digest;
}
