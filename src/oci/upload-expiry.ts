import type { Clock } from "#clock.ts";
import type { Logger } from "#log.ts";
import { EXPIRED_AT_ONCE_MAX, UPLOAD_EXPIRES_MS } from "./limits.ts";
import type { ContentStore } from "./store.ts";
import type { UploadFiles } from "./upload.ts";
import type { UploadTurns } from "./upload-turns.ts";

export interface ExpiryParts {
  readonly store: Pick<ContentStore, "expireUploads" | "isUploadOpen">;
  readonly uploads: UploadFiles;
  readonly turns: UploadTurns;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Ends uploads that nobody goes on with, and removes files that no upload has any more. */
export async function expireUploads(parts: ExpiryParts): Promise<void> {
  const { store, uploads, turns, clock, log } = parts;
  const before = clock.now() - UPLOAD_EXPIRES_MS;
  let expired = 0;
  for (let some = EXPIRED_AT_ONCE_MAX; some === EXPIRED_AT_ONCE_MAX; ) {
    const ids = await store.expireUploads(before, EXPIRED_AT_ONCE_MAX);
    for (const id of ids) await uploads.remove(id);
    some = ids.length;
    expired += some;
  }
  // An upload that begins has its file before its row, and is busy until it has both.
  const removed = await uploads.sweep((id) => turns.isBusy(id) || store.isUploadOpen(id));
  if (expired + removed > 0) log.info({ expired, removed }, "abandoned uploads removed");
}
