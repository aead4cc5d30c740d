import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { pipeline } from "node:stream/promises";
import type { Command } from "commander";
import { type Api, connect } from "./api.ts";
import { deleteObject, inParallel, listObjects, putObject, type SpaceObject } from "./objects.ts";
import { printable, type Session, sessionOf } from "./session.ts";
import { findSpace, type SpaceName } from "./spaces.ts";
import { CommandError, type World } from "./world.ts";

/** Names of both sides are held while they are compared: some 200 MB at this many. */
const OBJECTS_MAX = 1_000_000;

interface SyncOptions {
  readonly delete?: true;
  readonly prefix: string;
  readonly region?: string;
}

/** A file and the key that it belongs under. */
interface LocalFile {
  readonly path: string;
  readonly key: string;
  readonly sizeBytes: number;
}

/** What was done, as it is printed. */
interface SyncReport {
  readonly uploaded: string[];
  readonly deleted: string[];
  readonly failed: { readonly key: string; readonly message: string }[];
  unchanged: number;
}

/** `atoll space sync` */
export function addSyncCommand(space: Command, world: World): void {
  space
    .command("sync")
    .description("make a Space hold what a folder holds; only what differs is uploaded")
    .argument("<name>", "the Space")
    .argument("<dir>")
    .option("--delete", "remove objects under the prefix that the folder does not have")
    .option("--prefix <prefix>", "folder in the Space, as assets/", "")
    .option("--region <region>", "where the name is taken in several")
    .action(async (name: string, dir: string, options: SyncOptions, command: Command) => {
      const session = sessionOf(world, command);
      const prefix = asFolder(options.prefix);
      const local = await filesUnder(dir, prefix, session);
      // More often a build that has failed than a wish.
      if (options.delete && local.length === 0) {
        throw new CommandError(`${dir} has no files, and --delete would remove every object.`);
      }
      await using api = await connect(session);
      const target = await findSpace(api, name, options.region);
      const remote = await remoteObjects(api, target, prefix);
      const report = await upload({ api, target, session }, local, remote);
      // Nothing is deleted after a failure: what failed may be what was to replace it.
      if (options.delete && report.failed.length === 0) {
        const keep = new Set(local.map((file) => file.key));
        const surplus = [...remote.keys()].filter((key) => !keep.has(key));
        await remove({ api, target, session }, surplus, report);
      }
      session.show(report, () => [
        `${report.uploaded.length} uploaded, ${report.deleted.length} deleted, ${report.unchanged} unchanged`,
      ]);
      if (report.failed.length > 0) throw new CommandError(`${report.failed.length} failed.`);
    });
}

/**
 * Whether a file has to be uploaded. Sizes first: they are free, and a digest reads the file. An
 * entity-tag that is no MD5 (of an upload in parts, say) is one we cannot compare with.
 */
export async function decideUpload(
  file: { readonly sizeBytes: number; readonly md5: () => Promise<string> },
  stored: Pick<SpaceObject, "size_bytes" | "etag"> | undefined,
): Promise<"new" | "size" | "content" | "unchanged"> {
  if (stored === undefined) return "new";
  if (stored.size_bytes !== file.sizeBytes) return "size";
  const etag = stored.etag.replaceAll('"', "");
  return etag === (await file.md5()) ? "unchanged" : "content";
}

interface Target {
  readonly api: Api;
  readonly target: SpaceName;
  readonly session: Session;
}

async function upload(
  { api, target, session }: Target,
  local: readonly LocalFile[],
  remote: ReadonlyMap<string, SpaceObject>,
): Promise<SyncReport> {
  const report: SyncReport = { uploaded: [], deleted: [], failed: [], unchanged: 0 };
  await inParallel(local, (file) =>
    guarded(session, report, file.key, async () => {
      const { key, path, sizeBytes } = file;
      const decision = await decideUpload({ sizeBytes, md5: () => md5Of(path) }, remote.get(key));
      if (decision === "unchanged") {
        report.unchanged += 1;
        return;
      }
      await putObject(api, target, { path, key, headers: {} });
      report.uploaded.push(key);
      if (session.output === "text") session.world.stdout(`uploaded ${printable(key)}`);
    }),
  );
  return report;
}

async function remove(
  { api, target, session }: Target,
  keys: readonly string[],
  report: SyncReport,
): Promise<void> {
  await inParallel(keys, (key) =>
    guarded(session, report, key, async () => {
      await deleteObject(api, target, key);
      report.deleted.push(key);
      if (session.output === "text") session.world.stdout(`deleted ${printable(key)}`);
    }),
  );
}

/** One that fails is told of and does not stop the others. */
async function guarded(
  { world }: Session,
  report: SyncReport,
  key: string,
  work: () => Promise<void>,
): Promise<void> {
  world.signal.throwIfAborted();
  try {
    await work();
  } catch (error) {
    world.signal.throwIfAborted();
    if (!(error instanceof Error)) throw error;
    report.failed.push({ key, message: error.message });
    world.stderr(`atoll: ${printable(key)}: ${error.message}`);
  }
}

async function remoteObjects(
  api: Api,
  target: SpaceName,
  prefix: string,
): Promise<ReadonlyMap<string, SpaceObject>> {
  const found = new Map<string, SpaceObject>();
  for await (const object of listObjects(api, target, prefix)) {
    found.set(object.key, object);
    if (found.size > OBJECTS_MAX) throw tooMany(`${target.name} has`);
  }
  return found;
}

async function filesUnder(
  dir: string,
  prefix: string,
  { world }: Session,
): Promise<readonly LocalFile[]> {
  const files: LocalFile[] = [];
  for await (const path of walk(dir)) {
    const stats = await stat(path).catch(() => undefined);
    if (stats === undefined || !stats.isFile()) {
      world.stderr(`atoll: ${printable(path)} is skipped: it is no file, nor a link to one.`);
      continue;
    }
    const key = prefix + relative(dir, path).split(sep).join("/");
    files.push({ path, key, sizeBytes: stats.size });
    if (files.length > OBJECTS_MAX) throw tooMany(`${dir} has`);
  }
  return files;
}

/**
 * Everything below that is no folder. Links to files are followed later, as a web server would;
 * links to folders are not, since they may go in circles (readdir's own `recursive` follows them).
 */
async function* walk(dir: string): AsyncGenerator<string> {
  const entries = await readdir(dir, { withFileTypes: true }).catch((error: Error) => {
    throw new CommandError(`Cannot read the folder: ${error.message}`, { cause: error });
  });
  for (const entry of entries) {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) yield* walk(path);
    else yield path;
  }
}

function tooMany(what: string): CommandError {
  return new CommandError(`${what} more than ${OBJECTS_MAX} files: sync its folders one by one.`);
}

/** `assets` and `assets/` are the same folder; nothing is the whole Space. */
function asFolder(prefix: string): string {
  return prefix === "" || prefix.endsWith("/") ? prefix : `${prefix}/`;
}

async function md5Of(path: string): Promise<string> {
  const hash = createHash("md5");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}
