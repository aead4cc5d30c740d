import { readFileSync } from "node:fs";
import { pid } from "node:process";
import { cpuMeter } from "./process-tree.ts";
import { BOTH_CORES } from "./program.ts";

const TICKS_PER_SECOND = 100;

/**
 * What others, the hypervisor included, take of the two cores from now on, in percent of one. They
 * take more than the time: caches that were warm, and the long batches in which Node is at its best.
 */
export function noiseMeter(): () => number {
  const startedAt = performance.now();
  const busyBefore = busySeconds();
  // Ours, the servers' and the load generators': all are our children.
  const ownSeconds = cpuMeter(pid);
  return () => {
    const wallSeconds = (performance.now() - startedAt) / 1_000;
    const others = busySeconds() - busyBefore - ownSeconds();
    return Math.max(0, (others / wallSeconds) * 100);
  };
}

function busySeconds(): number {
  const stat = readFileSync("/proc/stat", "utf8");
  return BOTH_CORES.split(",").reduce((sum, core) => {
    const fields = new RegExp(`^cpu${core} (.+)$`, "m").exec(stat)?.[1] ?? "";
    const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = fields
      .split(" ")
      .map(Number);
    return sum + (user + nice + system + irq + softirq + steal) / TICKS_PER_SECOND;
  }, 0);
}
