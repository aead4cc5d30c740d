import { close, constants, fstat, open, type Stats, stat, write } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import type { Clock } from "#clock.ts";
import { LOG_PIPE_RETRY_MS, LOG_ROTATION_CHECK_INTERVAL_MS, PIPE_ATOMIC_BYTES } from "./limits.ts";

/** How a write ended: everything was written, or `failure` says why it was not. */
export interface LogWrite {
  readonly written: number;
  readonly failure?: Error;
}

/** Where lines go. */
export interface LogSink {
  /** Takes whole lines, which stay as they are until it resolves; one call at a time. Never rejects. */
  write(lines: Uint8Array): Promise<LogWrite>;
  /** Opens the file anew before the next write: somebody has put another in its place. */
  reopen(): void;
  close(): Promise<void>;
}

/** Path of standard output. */
export const STANDARD_OUTPUT = "-";

/**
 * Several processes append to one file, each write at its end as it is then; none of them waits for
 * a pipe that is full, or for a FIFO that nobody reads.
 */
const APPEND = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NONBLOCK;

/** Group may read, as is the custom for logs, if the umask lets it. */
const MODE = 0o640;

const STANDARD_OUTPUT_FD = 1;
const NEWLINE = 0x0a;

const closeFile = promisify(close);
const openFile = promisify(open);
const statFile = promisify(stat);
const statOpen = promisify(fstat);
const writeOpen = promisify(write);

interface OpenLog {
  readonly fd: number;
  readonly stats: Stats;
}

/**
 * A file that is appended to, or standard output. A file that was renamed or removed is opened anew
 * within a second, so that rotation needs no signal; one that cannot be opened is tried again.
 */
export class LogFile implements LogSink {
  readonly #path: string;
  readonly #clock: Clock;
  #open: OpenLog | undefined;
  #failure: Error | undefined;
  #lookAt = Number.NEGATIVE_INFINITY;
  #stale = false;
  /** The last line ends in the middle: the disk was full. */
  #cut = false;
  #closed = false;

  /** The clock is a monotonic one. */
  constructor(path: string, clock: Clock) {
    this.#path = path;
    this.#clock = clock;
  }

  reopen(): void {
    this.#stale = true;
  }

  async write(lines: Uint8Array): Promise<LogWrite> {
    const log = await this.#current();
    if (log === undefined) return lost(0, this.#failure);
    if (this.#cut) {
      const { failure } = await this.#writeAll(log, Buffer.from("\n"));
      if (failure !== undefined) return { written: 0, failure };
      this.#cut = false;
    }
    const result = await this.#writeAll(log, lines);
    this.#cut = result.written > 0 && lines[result.written - 1] !== NEWLINE;
    return result;
  }

  async close(): Promise<void> {
    this.#closed = true;
    const log = this.#open;
    this.#open = undefined;
    if (log !== undefined) await closed(log);
  }

  async #writeAll(log: OpenLog, octets: Uint8Array): Promise<LogWrite> {
    const mixed = log.stats.isFIFO() || log.stats.isSocket();
    let written = 0;
    while (written < octets.length) {
      const end = mixed ? endOfWholeLines(octets, written) : octets.length;
      try {
        const { bytesWritten } = await writeOpen(log.fd, octets, written, end - written, null);
        written += bytesWritten;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EAGAIN")
          return lost(written, error as Error);
        if (this.#closed) return lost(written, new Error("the log was closed while it was full"));
        await delay(LOG_PIPE_RETRY_MS);
      }
    }
    return { written };
  }

  async #current(): Promise<OpenLog | undefined> {
    const now = this.#clock.now();
    if (now < this.#lookAt && !this.#stale) return this.#open;
    this.#lookAt = now + LOG_ROTATION_CHECK_INTERVAL_MS;
    if (this.#open !== undefined && !this.#stale && (await this.#inPlace(this.#open))) {
      return this.#open;
    }
    this.#stale = false;
    const before = this.#open;
    try {
      this.#open = await openLog(this.#path);
      this.#cut = false;
    } catch (error) {
      // Lines for a file that was removed would be lost without anybody knowing.
      this.#open = undefined;
      this.#failure = error as Error;
    }
    if (before !== undefined) await closed(before);
    return this.#open;
  }

  async #inPlace({ stats }: OpenLog): Promise<boolean> {
    if (this.#path === STANDARD_OUTPUT) return true;
    try {
      const { dev, ino } = await statFile(this.#path);
      return dev === stats.dev && ino === stats.ino;
    } catch {
      return false;
    }
  }
}

async function openLog(path: string): Promise<OpenLog> {
  const fd =
    path === STANDARD_OUTPUT ? await openStandardOutput() : await openFile(path, APPEND, MODE);
  return { fd, stats: await statOpen(fd) };
}

/** Opened once more, or a setting for one would be one for all who have it. */
async function openStandardOutput(): Promise<number> {
  try {
    return await openFile("/proc/self/fd/1", APPEND & ~constants.O_CREAT);
  } catch {
    // Another system, or a socket, as systemd's journal is: its writes wait, in a thread of the pool.
    return STANDARD_OUTPUT_FD;
  }
}

async function closed({ fd }: OpenLog): Promise<void> {
  // What was written is written; nobody could do anything about the rest.
  if (fd !== STANDARD_OUTPUT_FD) await closeFile(fd).catch(() => undefined);
}

function lost(written: number, cause: Error | undefined): LogWrite {
  return { written, failure: cause ?? new Error("the log is not open") };
}

/** As many lines as a pipe takes in one piece; a longer line goes alone, and may be mixed. */
function endOfWholeLines(octets: Uint8Array, start: number): number {
  if (octets.length - start <= PIPE_ATOMIC_BYTES) return octets.length;
  const last = octets.lastIndexOf(NEWLINE, start + PIPE_ATOMIC_BYTES - 1);
  return (last >= start ? last : octets.indexOf(NEWLINE, start)) + 1;
}
