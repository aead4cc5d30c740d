import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** A blob's file on the disk. */
interface File {
  readonly digest: string;
  readonly path: string;
  readonly sizeBytes: number;
}

/** The files of blobs, and the rows that say that they are there. */
export interface Remains {
  readonly files: readonly File[];
  readonly rows: ReadonlyMap<string, number>;
  /** Ids that have a file, and ids that have a row. */
  readonly uploads: { readonly files: readonly string[]; readonly rows: readonly string[] };
}

/** Looks at a data folder while its program runs, or does not. */
export function remainsIn(dataDir: string): Remains {
  const folder = join(dataDir, "registry");
  using db = new DatabaseSync(join(dataDir, "atoll.db"), { readOnly: true });
  const rows = db.prepare("SELECT digest, size_bytes FROM blob WHERE corrupt_at IS NULL").all();
  const uploads = db.prepare("SELECT id FROM upload").all();
  return {
    files: filesBelow(join(folder, "blobs")),
    rows: new Map(rows.map((row) => [String(row["digest"]), Number(row["size_bytes"])])),
    uploads: {
      files: readdirSync(join(folder, "uploads")),
      rows: uploads.map((row) => String(row["id"])),
    },
  };
}

export function bytesOf({ files }: Remains): number {
  return files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

/** Files that no row has, rows that no file has, and files that are not what they are called. */
export function disagreements({ files, rows, uploads }: Remains): readonly string[] {
  const digests = new Set(files.map(({ digest }) => digest));
  return [
    ...files.filter(({ digest }) => !rows.has(digest)).map(({ path }) => `no row: ${path}`),
    ...[...rows.keys()].filter((digest) => !digests.has(digest)).map((one) => `no file: ${one}`),
    ...files.filter(isOther).map(({ path }) => `not what its name says: ${path}`),
    ...uploads.files.filter((id) => !uploads.rows.includes(id)).map((id) => `no upload: ${id}`),
  ];
}

function isOther({ digest, path }: File): boolean {
  const [algorithm = "", hex] = digest.split(":");
  return createHash(algorithm).update(readFileSync(path)).digest("hex") !== hex;
}

function filesBelow(folder: string): File[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .flatMap(({ parentPath, name }) => {
      const path = join(parentPath, name);
      const algorithm = basename(join(parentPath, ".."));
      const size = statSync(path, { throwIfNoEntry: false })?.size;
      // Collected since it was listed.
      return size === undefined ? [] : [{ path, digest: `${algorithm}:${name}`, sizeBytes: size }];
    });
}
