import { randomBytes } from "node:crypto";
import { chmod, mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { Readable } from "node:stream";
import { Problem } from "#problem.ts";
import { DATABASE } from "./format.ts";
import { type BackupSummary, type Receive, readBackup } from "./read.ts";

const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;

/** What a new file system has in its root, and is nobody's. */
const NOBODYS = "lost+found";

/**
 * Restores a backup into a folder that is missing or empty. It is there whole or not at all: the
 * files are put beside their place, checked and synced, and only then moved to it.
 * @throws Problem("conflict") when the folder has something in it.
 * @throws Problem("unprocessable_entity") when the archive is not a whole backup.
 */
export async function restoreBackup(
  input: Readable,
  directory: string,
  signal: AbortSignal,
): Promise<BackupSummary> {
  const target = resolve(directory);
  await removeKilled(target);
  const found = await contents(target);
  if (found !== undefined && found.length > 0) {
    const names = found.slice(0, 3).join(", ");
    throw new Problem(
      "conflict",
      `${target} is not empty (${names}${found.length > 3 ? ", …" : ""}): restore into a new folder.`,
    );
  }
  // An existing folder may be a mount, or one whose parent is not ours to write: there the files
  // wait inside it. A missing one is made by a single rename.
  const suffix = `.restore-${randomBytes(6).toString("hex")}`;
  const staging = found === undefined ? `${target}${suffix}` : join(target, suffix);
  try {
    const summary = await readBackup(input, await receiveInto(staging), signal);
    await syncFolders(staging);
    await (found === undefined ? rename(staging, target) : moveUp(staging, target));
    await syncFolder(found === undefined ? dirname(target) : target);
    return summary;
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

/** What a restore that was killed has left waiting inside the folder. */
async function removeKilled(directory: string): Promise<void> {
  for (const name of (await contents(directory)) ?? []) {
    if (!/^\.restore-[0-9a-f]{12}$/.test(name)) continue;
    await rm(join(directory, name), { recursive: true, force: true });
  }
}

async function contents(directory: string): Promise<readonly string[] | undefined> {
  try {
    return (await readdir(directory)).filter((name) => name !== NOBODYS);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    if (code === "ENOTDIR") throw new Problem("conflict", `${directory} is not a folder.`);
    throw error;
  }
}

async function receiveInto(staging: string): Promise<Receive> {
  await mkdir(staging, { recursive: true, mode: FOLDER_MODE });
  return async (name, content) => {
    const path = join(staging, name);
    await mkdir(dirname(path), { recursive: true, mode: FOLDER_MODE });
    await using file = await open(path, "wx", FILE_MODE);
    await file.writeFile(content);
    await file.sync();
  };
}

/** The database last: without it a folder is an empty one, and nothing would read the rest. */
async function moveUp(staging: string, target: string): Promise<void> {
  const others = (await readdir(staging)).filter((name) => name !== DATABASE);
  const moved: string[] = [];
  try {
    await chmod(target, FOLDER_MODE);
    for (const name of [...others, DATABASE]) {
      moved.push(name);
      await rename(join(staging, name), join(target, name));
    }
  } catch (error) {
    for (const name of moved) await rm(join(target, name), { recursive: true, force: true });
    throw error;
  }
}

async function syncFolders(root: string): Promise<void> {
  for (const entry of await readdir(root, { withFileTypes: true })) {
    if (entry.isDirectory()) await syncFolders(join(root, entry.name));
  }
  await syncFolder(root);
}

async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path, "r");
  await folder.sync();
}
