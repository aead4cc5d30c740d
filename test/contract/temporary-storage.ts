import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FeedRecord } from "#sqlite/feed-log.ts";
import { openDataFolder } from "../../src/data-folder.ts";
import { openStorage, type Storage } from "../../src/storage.ts";

/** A real storage in a folder of its own, and what it told the feed. */
export interface TemporaryStorage extends Storage {
  readonly records: readonly FeedRecord[];
  readonly database: string;
}

/** @param told gets what `records` gets, as it comes */
export async function openTemporaryStorage(
  told: (records: readonly FeedRecord[]) => void = () => undefined,
): Promise<TemporaryStorage> {
  await using stack = new AsyncDisposableStack();
  const path = await mkdtemp(join(tmpdir(), "atoll-storage-"));
  stack.defer(() => rm(path, { recursive: true }));
  const folder = stack.use(await openDataFolder(path));
  const records: FeedRecord[] = [];
  const storage = stack.use(
    await openStorage(folder, {
      onRecords: (group) => {
        records.push(...group);
        told(group);
      },
      onDeath: (error) => {
        throw error;
      },
    }),
  );
  const owned = stack.move();
  return {
    ...storage,
    records,
    database: folder.database,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
