import { execFile } from "node:child_process";
import { resolve } from "node:path";
import process from "node:process";
import { promisify } from "node:util";

const PROGRAM = resolve(import.meta.dirname, "../../src/cli/atoll.ts");
const run = promisify(execFile);

/** Runs an `atoll` command against the server of a data folder, as its operator. */
export async function atollCommand(
  dataDir: string,
  args: readonly string[],
): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const env = { PATH: process.env["PATH"], ATOLL_DATA_DIR: dataDir };
  return run(process.execPath, [PROGRAM, ...args], { env });
}
