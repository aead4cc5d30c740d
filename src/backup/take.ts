import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Writable } from "node:stream";
import type { Clock } from "#clock.ts";
import { VERSION } from "#version.ts";
import { writeBackup } from "./archive.ts";

/** What a backup needs of the stores. */
export interface BackupSources {
  readonly dataDir: string;
  readonly temporary: string;
  /** Writes a consistent copy of the database to a new file, and says which change is its last. */
  copyDatabase(path: string): Promise<{ readonly feedNumber: number }>;
  /** Files that the copy refers to, relative to the data folder: of objects, and of blobs. */
  filesOf(path: string): Iterable<string>;
  /** None of those files goes away while this is held. */
  holdDeletions(): AsyncDisposable;
}

/**
 * Backs everything up as of one moment: files are held first, so that every one that the copied
 * database refers to is still there when its turn comes.
 */
export async function takeBackup(
  sources: BackupSources,
  clock: Clock,
  output: Writable,
  signal: AbortSignal,
): Promise<void> {
  await using stack = new AsyncDisposableStack();
  stack.use(sources.holdDeletions());
  const database = join(sources.temporary, `backup-${randomUUID()}.db`);
  stack.defer(async () => {
    for (const part of ["", "-wal", "-shm"]) await rm(`${database}${part}`, { force: true });
  });
  const { feedNumber } = await sources.copyDatabase(database);
  // Copying takes a while, and whoever asked may have left meanwhile.
  signal.throwIfAborted();
  if (output.destroyed) throw new Error("The reader of the backup has left");
  await writeBackup(
    {
      dataDir: sources.dataDir,
      database,
      files: asynchronous(sources.filesOf(database)),
      atollVersion: VERSION,
      createdAt: new Date(clock.now()),
      feedNumber,
    },
    output,
    signal,
  );
}

async function* asynchronous<T>(values: Iterable<T>): AsyncGenerator<T> {
  yield* values;
}
