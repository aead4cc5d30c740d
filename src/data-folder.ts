import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { umask } from "node:process";
import { DatabaseSync } from "node:sqlite";
import { readText, writeDurably } from "./durable-file.ts";
import { MASTER_KEY_BYTES } from "./seal.ts";

const OWNER_ONLY = 0o600;

/** https://sqlite.org/rescode.html#busy */
const SQLITE_BUSY = 5;

/** Where everything that lasts is (docs/operating.md): one folder, its owner's alone. */
export interface DataFolder extends Disposable {
  readonly database: string;
  readonly objects: string;
  readonly ca: string;
  /** For snapshots on their way into a backup. */
  readonly temporary: string;
  readonly masterKey: Uint8Array;
  readonly operatorCredential: string;
  /** Tells the `atoll` command which ports to use; written when all of them answer. */
  writeRuntime(runtime: Readonly<Record<string, unknown>>): Promise<void>;
  removeRuntime(): Promise<void>;
}

/**
 * Opens the folder for one server at a time, making what it lacks.
 * @throws Error when another server has it, or it cannot be used
 */
export async function openDataFolder(path: string): Promise<DataFolder> {
  // Files that libraries make here are as private as our own.
  umask(0o077);
  await makeFolder(path);
  using stack = new DisposableStack();
  stack.adopt(takeLock(path), (lock) => lock.close());
  await refuseLostDatabase(path);
  const masterKey = await masterKeyOf(join(path, "master.key"));
  // A new one at each start: who read an old one has nothing.
  const operatorCredential = `atoll_operator_${randomBytes(32).toString("hex")}`;
  await writeDurably(join(path, "operator.token"), `${operatorCredential}\n`, OWNER_ONLY);
  await rm(join(path, "runtime.json"), { force: true });
  await removeLeftovers(path);
  const owned = stack.move();
  return {
    database: join(path, "atoll.db"),
    objects: join(path, "objects"),
    ca: join(path, "ca"),
    temporary: join(path, "tmp"),
    masterKey,
    operatorCredential,
    writeRuntime: (runtime) =>
      writeDurably(join(path, "runtime.json"), `${JSON.stringify(runtime)}\n`, OWNER_ONLY),
    removeRuntime: () => rm(join(path, "runtime.json"), { force: true }),
    [Symbol.dispose]: () => owned.dispose(),
  };
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
  } catch (cause) {
    const why = (cause as Error).message;
    throw new Error(`Cannot use the data folder ${path} (ATOLL_DATA_DIR): ${why}`, { cause });
  }
}

/** A new database would take every object for one that a crash has left, and remove it. */
async function refuseLostDatabase(path: string): Promise<void> {
  if (existsSync(join(path, "atoll.db")) || !existsSync(join(path, "objects"))) return;
  const folders = await readdir(join(path, "objects"));
  if (!folders.some((name) => /^[0-9a-f]{2}$/.test(name))) return;
  throw new Error(
    `Cannot use the data folder ${path}: it has objects, but atoll.db is gone. Bring that file ` +
      "back, restore a backup into another folder, or start with an empty one.",
  );
}

/** What a crash has left: copies for backups, and files that were not renamed into place yet. */
async function removeLeftovers(path: string): Promise<void> {
  const temporary = join(path, "tmp");
  await mkdir(temporary, { recursive: true, mode: 0o700 });
  for (const [folder, pattern] of [
    [temporary, /^backup-.+\.db(-wal|-shm|-journal)?$/],
    [path, /\.[0-9a-f]{12}\.tmp$/],
    [join(path, "ca"), /\.[0-9a-f]{12}\.tmp$/],
  ] as const) {
    const names = existsSync(folder) ? await readdir(folder) : [];
    for (const name of names.filter((each) => pattern.test(each))) {
      await rm(join(folder, name), { force: true });
    }
  }
}

/**
 * SQLite's file lock is the operating system's: it ends with the process, however that ends, so no
 * lock is ever stale.
 */
function takeLock(path: string): DatabaseSync {
  const db = new DatabaseSync(join(path, "lock.db"), { timeout: 0 });
  try {
    db.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
    return db;
  } catch (cause) {
    db.close();
    if ((cause as { errcode?: number }).errcode !== SQLITE_BUSY) {
      const why = (cause as Error).message;
      throw new Error(`Cannot use the data folder ${path} (ATOLL_DATA_DIR): ${why}`, { cause });
    }
    throw new Error(
      `Cannot use the data folder ${path}: another Atoll serves from it. Stop that one, or set ` +
        "ATOLL_DATA_DIR to another folder.",
      { cause },
    );
  }
}

async function masterKeyOf(path: string): Promise<Uint8Array> {
  const stored = await readText(path);
  if (stored === undefined) {
    const key = randomBytes(MASTER_KEY_BYTES);
    await writeDurably(path, `${key.toString("base64")}\n`, OWNER_ONLY);
    return key;
  }
  const key = Buffer.from(stored.trim(), "base64");
  if (key.byteLength === MASTER_KEY_BYTES) return key;
  throw new Error(
    `Cannot use the master key ${path}: expected ${MASTER_KEY_BYTES} bytes in base64`,
  );
}
