import { constants, createReadStream } from "node:fs";
import { access, open, rename, rm } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { Command } from "commander";
import { type BackupSummary, verifyBackup } from "#backup/read.ts";
import { restoreBackup } from "#backup/restore.ts";
import { connect } from "./api.ts";
import { dataDirectory, readRuntime } from "./server.ts";
import { type Session, sessionOf } from "./session.ts";
import { CommandError, type World } from "./world.ts";

/** `atoll backup FILE` and `atoll restore FILE` */
export function addBackupCommands(program: Command, world: World): void {
  program
    .command("backup")
    .description("back up everything, from the running server")
    .argument("<file>", "a tar archive, with all keys in it: keep it as safe as the server")
    .option("--force", "overwrite FILE")
    .action(async (file: string, { force }: { force?: true }, command: Command) => {
      const session = sessionOf(world, command);
      if (force === undefined) await refuseExisting(file);
      const summary = await download(session, file);
      show(session, summary, `backed up to ${file}`);
    });
  program
    .command("restore")
    .description("restore a backup into the data folder, which is missing or empty; no server runs")
    .argument("<file>")
    .action(async (file: string, _: object, command: Command) => {
      const session = sessionOf(world, command);
      const dataDir = dataDirectory(world.env);
      if ((await readRuntime(dataDir)) !== undefined) {
        throw new CommandError(`A server runs on ${dataDir}: stop it first.`);
      }
      await access(file, constants.R_OK).catch((error: Error) => {
        throw new CommandError(`Cannot read the backup: ${error.message}`, { cause: error });
      });
      const summary = await restoreBackup(createReadStream(file), dataDir, world.signal);
      show(session, summary, `restored into ${dataDir}`);
    });
}

async function refuseExisting(file: string): Promise<void> {
  const exists = await access(file).then(
    () => true,
    () => false,
  );
  if (exists) throw new CommandError(`${file} exists; --force overwrites it.`);
}

/** FILE is a whole backup that was read back, or it is not touched. */
async function download(session: Session, file: string): Promise<BackupSummary> {
  const { signal } = session.world;
  const temporary = `${file}.tmp`;
  await using api = await connect(session);
  const body = await api.download("/atoll/v1/backup");
  try {
    // What an earlier attempt left is removed, not opened: it may be readable by others.
    await rm(temporary, { force: true });
    {
      await using target = await open(temporary, "wx", 0o600);
      await target.writeFile(body as AsyncIterable<Uint8Array>, { signal });
      await target.sync();
    }
    const summary = await verifyBackup(createReadStream(temporary), signal);
    await rename(temporary, file);
    await using folder = await open(dirname(resolve(file)), "r");
    await folder.sync();
    return summary;
  } catch (error) {
    body.destroy();
    await rm(temporary, { force: true });
    signal.throwIfAborted();
    throw new CommandError(`The backup has failed: ${(error as Error).message}`, { cause: error });
  }
}

function show(session: Session, { manifest, end }: BackupSummary, what: string): void {
  session.show({ ...manifest, ...end }, () => [
    `${what}: ${end.entries} files, ${end.size_bytes} bytes, as of ${manifest.created_at} (change ${manifest.feed_number})`,
  ]);
}
