import type { Clock } from "#clock.ts";
import { SMALL_BODY_BYTES_MAX } from "../limits.ts";
import type { EntryFiles } from "./entry-files.ts";
import { bodyAt, type EntryFault, isBodyWhole } from "./entry-format.ts";
import { entryName, entryPath } from "./entry-path.ts";
import type { FileBody } from "./file-body.ts";
import { LeftBodies } from "./left-bodies.ts";
import { FIRST_READ_BYTES, HEAD_READ_BYTES, TOUCH_INTERVAL_MS } from "./limits.ts";
import { type OpenedEntry, openEntry, openEntryNow, readBody } from "./open-entry.ts";
import { type OpenFile, OpenFiles } from "./open-files.ts";
import { QuickPace } from "./quick-pace.ts";
import type { RareLog } from "./rare-log.ts";

/** What was stored under a key: the head as the caller's codec made it of bytes, and the body. */
export interface DiskEntry<H> {
  readonly head: H;
  /** Read, or left in its file. */
  readonly body: Buffer | FileBody;
}

/** An entry that is looked at, and not used: its head, and how long its body is. */
export interface PeekedEntry<H> {
  readonly head: H;
  readonly bodyBytes: number;
}

/** An entry, and room for its body. */
type Begun<H> = DiskEntry<H> & { readonly body: Buffer };

/** What became of reads. */
export interface ReadCounts {
  /** Entries that were read and found whole. */
  read: number;
  /** Of those, the ones read between two turns of the loop. */
  readQuickly: number;
  readBytes: number;
  /** There was no file. */
  absent: number;
  corrupt: number;
  /** The system said that it cannot, or took too long. */
  failed: number;
  /** Answered as absent because the disk rests, or has too many reads already. */
  skipped: number;
}

/** What is read, how, and whom to tell. */
export interface EntryReaderParts<H> {
  /** The folder of this version. */
  readonly root: string;
  readonly files: EntryFiles;
  readonly openFilesMax: number;
  /** Makes a head of bytes, of which it keeps none; undefined: they are not one. Never throws. */
  readonly decodeHead: (head: Buffer) => H | undefined;
  /** A buffer of just this length for a body. */
  readonly allocate: (bytes: number) => Buffer;
  readonly clock: Clock;
  readonly monotonic: Clock;
  readonly log: RareLog;
  readonly counts: ReadCounts;
  /** Has the file of this key removed: it is corrupt. */
  readonly remove: (key: string) => void;
}

/**
 * Reads entries and believes nothing that its checksum does not cover: what is not as it was
 * written is absent, removed and logged. What the system says is thrown.
 */
export class EntryReader<H> {
  readonly #parts: EntryReaderParts<H>;
  readonly #open: OpenFiles<H>;
  readonly #pace: QuickPace;
  readonly #left: LeftBodies;
  readonly #scratch: Buffer[] = [];
  readonly #quickScratch = Buffer.allocUnsafeSlow(FIRST_READ_BYTES);
  /** What was written before is not believed. */
  #notBefore = Number.NEGATIVE_INFINITY;

  constructor(parts: EntryReaderParts<H>) {
    this.#parts = parts;
    this.#open = new OpenFiles(parts.files, parts.monotonic, parts.openFilesMax);
    this.#pace = new QuickPace(parts.monotonic, parts.files);
    this.#left = new LeftBodies(parts, this.#open, this.#pace);
  }

  get openFiles(): number {
    return this.#open.size;
  }

  /** Reads in the thread pool. */
  async read(key: string): Promise<DiskEntry<H> | undefined> {
    const file = this.#open.get(key);
    if (file === undefined) return this.#readUnopened(key);
    if (file.layout.bodyBytes > SMALL_BODY_BYTES_MAX && this.#left.isChecked(file)) {
      return this.#used(file, this.#left.heldFor(file));
    }
    const body = this.#parts.allocate(file.layout.bodyBytes);
    this.#open.hold(file);
    try {
      const bytes = await this.#parts.files.read(file.fd, body, bodyAt(file.layout));
      return this.#accepted(key, file, body, bytes);
    } finally {
      this.#open.release(file);
    }
  }

