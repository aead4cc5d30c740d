import { execFile } from "node:child_process";
import { basename } from "node:path";
import { env, pid } from "node:process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** All servers, one at a time, are on one core, and what loads them on another. */
export const SERVER_CORE = "0";
export const LOAD_CORE = "1";
export const BOTH_CORES = "0,1";

const OUTPUT_BYTES_MAX = 1_048_576;
const VERSION_TIMEOUT_MS = 10_000;
/** What a load generator may need beyond its own time: to connect, and to write its results. */
const LOAD_GRACE_MS = 30_000;

/** Debian has servers where only root's PATH looks. */
export const ENVIRONMENT: NodeJS.ProcessEnv = {
  ...env,
  PATH: `${env["PATH"] ?? ""}:/usr/local/sbin:/usr/sbin:/sbin`,
};

/** Has this program, and the origin that is in it, run on the core of the load. */
export async function joinLoad(): Promise<void> {
  await run("taskset", ["--all-tasks", "--cpu-list", "--pid", LOAD_CORE, String(pid)]);
}

export interface LoadRun {
  readonly program: string;
  readonly args: readonly string[];
  readonly seconds: number;
  readonly signal: AbortSignal;
  readonly core: string;
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * Runs a load generator to its end and returns what it printed.
 * @throws Error with what it said last, if it failed.
 */
export async function runLoad(load: LoadRun): Promise<string> {
  const args = ["-c", load.core, load.program, ...load.args];
  try {
    const { stdout } = await run("taskset", args, {
      env: { ...ENVIRONMENT, ...load.env },
      maxBuffer: OUTPUT_BYTES_MAX,
      timeout: load.seconds * 1_000 + LOAD_GRACE_MS,
      signal: load.signal,
    });
    return stdout;
  } catch (error) {
    const { stderr = "" } = error as { readonly stderr?: string };
    // Our own clients end with an exception; of others the end is what matters.
    const reason = /^(?:\w*Error): (.+)$/m.exec(stderr)?.[1] ?? stderr.trim().slice(-200);
    throw new Error(`${basename(load.program)} failed: ${reason}`, { cause: error });
  }
}

/** The line in which a program says its version; undefined where it is not installed. */
export async function versionOf(
  program: string,
  args: readonly string[],
  line: RegExp,
): Promise<string | undefined> {
  try {
    const options = { env: ENVIRONMENT, timeout: VERSION_TIMEOUT_MS };
    const { stdout, stderr } = await run(program, [...args], options);
    return line.exec(`${stdout}\n${stderr}`)?.[1];
  } catch (error) {
    const { code, stdout } = error as { readonly code?: unknown; readonly stdout?: string };
    if (code === "ENOENT") return undefined;
    // wrk says its version, then exits with 1.
    const version = line.exec(stdout ?? "")?.[1];
    if (version !== undefined) return version;
    throw error;
  }
}
