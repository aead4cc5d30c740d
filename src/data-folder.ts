import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { umask } from "node:process";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { writeDurably } from "./durable-file.ts";
import { SHUTDOWN_GRACE_MS } from "./limits.ts";
import { openMasterKey } from "./master-key.ts";

const OWNER_ONLY = 0o600;

/** A server that was told to end has the folder for its grace, and a moment more. */
const LOCK_WAIT_MS = SHUTDOWN_GRACE_MS + 2_000;
const LOCK_RETRY_MS = 100;

/** https://sqlite.org/rescode.html#busy */
const SQLITE_BUSY = 5;

/** Where everything that lasts is (docs/operating.md): one folder, its owner's alone. */
export interface DataFolder extends Disposable {
  readonly database: string;
  readonly objects: string;
  readonly ca: string;
  /** Blobs, and what has arrived of uploads. */
  readonly registry: string;
  /** For snapshots on their way into a backup. */
  readonly temporary: string;
  readonly masterKey: Uint8Array;
  readonly masterKeyFile: string;
  readonly operatorCredential: string;
  /** Tells the `atoll` command which ports to use; written when all of them answer. */
  writeRuntime(runtime: Readonly<Record<string, unknown>>): Promise<void>;
  removeRuntime(): Promise<void>;
}

/**
 * Opens the folder for one server at a time, making what it lacks.
 * @param masterKeyFile where the master key is, when it is not in the folder
 * @throws Error when another server has it, or it cannot be used
 */
export async function openDataFolder(path: string, masterKeyFile?: string): Promise<DataFolder> {
  // Files that libraries make here are as private as our own.
  umask(0o077);
  await makeFolder(path);
  using stack = new DisposableStack();
  stack.adopt(await waitForLock(path), (lock) => lock.close());
  await refuseLostDatabase(path);
  const database = join(path, "atoll.db");
  const file = masterKeyFile ?? join(path, "master.key");
  const isOurs = masterKeyFile === undefined;
  const masterKey = await openMasterKey({ file, isOurs, database });
  // A new one at each start: who read an old one has nothing.
  const operatorCredential = `atoll_operator_${randomBytes(32).toString("hex")}`;
  await writeDurably(join(path, "operator.token"), `${operatorCredential}\n`, OWNER_ONLY);
  await rm(join(path, "runtime.json"), { force: true });
  await removeLeftovers(path);
  const owned = stack.move();
  return {
    database,
    objects: join(path, "objects"),
    ca: join(path, "ca"),
    registry: join(path, "registry"),
    temporary: join(path, "tmp"),
    masterKey,
    masterKeyFile: file,
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

/** A new database would take every file for one that a crash has left, and remove it. */
async function refuseLostDatabase(path: string): Promise<void> {
  if (existsSync(join(path, "atoll.db"))) return;
  for (const [what, folder] of [
    ["objects", join(path, "objects")],
    ["blobs", join(path, "registry", "blobs", "sha256")],
    ["blobs", join(path, "registry", "blobs", "sha512")],
  ] as const) {
    const names = existsSync(folder) ? await readdir(folder) : [];
    if (!names.some((name) => /^[0-9a-f]{2}$/.test(name))) continue;
    throw new Error(
      `Cannot use the data folder ${path}: it has ${what}, but atoll.db is gone. Bring that file ` +
        "back, restore a backup into another folder, or start with an empty one.",
    );
  }
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

/** Whoever has the folder and no runtime.json is about to end, or to begin: that is worth waiting for. */
async function waitForLock(path: string): Promise<DatabaseSync> {
  for (let waitedMs = 0; ; waitedMs += LOCK_RETRY_MS) {
    const lock = takeLock(path);
    if (lock !== undefined) return lock;
    if (waitedMs >= LOCK_WAIT_MS || existsSync(join(path, "runtime.json"))) break;
    await delay(LOCK_RETRY_MS);
  }
  throw new Error(
    `Cannot use the data folder ${path}: another Atoll serves from it. Stop that one, or set ` +
      "ATOLL_DATA_DIR to another folder.",
  );
}

/**
 * SQLite's file lock is the operating system's: it ends with the process, however that ends, so no
 * lock is ever stale. Undefined: somebody else has it.
 */
function takeLock(path: string): DatabaseSync | undefined {
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
    return undefined;
  }
}