  /**
   * Reads between two turns of the loop, as long as such reads are fast: what is open, and so was read
   * within the last minute; and small files that are not, or are not there, while nothing this process
   * reads comes from a disk.
   */
  readNow(key: string): DiskEntry<H> | undefined | "unknown" {
    if (!this.#pace.allows) return "unknown";
    const file = this.#open.get(key);
    if (file === undefined)
      return this.#pace.allowsOpening ? this.#readUnopenedNow(key) : "unknown";
    // Who asks so has no one come between: it reads, or holds, before anything is closed.
    if (this.#left.isChecked(file)) return this.#used(file, this.#left.bodyOf(file));
    const body = this.#parts.allocate(file.layout.bodyBytes);
    const bytes = this.#pace.timed(() =>
      this.#parts.files.readNow(file.fd, body, bodyAt(file.layout)),
    );
    return this.#accepted(key, file, body, bytes);
  }

  /** Reads the head, and leaves no trace: nothing is counted, removed, or kept open. */
  async peek(key: string): Promise<PeekedEntry<H> | undefined> {
    const { root, files, decodeHead } = this.#parts;
    const scratch = Buffer.allocUnsafe(HEAD_READ_BYTES);
    const opening = await openEntry(files, entryPath(root, entryName(key)), scratch);
    if (opening.kind !== "entry") return undefined;
    files.close(opening.fd);
    const { layout } = opening;
    if (opening.key !== key || layout.writtenAt <= this.#notBefore) return undefined;
    const head = decodeHead(opening.head);
    return head === undefined ? undefined : { head, bodyBytes: layout.bodyBytes };
  }

  /** What is open under this key may not be what the disk has. */
  forget(key: string): void {
    this.#open.forget(key);
  }

  /** From now on, what the disk has from before is absent. */
  forgetAll(): void {
    this.#notBefore = this.#parts.clock.now();
    this.#open.close();
  }

  /** The process may open no more files: makes do with fewer. */
  shed(): void {
    this.#open.shed();
  }

  /** To be called each second. */
  sweep(): void {
    this.#pace.sweep();
    this.#open.sweep();
  }

  close(): void {
    this.#open.close();
  }

  async #readUnopened(key: string): Promise<DiskEntry<H> | undefined> {
    const name = entryName(key);
    const path = entryPath(this.#parts.root, name);
    const scratch = this.#scratch.pop() ?? Buffer.allocUnsafeSlow(FIRST_READ_BYTES);
    try {
      const opening = await openEntry(this.#parts.files, path, scratch);
      if (opening.kind === "entry") return await this.#readOpened(key, name, opening);
      if (opening.kind === "corrupt") return this.#dropCorrupt(key, name, opening.fault);
      return this.#absent();
    } finally {
      this.#scratch.push(scratch);
    }
  }

  #readUnopenedNow(key: string): DiskEntry<H> | undefined | "unknown" {
    const { root, files } = this.#parts;
    const name = entryName(key);
    const opening = this.#pace.timed(() =>
      openEntryNow(files, entryPath(root, name), this.#quickScratch),
    );
    if (opening.kind === "large") return "unknown";
    if (opening.kind === "absent") return this.#absent();
    if (opening.kind === "corrupt") return this.#dropCorrupt(key, name, opening.fault);
    let file: OpenFile<H> | undefined;
    try {
      const entry = this.#begin(key, opening);
      if (typeof entry === "string") return this.#dropCorrupt(key, name, entry);
      opening.bodyBegin.copy(entry.body);
      if (!isBodyWhole(entry.body, opening.layout)) {
        return this.#dropCorrupt(key, name, "wrong checksum of the body");
      }
      file = this.#fileOf(name, opening, entry.head);
      return file === undefined ? this.#absent() : this.#used(file, entry.body);
    } finally {
      this.#keepOpen(key, opening.fd, file);
    }
  }

  async #readOpened(
    key: string,
    name: string,
    opened: OpenedEntry,
  ): Promise<DiskEntry<H> | undefined> {
    let file: OpenFile<H> | undefined;
    try {
      const entry = this.#begin(key, opened);
      if (typeof entry === "string") return this.#dropCorrupt(key, name, entry);
      const fault = await readBody(this.#parts.files, opened, entry.body);
      if (fault !== undefined) return this.#dropCorrupt(key, name, fault);
      file = this.#fileOf(name, opened, entry.head);
      return file === undefined ? this.#absent() : this.#used(file, entry.body);
    } finally {
      this.#keepOpen(key, opened.fd, file);
    }
  }

  /** The head of an entry, and room for its body. */
  #begin(key: string, { key: found, head: bytes, layout }: OpenedEntry): Begun<H> | EntryFault {
    // Two keys of one name, or a file that was put elsewhere.
    if (found !== key) return "another key";
    const head = this.#parts.decodeHead(bytes);
    if (head === undefined) return "unreadable head";
    return { head, body: this.#parts.allocate(layout.bodyBytes) };
  }

  /** A file whose entry was read and found whole; undefined: it is from too long ago. */
  #fileOf(name: string, { fd, state, layout }: OpenedEntry, head: H): OpenFile<H> | undefined {
    if (layout.writtenAt <= this.#notBefore) return undefined;
    const usedAt = this.#parts.monotonic.now();
    const file = { fd, name, head, layout, state, usedAt, touchedAt: state.mtimeMs, ...UNUSED };
    this.#left.noteChecked(file);
    return file;
  }

  #keepOpen(key: string, fd: number, file: OpenFile<H> | undefined): void {
    if (file === undefined) this.#parts.files.close(fd);
    else this.#open.add(key, file);
  }

  /** The bytes of an open file as its entry, if they are what was written. */
  #accepted(key: string, file: OpenFile<H>, body: Buffer, bytes: number) {
    if (bytes !== body.length) return this.#dropCorrupt(key, file.name, "truncated");
    if (!this.#left.isChecked(file)) {
      if (!isBodyWhole(body, file.layout)) {
        return this.#dropCorrupt(key, file.name, "wrong checksum of the body");
      }
      this.#left.noteChecked(file);
    }
    return this.#used(file, body);
  }

