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
const PEBBLE = "github.com/letsencrypt/pebble/v2/cmd";
const OUTPUT_BYTES_MAX = 16 * 1_048_576;

/** The folder whose node_modules has the clients of package-lock.json. */
export async function installNpmClients(): Promise<string> {
  return cached("npm", HERE, ["package.json", "package-lock.json"], async (folder) => {
    await run("npm", ["ci", "--ignore-scripts", "--loglevel=error"], { cwd: folder });
  });
}

/** DigitalOcean's command, built from its module; undefined on a machine without Go. */
export async function buildDoctl(): Promise<string | undefined> {
  return buildGo("doctl", "doctl", ["go.mod", "go.sum"], "github.com/digitalocean/doctl/cmd/doctl");
}

/** The conformance suite of HTTP/2; undefined on a machine without Go. */
export async function buildH2spec(): Promise<string | undefined> {
  const program = "github.com/summerwind/h2spec/cmd/h2spec";
  return buildGo("h2spec", "edge/h2spec", ["go.mod", "go.sum"], program);
}

/** Our driver of net/http; undefined on a machine without Go. */
export async function buildGoDriver(): Promise<string | undefined> {
  return buildGo("go-driver", "edge/go", ["go.mod", "main.go"], ".");
}

/** Let's Encrypt's test CA, and the DNS server for it; undefined on a machine without Go. */
export async function buildPebble(): Promise<PebblePrograms | undefined> {
  const build = (name: string) =>
    buildGo(name, "../acme/pebble", ["go.mod", "go.sum"], `${PEBBLE}/${name}`);
  const pebble = await build("pebble");
  const challengeDns = await build("pebble-challtestsrv");
  return pebble === undefined || challengeDns === undefined ? undefined : { pebble, challengeDns };
}

export interface PebblePrograms {
  readonly pebble: string;
  readonly challengeDns: string;
}

/** A client of registries that test/registry/go has the module of; undefined on a machine without Go. */
export async function buildRegistryClient(
  name: string,
  program: string,
): Promise<string | undefined> {
  return buildGo(name, `../registry/go/${name}`, ["go.mod", "go.sum"], program);
}

/** A Python that has what `requirements.txt` asks for; undefined where none can make a venv. */
export async function installPython(): Promise<string | undefined> {
  const venv = await run("python3", ["-c", "import ensurepip, sys; print(sys.version)"]).catch(
    () => undefined,
  );
  if (venv === undefined) return undefined;
  const [version = ""] = venv.stdout.split(" ");
  const source = join(HERE, "edge/python");
  const folder = await cached(`python-${version}`, source, ["requirements.txt"], async (making) => {
    await run("python3", ["-m", "venv", making]);
    const pip = ["-m", "pip", "install", "--quiet", "--require-hashes", "--no-deps"];
    const options = { cwd: making, maxBuffer: OUTPUT_BYTES_MAX };
    await run(join(making, "bin/python"), [...pip, "-r", "requirements.txt"], options);
  });
  return join(folder, "bin/python");
}

async function buildGo(
  name: string,
  source: string,
  files: readonly string[],
  program: string,
): Promise<string | undefined> {
  const version = await run("go", ["version"]).catch(() => undefined);
  if (version === undefined) return undefined;
  const folder = await cached(name, join(HERE, source), files, async (making) => {
    // It takes a minute: whatever else runs here comes first.
    const build = ["go", "build", "-o", name, program];
    await run("nice", ["-n", "10", ...build], { cwd: making, maxBuffer: OUTPUT_BYTES_MAX });
  });
  return join(folder, name);
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
  try {
    await make(making);
    renameSync(making, folder);
  } catch (error) {
    rmSync(making, { recursive: true });
    if (!existsSync(folder)) throw error; // Else another run was quicker.
  }
  return folder;
}
