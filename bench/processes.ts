import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { execPath } from "node:process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Ticks of `/proc/PID/stat`: 100 a second on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** Seconds of CPU that a process and its threads have used. Linux only. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Starts a program of ours on one core. */
export function startPinned(
  core: number,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): ChildProcess {
  return spawn("taskset", ["-c", String(core), execPath, ...args], {
    env,
    stdio: ["ignore", "pipe", "ignore"],
  });
}

/** The first line that a program prints. */
export async function firstLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error("Its output is not ours to read");
  const [chunk] = (await once(child.stdout, "data")) as [Buffer];
  return chunk.toString().split("\n", 1)[0] ?? "";
}

export async function stop(child: ChildProcess): Promise<void> {
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  await exited;
}

export interface Load {
  readonly answered: number;
  readonly failures: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Runs `load.ts` on the other core and returns what it counted. */
export async function load(core: number, args: readonly string[]): Promise<Load> {
  const script = new URL("./load.ts", import.meta.url).pathname;
  const { stdout } = await run("taskset", ["-c", String(core), execPath, script, ...args]);
  return JSON.parse(stdout) as Load;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
