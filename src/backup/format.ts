import { createHash } from "node:crypto";
import { z } from "zod";

/**
 * A backup is a tar archive (POSIX.1-2001) with, in this order: what it is, the database, the
 * local CA's certificate, the master key, the objects of embedded Spaces and the registry's blobs,
 * and an end that counts it all.
 */

/** First of all entries: a foreign archive is known by its first 512 bytes. */
export const MANIFEST_NAME = "atoll-backup.json";

/** Last of all entries: without it the archive was cut short. */
export const END_NAME = "end";

/** Raised when an older Atoll could not restore what a newer one writes. */
export const FORMAT_VERSION = 2;

/** Of the two entries that are read whole. */
export const TEXT_BYTES_MAX = 65_536;

/** What a backup is of. */
export const Manifest = z.object({
  format: z.literal("atoll-backup"),
  format_version: z.int().positive(),
  atoll_version: z.string().max(64),
  created_at: z.iso.datetime(),
  feed_number: z.int().nonnegative(),
});
export type Manifest = Readonly<z.output<typeof Manifest>>;

/** What a backup holds, its end entry not counted. */
export const End = z.object({
  entries: z.int().positive(),
  size_bytes: z.int().nonnegative(),
  /** Of every entry's name, size and bytes: tar itself checks its headers only. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});
export type End = Readonly<z.output<typeof End>>;

/** A path relative to the data folder that cannot lead out of it. */
declare const brand: unique symbol;
export type EntryName = string & { readonly [brand]: "EntryName" };

export const DATABASE = "atoll.db" as EntryName;
export const CA_CERTIFICATE = "ca/ca.pem" as EntryName;
export const MASTER_KEY = "master.key" as EntryName;

const NAME_LENGTH_MAX = 1_024;
const SEGMENT = "[A-Za-z0-9_][A-Za-z0-9._-]{0,254}";
/** What is of many files may be nested, as sharded stores are; a segment never begins with a dot. */
/** Older backups have keys in `ca/`, too. */
const ENTRY = new RegExp(
  `^(atoll\\.db|master\\.key|ca/${SEGMENT}|(objects|registry/blobs)(/${SEGMENT}){1,8})$`,
);

/** The name of a file that belongs into a data folder. */
export function parseEntryName(text: string): EntryName | undefined {
  return text.length <= NAME_LENGTH_MAX && ENTRY.test(text) ? (text as EntryName) : undefined;
}

/** Counts and hashes as entries pass by; writer and reader come to the same end. */
export interface Tally {
  entry(name: string, sizeBytes: number): void;
  bytes(chunk: Uint8Array): void;
  end(): End;
}

export function createTally(): Tally {
  const hash = createHash("sha256");
  let entries = 0;
  let total = 0;
  return {
    entry: (name, sizeBytes) => {
      entries += 1;
      total += sizeBytes;
      hash.update(`${name}\0${sizeBytes}\0`);
    },
    bytes: (chunk) => {
      hash.update(chunk);
    },
    end: () => ({ entries, size_bytes: total, sha256: hash.copy().digest("hex") }),
  };
}
