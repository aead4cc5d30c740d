import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { isAlive, residentBytes } from "../support/processes.ts";
import { isEntry } from "./cache/disk-vitals.ts";

/** How much a process may hold at the end beyond what it held once it was warm. */
const GROWTH_SHARE_MAX = 0.25;
const GROWTH_BYTES_MAX = 32 * 1024 * 1024;
/** Of the run: before that caches fill and code is compiled. */
const WARM_AFTER = 0.3;
const WARM_UNTIL = 0.55;
const LATE_AFTER = 0.8;

interface Sample {
  /** From 0, the beginning of the load, to 1, its end. */
  readonly at: number;
  readonly bytes: number;
}

/** The memory of processes over the time of the load. */
export class Memory {
  readonly #samples = new Map<number, Sample[]>();

  /** Looks at these processes now. */
  sample(pids: readonly number[], at: number): void {
    for (const pid of pids.filter(isAlive)) {
      const samples = this.#samples.get(pid) ?? [];
      samples.push({ at, bytes: residentBytes(pid) });
      this.#samples.set(pid, samples);
    }
  }

  /** The median of what a process held when it was warm. */
  warm(pid: number): number {
    return this.#median(pid, WARM_AFTER, WARM_UNTIL);
  }

  /** The median of what it held towards the end. */
  late(pid: number): number {
    return this.#median(pid, LATE_AFTER, 1);
  }

  #median(pid: number, from: number, to: number): number {
    const samples = (this.#samples.get(pid) ?? []).filter(({ at }) => at >= from && at <= to);
    const sorted = samples.map(({ bytes }) => bytes).toSorted((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)] ?? 0;
  }
}

export function growthAllowed(bytes: number): number {
  return bytes * (1 + GROWTH_SHARE_MAX) + GROWTH_BYTES_MAX;
}

/**
 * How many descriptors of each kind a process has: `socket`, `pipe`, a file by its name. Of what is
 * stored some is open as long as it is in use.
 */
export type Descriptors = ReadonlyMap<string, number>;

export function descriptors(pid: number): Descriptors {
  const counts = new Map<string, number>();
  for (const name of linksOf(pid)) {
    if (isEntry(name)) continue;
    // What it is, without its own number: `socket:[123]`.
    const kind = name.replace(/:\[\d+\]$/, "");
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return counts;
}

/** What there is more of than in `base`, in words. */
export function moreThan(base: Descriptors, now: Descriptors): readonly string[] {
  return [...now]
    .filter(([kind, count]) => count > (base.get(kind) ?? 0))
    .map(([kind, count]) => `${kind}: ${count}, at first ${base.get(kind) ?? 0}`);
}

/** Lines of the kernel's table for the TCP sockets of a process. */
export function tcpSockets(pid: number): readonly string[] {
  const lines = readFileSync("/proc/net/tcp", "latin1").split("\n");
  const inodes = new Set(linksOf(pid).map((name) => /^socket:\[(\d+)\]$/.exec(name)?.[1]));
  return lines.filter((line) => inodes.has(line.trim().split(/\s+/)[9] ?? ""));
}

function linksOf(pid: number): readonly string[] {
  const directory = `/proc/${pid}/fd`;
  return readdirSync(directory).flatMap((fd) => {
    try {
      return [readlinkSync(join(directory, fd))];
    } catch {
      return []; // Closed between the listing and the look.
    }
  });
}

export function inMib(bytes: number): string {
  return `${Math.round(bytes / 1024 / 1024)} MiB`;
}
