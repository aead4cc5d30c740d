import { readdirSync } from "node:fs";
import { performance } from "node:perf_hooks";
import process from "node:process";
import type { ProcessUse } from "./edge-counters.ts";
import type { PlainFamily } from "./family.ts";

/** What a process can tell of itself, under the names that Prometheus' own clients use. */
export interface OwnProcess extends ProcessUse {
  readonly version: string;
  readonly startedAtSeconds: number;
  readonly heapUsedBytes: number;
  readonly externalBytes: number;
  /** Time that the event loop was not waiting: its rate is how busy the thread is. */
  readonly loopActiveSeconds: number;
  /** Absent where the system does not tell. */
  readonly openFiles: number | undefined;
}

/** For a worker's snapshot. */
export function processUse(): ProcessUse {
  const { user, system } = process.cpuUsage();
  return { cpuSeconds: (user + system) / 1e6, residentBytes: process.memoryUsage.rss() };
}

/** For the process that answers `/metrics`. */
export function ownProcess(version: string): OwnProcess {
  const { heapUsed, external } = process.memoryUsage();
  return {
    ...processUse(),
    version,
    startedAtSeconds: performance.timeOrigin / 1_000,
    heapUsedBytes: heapUsed,
    externalBytes: external,
    loopActiveSeconds: performance.eventLoopUtilization().active / 1_000,
    openFiles: process.platform === "linux" ? readdirSync("/proc/self/fd").length : undefined,
  };
}

export function processFamilies(own: OwnProcess): readonly PlainFamily[] {
  const one = (
    type: PlainFamily["type"],
    name: string,
    help: string,
    value: number,
    labels: readonly string[] = [],
  ): PlainFamily => ({ name, help, type, series: [[labels, value]] });
  const families = [
    one("gauge", "atoll_build_info", "The version that runs.", 1, ["version", own.version]),
    one(
      "counter",
      "process_cpu_seconds_total",
      "CPU time of the control plane, user and system.",
      own.cpuSeconds,
    ),
    one(
      "gauge",
      "process_resident_memory_bytes",
      "Resident memory of the control plane.",
      own.residentBytes,
    ),
    one(
      "gauge",
      "process_start_time_seconds",
      "When the control plane was started, in seconds since the epoch.",
      own.startedAtSeconds,
    ),
    one(
      "gauge",
      "nodejs_heap_size_used_bytes",
      "Used heap of the control plane.",
      own.heapUsedBytes,
    ),
    one(
      "gauge",
      "nodejs_external_memory_bytes",
      "Memory of the control plane's buffers.",
      own.externalBytes,
    ),
    one(
      "counter",
      "nodejs_eventloop_active_seconds_total",
      "Time that the control plane's event loop was busy.",
      own.loopActiveSeconds,
    ),
  ];
  if (own.openFiles === undefined) return families;
  const help = "Open files of the control plane.";
  return [...families, one("gauge", "process_open_fds", help, own.openFiles)];
}
