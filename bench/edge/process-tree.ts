import { readdirSync, readFileSync } from "node:fs";

/** Ticks of `/proc/PID/stat`: 100 a second on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

interface Process {
  readonly pid: number;
  readonly parent: number;
  /** Its threads', and that of children that have ended: proc(5), fields 14 to 17. */
  readonly cpuSeconds: number;
}

/**
 * The CPU seconds that a server uses from now on: its process and those that it started, whoever of
 * them does the work. What they used before, to start, is not in it.
 */
export function cpuMeter(pid: number): () => number {
  const before = cpuSeconds(pid);
  return () => cpuSeconds(pid) - before;
}

/** What they have used since they were started. */
export function cpuSeconds(root: number): number {
  return processTree(root).reduce((sum, process) => sum + process.cpuSeconds, 0);
}

/** Resident memory of a server's processes. What they share counts in each: take differences. */
export function residentBytes(root: number): number {
  return processTree(root).reduce((sum, { pid }) => sum + residentBytesOf(pid), 0);
}

export function residentBytesOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1_024;
}

/** A process and all that descend from it, as they are now. */
export function processTree(root: number): Process[] {
  const all = allProcesses();
  const children = Map.groupBy(all, ({ parent }) => parent);
  const tree = all.filter(({ pid }) => pid === root);
  // It grows as it is walked.
  for (const { pid } of tree) tree.push(...(children.get(pid) ?? []));
  return tree;
}

function allProcesses(): Process[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      const stat = readStat(pid);
      if (stat === undefined) return [];
      // What comes before is a name, in which there may be anything.
      const fields = stat
        .slice(stat.lastIndexOf(")") + 2)
        .split(" ")
        .map(Number);
      const ticks = fields.slice(11, 15).reduce((sum, field) => sum + field, 0);
      return [{ pid: Number(pid), parent: fields[1] ?? 0, cpuSeconds: ticks / TICKS_PER_SECOND }];
    });
}

function readStat(pid: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return undefined; // It has ended since the folder was listed.
  }
}
