import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";

const run = promisify(execFile);
const HERE = import.meta.dirname;
/** Shared by all checkouts: a folder's name is the hash of what is in it. */
const CACHE = join(tmpdir(), "atoll-clients");

/** The folder whose node_modules has the clients of package-lock.json. */
export async function installNpmClients(): Promise<string> {
  return cached("npm", HERE, ["package.json", "package-lock.json"], async (folder) => {
    await run("npm", ["ci", "--ignore-scripts", "--loglevel=error"], { cwd: folder });
  });
}

/** DigitalOcean's command, built from its module; undefined on a machine without Go. */
export async function buildDoctl(): Promise<string | undefined> {
  const version = await run("go", ["version"]).catch(() => undefined);
  if (version === undefined) return undefined;
  const source = join(HERE, "doctl");
  const folder = await cached("doctl", source, ["go.mod", "go.sum"], async (building) => {
    // It takes a minute: whatever else runs here comes first.
    const build = ["go", "build", "-o", "doctl", "github.com/digitalocean/doctl/cmd/doctl"];
    await run("nice", ["-n", "10", ...build], { cwd: building, maxBuffer: 16 * 1_048_576 });
  });
  return join(folder, "doctl");
}

/** Makes a folder once from files that say all that goes into it; a half-made one is never seen. */
async function cached(
  name: string,
  source: string,
  files: readonly string[],
  make: (folder: string) => Promise<void>,
): Promise<string> {
  const hash = createHash("sha256");
  for (const file of files) hash.update(readFileSync(join(source, file)));
  const folder = join(CACHE, `${name}-${hash.digest("hex").slice(0, 16)}`);
  if (existsSync(folder)) return folder;
  const making = `${folder}.${process.pid}`;
  mkdirSync(making, { recursive: true });
  for (const file of files) cpSync(join(source, file), join(making, file));
  process.stderr.write(`clients: making ${folder}, a minute or so …\n`);
  await make(making);
  try {
    renameSync(making, folder);
  } catch (error) {
    rmSync(making, { recursive: true });
    if (!existsSync(folder)) throw error; // Else another run was quicker.
  }
  return folder;
}
