import { constants } from "node:fs";
import { access, open } from "node:fs/promises";
import { join } from "node:path";
import type { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type Pack, pack } from "tar-stream";
import {
  CA_CERTIFICATE,
  createTally,
  DATABASE,
  END_NAME,
  type End,
  FORMAT_VERSION,
  MANIFEST_NAME,
  MASTER_KEY,
  type Manifest,
  parseEntryName,
  type Tally,
} from "./format.ts";

const FILE_MODE = 0o600;

/** What is backed up. `ca/ca.pem` and `master.key` are taken from the data folder if they are there. */
export interface BackupParts {
  readonly dataDir: string;
  /** Path of a consistent snapshot of the database, made for this backup. */
  readonly database: string;
  /**
   * Files of objects and blobs, relative to `dataDir`. Each must stay until it has been read: a file
   * that is gone fails the backup, since the database would name it for ever.
   */
  readonly files: AsyncIterable<string>;
  readonly atollVersion: string;
  readonly createdAt: Date;
  readonly feedNumber: number;
}

/**
 * Writes a backup and ends `output`. Nothing is held whole, and a slow reader slows it down.
 * When it fails `output` is destroyed, so that a client sees a broken transfer, not a short one.
 */
export async function writeBackup(
  parts: BackupParts,
  output: Writable,
  signal: AbortSignal,
): Promise<End> {
  const archive = pack();
  // Its failures are told by the two promises below; unheard, they would end the program.
  archive.on("error", () => undefined);
  const tally = createTally();
  const stop = new AbortController();
  const sent = pipeline(archive, output, { signal }).catch((error: unknown) => {
    stop.abort(error);
    throw error;
  });
  const filled = fill({ archive, tally }, parts, AbortSignal.any([signal, stop.signal])).catch(
    (error: unknown) => {
      archive.destroy(error as Error);
      throw error;
    },
  );
  const [filling, sending] = await Promise.allSettled([filled, sent]);
  // Whichever failed first is the other's cause.
  if (sending.status === "rejected") throw stop.signal.reason ?? sending.reason;
  if (filling.status === "rejected") throw filling.reason;
  return filling.value;
}

interface Filling {
  readonly archive: Pack;
  readonly tally: Tally;
}

async function fill(filling: Filling, parts: BackupParts, signal: AbortSignal): Promise<End> {
  const manifest: Manifest = {
    format: "atoll-backup",
    format_version: FORMAT_VERSION,
    atoll_version: parts.atollVersion,
    created_at: parts.createdAt.toISOString(),
    feed_number: parts.feedNumber,
  };
  addText(filling, MANIFEST_NAME, manifest);
  await addFile(filling, DATABASE, parts.database, signal);
  for (const name of await optionalFiles(parts.dataDir)) {
    await addFile(filling, name, join(parts.dataDir, name), signal);
  }
  for await (const name of parts.files) {
    await addFile(filling, name, join(parts.dataDir, name), signal);
  }
  const end = filling.tally.end();
  addText(filling, END_NAME, end);
  filling.archive.finalize();
  return end;
}

/** Those that are there. The CA's key is in the database. */
async function optionalFiles(dataDir: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const name of [CA_CERTIFICATE, MASTER_KEY]) {
    if (await isThere(join(dataDir, name))) found.push(name);
  }
  return found;
}

async function isThere(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

function addText({ archive, tally }: Filling, name: string, value: object): void {
  const text = `${JSON.stringify(value)}\n`;
  tally.entry(name, Buffer.byteLength(text));
  tally.bytes(Buffer.from(text));
  archive.entry({ name, mode: FILE_MODE }, text);
}

async function addFile(
  { archive, tally }: Filling,
  name: string,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  if (parseEntryName(name) === undefined) throw new Error(`${name} has no place in a backup`);
  // A link could lead anywhere; none of our files is one.
  await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  const stats = await file.stat();
  if (!stats.isFile()) throw new Error(`${path} is not a file`);
  const { size } = stats;
  tally.entry(name, size);
  const entry = archive.entry({ name, size, mode: FILE_MODE, mtime: stats.mtime });
  if (size === 0) {
    entry.end(undefined);
    return;
  }
  // What is appended meanwhile stays out; a file that shrinks is tar-stream's "Size mismatch".
  const content = file.createReadStream({ start: 0, end: size - 1, autoClose: false });
  const counted = async function* (chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      tally.bytes(chunk);
      yield chunk;
    }
  };
  await pipeline(content, counted, entry, { signal });
}
