import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { kill } from "node:process";

/** A process that is told to end needs this long on a busy machine, and then some. */
const END_DEADLINE_MS = 20_000;
const LOOK_EVERY_MS = 2;

/** The kernel hands its table out in pieces, and may leave out a line while others go. */
const LOOKS = 3;

/**
 * Kills a process and answers the client ports of the connections that it had. All in one go: while
 * this thread waits none of its clients can begin a connection that would be missed.
 */
export function killWorker(pid: number): ReadonlySet<number> {
  // It accepts nothing more, so that what is seen now is what dies with it.
  kill(pid, "SIGSTOP");
  const ports = clientPorts(pid);
  kill(pid, "SIGKILL");
  const pause = new Int32Array(new SharedArrayBuffer(4));
  // A zombie's threads may still hold its sockets: it is gone when its parent has heard of it.
  for (let waitedMs = 0; existsSync(`/proc/${pid}`); waitedMs += LOOK_EVERY_MS) {
    if (waitedMs > END_DEADLINE_MS) throw new Error(`Worker ${pid} does not end`);
    Atomics.wait(pause, 0, 0, LOOK_EVERY_MS);
  }
  return ports;
}

/** Of the connections that a process has, and of those that nobody has accepted yet. */
function clientPorts(pid: number): ReadonlySet<number> {
  const own = new Set(["0"]);
  for (const fd of readdirSync(`/proc/${pid}/fd`)) {
    const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1];
    if (inode !== undefined) own.add(inode);
  }
  const ports = Array.from({ length: LOOKS }, () => {
    const [, ...lines] = readFileSync("/proc/net/tcp", "latin1").trimEnd().split("\n");
    return lines
      .map((line) => line.trim().split(/\s+/))
      .filter((columns) => own.has(columns[9] ?? ""))
      .map((columns) => Number.parseInt(columns[2]?.split(":")[1] ?? "", 16));
  });
  return new Set(ports.flat());
}