  #used(file: OpenFile<H>, body: Buffer | FileBody): DiskEntry<H> {
    this.#parts.counts.read += 1;
    this.#parts.counts.readBytes += body.length;
    const now = this.#parts.clock.now();
    if (now - file.touchedAt > TOUCH_INTERVAL_MS) this.#touch(file, now);
    return { head: file.head, body };
  }

  /** Notes its use where whoever evicts sees it. */
  #touch(file: OpenFile<H>, now: number): void {
    file.touchedAt = now;
    this.#open.hold(file);
    this.#parts.files
      .touch(file.fd, now)
      .catch((error: unknown) => this.#parts.log.warn("disk write failed", { err: error }))
      .finally(() => this.#open.release(file));
  }

  #absent(): undefined {
    this.#parts.counts.absent += 1;
  }

  #dropCorrupt(key: string, name: string, reason: EntryFault): undefined {
    this.#parts.counts.corrupt += 1;
    this.#parts.log.warn("disk entry is corrupt", { name, reason });
    this.#open.forget(key);
    this.#parts.remove(key);
    return undefined;
  }
}

/** How an open file begins. */
const UNUSED = {
  used: false,
  holds: 0,
  forgotten: false,
  isClosed: false,
  checkedAt: Number.NEGATIVE_INFINITY,
  body: undefined,
};
