import { setTimeout as delay } from "node:timers/promises";
import type { Clock } from "#clock.ts";
import type { Logger } from "#log.ts";
import {
  LOG_BUILD_BYTES,
  LOG_CLOSE_TIMEOUT_MS,
  LOG_FLUSH_INTERVAL_MS,
  LOG_LOSS_REPORT_INTERVAL_MS,
  LOG_PAGE_BYTES,
  LOG_PAGES_MAX,
  LOG_RECORDS_MAX,
  LOG_RECORDS_PER_BUILD,
  LOG_SPARE_PAGES_MAX,
} from "./limits.ts";
import type { LogSink } from "./log-file.ts";
import type { AccessRecord, LineFormat } from "./log-line.ts";

/** What an access log is made of. */
export interface AccessLogParts {
  readonly sink: LogSink;
  readonly format: LineFormat;
  /** A monotonic one. */
  readonly clock: Clock;
  /** Where losses are reported, now and then. */
  readonly log: Logger;
  /** Told of every loss, in lines. */
  readonly dropped: (lines: number) => void;
}

/** Lines on their way. */
interface Page {
  readonly octets: Buffer;
  used: number;
  lines: number;
}

const NEWLINE = 0x0a;

/**
 * One line for each exchange, in the order in which they ended. `note` keeps a reference; lines are
 * made of some exchanges at a time between turns of the loop, and written some hundreds at a time
 * behind its back. A disk that is full or slow loses lines, which are counted; it holds nobody up.
 */
export class AccessLog {
  readonly #parts: AccessLogParts;
  #records: AccessRecord[] = [];
  #page = newPage();
  readonly #full: Page[] = [];
  readonly #spare: Page[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** The page has waited long enough: it is written as soon as those before it are. */
  #due = false;
  #writing: Promise<void> | undefined;
  #unreported = 0;
  #reportAt = Number.NEGATIVE_INFINITY;

  constructor(parts: AccessLogParts) {
    this.#parts = parts;
  }

  note(record: AccessRecord): void {
    const waiting = this.#records.push(record);
    if (waiting === 1) this.#timer ??= setTimeout(() => this.flush(), LOG_FLUSH_INTERVAL_MS);
    else if (waiting === LOG_RECORDS_PER_BUILD) setImmediate(() => this.#build());
    else if (waiting === LOG_RECORDS_MAX) this.#build();
  }

  /** Writes what waits, without waiting for it to be written. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#build();
    this.#due = this.#page.used > 0;
    this.#drain();
  }

  /** For rotation by signal; a file that was renamed is noticed without. */
  reopen(): void {
    this.#parts.sink.reopen();
  }

  /** Writes what waits, for as long as a stopping process may take for it. */
  async close(): Promise<void> {
    this.flush();
    await Promise.race([this.#writing, delay(LOG_CLOSE_TIMEOUT_MS, undefined, { ref: false })]);
    await this.#parts.sink.close();
  }

  #build(): void {
    const records = this.#records;
    this.#records = [];
    let text = "";
    let lines = 0;
    for (const record of records) {
      text += this.#parts.format(record);
      lines += 1;
      if (text.length < LOG_BUILD_BYTES) continue;
      this.#append(text, lines);
      text = "";
      lines = 0;
    }
    if (lines > 0) this.#append(text, lines);
  }

  #append(text: string, lines: number): void {
    if (this.#page.used + text.length > LOG_PAGE_BYTES) this.#turnPage();
    // Lines are ASCII: one octet for each character.
    this.#page.used += this.#page.octets.write(text, this.#page.used, "latin1");
    this.#page.lines += lines;
  }

  #turnPage(): void {
    if (this.#full.length >= LOG_PAGES_MAX) {
      this.#lose(this.#page.lines, new Error("the log takes lines too slowly"));
      clear(this.#page);
      return;
    }
    this.#full.push(this.#page);
    this.#page = this.#spare.pop() ?? newPage();
    this.#due = false;
    this.#drain();
  }

  #drain(): void {
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined;
    });
  }

  async #writeAll(): Promise<void> {
    for (let page = this.#next(); page !== undefined; page = this.#next()) {
      const lines = page.octets.subarray(0, page.used);
      const { written, failure } = await this.#parts.sink.write(lines);
      if (failure !== undefined) this.#lose(countLines(lines.subarray(written)), failure);
      clear(page);
      if (this.#spare.length < LOG_SPARE_PAGES_MAX) this.#spare.push(page);
    }
  }

  #next(): Page | undefined {
    const full = this.#full.shift();
    if (full !== undefined || !this.#due) return full;
    this.#due = false;
    const page = this.#page;
    this.#page = this.#spare.pop() ?? newPage();
    return page;
  }

  #lose(lines: number, failure: Error): void {
    this.#parts.dropped(lines);
    this.#unreported += lines;
    const now = this.#parts.clock.now();
    if (now < this.#reportAt) return;
    this.#reportAt = now + LOG_LOSS_REPORT_INTERVAL_MS;
    this.#parts.log.warn(
      { lines_dropped: this.#unreported, err: failure },
      "access log lines dropped",
    );
    this.#unreported = 0;
  }
}

function newPage(): Page {
  // Its own memory: a page is kept and refilled, and would pin what it shared.
  return { octets: Buffer.allocUnsafeSlow(LOG_PAGE_BYTES), used: 0, lines: 0 };
}

function clear(page: Page): void {
  page.used = 0;
  page.lines = 0;
}

function countLines(octets: Uint8Array): number {
  let lines = 0;
  for (let at = octets.indexOf(NEWLINE); at >= 0; at = octets.indexOf(NEWLINE, at + 1)) lines += 1;
  return lines;
}
