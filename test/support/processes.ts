import type { ChildProcess } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { platform } from "node:process";

/** Why a test that looks at other processes cannot run here, or false. */
export const noProcesses = platform !== "linux" && "reads /proc, which only Linux has";

/** A program that runs: a parent and its workers. */
export interface Program {
  readonly pid: number;
  readonly child: ChildProcess;
  readonly workers: readonly number[];
  /** What it has said so far. */
  readonly output: { readonly stderr: string };
  /** SIGTERM, and the exit with 0 that it asks for. */
  stop(): Promise<void>;
}

/** Processes that `pid` has started and that run still. */
export function childrenOf(pid: number): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((candidate) => {
      const state = stateOf(candidate);
      return state?.parent === pid && state.letter !== "Z";
    });
}

/** A zombie is dead: it runs nothing and holds no port. */
export function isAlive(pid: number): boolean {
  const state = stateOf(pid);
  return state !== undefined && state.letter !== "Z";
}

/** Resident memory. */
export function residentBytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kilobytes ?? 0) * 1024;
}

function stateOf(pid: number): { readonly letter: string; readonly parent: number } | undefined {
  try {
    // The command name stands in parentheses and may hold anything; what follows it does not.
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [letter = "", parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return { letter, parent: Number(parent) };
  } catch {
    return undefined; // Gone between the listing and the look.
  }
}
