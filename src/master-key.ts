import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { readText, writeDurably } from "./durable-file.ts";
import { MASTER_KEY_BYTES, sealUnder } from "./seal.ts";

const OWNER_ONLY = 0o600;

/** What the database's check value is sealed for. */
export const KEY_CHECK_PURPOSE = "master-key/check";

/** Where the master key is, and what it opens. */
export interface MasterKeyPlace {
  readonly file: string;
  /** It is in the data folder, and made there; else somebody else brings it. */
  readonly isOurs: boolean;
  /** Path of the database, which may not be there yet. */
  readonly database: string;
}

/**
 * The key that opens what the database has sealed. A rotation that a crash has cut short is finished,
 * or forgotten, by which of the two keys the database is under.
 * @throws Error when the key is missing, or is not the database's
 */
export async function openMasterKey(place: MasterKeyPlace): Promise<Uint8Array> {
  const { file } = place;
  const current = await readKey(file);
  const next = await readKey(nextFile(file));
  const check = readCheck(place.database);
  if (check === undefined) return current ?? makeKey(place);
  if (current !== undefined && opens(current, check)) {
    await rm(nextFile(file), { force: true });
    return current;
  }
  if (next !== undefined && opens(next, check)) {
    await adoptNextKey(file);
    return next;
  }
  throw current === undefined
    ? missing(file)
    : new Error(
        `Cannot use the master key ${file}: the database was sealed under another one. Bring that one ` +
          "back, or restore a backup.",
      );
}

/** A new key beside the one in use: from here on either may be the database's. */
export async function writeNextKey(file: string): Promise<Uint8Array> {
  const key = randomBytes(MASTER_KEY_BYTES);
  await writeDurably(nextFile(file), keyText(key), OWNER_ONLY);
  return key;
}

/** The database is under the next key, which takes the place of the one before. */
export async function adoptNextKey(file: string): Promise<void> {
  await rename(nextFile(file), file);
  await using folder = await open(dirname(file), "r");
  await folder.sync();
}

function nextFile(file: string): string {
  return `${file}.next`;
}

function keyText(key: Buffer): string {
  return `${key.toString("base64")}\n`;
}

async function readKey(path: string): Promise<Uint8Array | undefined> {
  const stored = await readText(path);
  if (stored === undefined) return undefined;
  const key = Buffer.from(stored.trim(), "base64");
  if (key.byteLength === MASTER_KEY_BYTES) return key;
  throw new Error(
    `Cannot use the master key ${path}: expected ${MASTER_KEY_BYTES} bytes in base64`,
  );
}

async function makeKey({ file, isOurs, database }: MasterKeyPlace): Promise<Uint8Array> {
  // One that is made now could open nothing of what is there.
  if (!isOurs || existsSync(database)) throw missing(file);
  const key = randomBytes(MASTER_KEY_BYTES);
  await writeDurably(file, keyText(key), OWNER_ONLY);
  return key;
}

function missing(file: string): Error {
  return new Error(
    `The master key ${file} is missing. Bring it back: nothing that is sealed in the database opens ` +
      "without it. For an empty data folder, `openssl rand -base64 32` makes one.",
  );
}

/** `undefined` where there is no database yet, or one of a version that had no check value. */
function readCheck(database: string): Uint8Array | undefined {
  if (!existsSync(database)) return undefined;
  using db = new DatabaseSync(database);
  const table = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'master_key'").get();
  if (table === undefined) return undefined;
  return db.prepare("SELECT sealed_check FROM master_key").get()?.["sealed_check"] as
    | Uint8Array
    | undefined;
}

function opens(key: Uint8Array, check: Uint8Array): boolean {
  try {
    sealUnder(key).open(check, KEY_CHECK_PURPOSE);
    return true;
  } catch {
    return false; // That is how it says so.
  }
}
