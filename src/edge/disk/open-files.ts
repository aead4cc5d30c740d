import type { Clock } from "#clock.ts";
import type { EntryFiles, FileState } from "./entry-files.ts";
import type { EntryLayout } from "./entry-format.ts";
import type { FileBody } from "./file-body.ts";
import { OPEN_FILE_IDLE_MS, OPEN_FILES_CHECKED_MAX } from "./limits.ts";

/** The file of an entry, open, its key and head read and checked. */
export interface OpenFile<H> {
  readonly fd: number;
  readonly name: string;
  readonly head: H;
  readonly layout: EntryLayout;
  /** When it was opened. */
  readonly state: FileState;
  /** When its use was last noted in it. */
  touchedAt: number;
  /** When its body was last compared with its checksum. */
  checkedAt: number;
  usedAt: number;
  /** Since the last look for one to close. */
  used: boolean;
  holds: number;
  forgotten: boolean;
  /** Its descriptor may be another file's. */
  isClosed: boolean;
  /** Made when it was first left in the file. */
  body: FileBody | undefined;
}

/** As much of one as it takes to keep it open. */
type Held = Pick<OpenFile<unknown>, "fd" | "isClosed" | "forgotten" | "holds">;

/**
 * Files that stay open, so that a hit opens none. What was replaced or removed, by whoever, is
 * noticed at its next use: it has no name any more. Else the one not used for longest is closed, about.
 */
export class OpenFiles<H> {
  readonly #files: EntryFiles;
  readonly #clock: Clock;
  readonly #filesMax: number;
  readonly #open = new Map<string, OpenFile<H>>();
  /**
   * Where it was left off looking for one to close: from the beginning it would pass by the places of
   * all that were closed.
   */
  #hand: Iterator<[string, OpenFile<H>]>;
  /** Keys that are still to be looked at in this round. */
  #unchecked: Iterator<string> | undefined;

  /** The clock is a monotonic one. */
  constructor(files: EntryFiles, clock: Clock, filesMax: number) {
    this.#files = files;
    this.#clock = clock;
    this.#filesMax = filesMax;
    this.#hand = this.#open.entries();
  }

  get size(): number {
    return this.#open.size;
  }

  /** Finds one that is as it was when it was opened. */
  get(key: string): OpenFile<H> | undefined {
    const file = this.#open.get(key);
    if (file === undefined) return undefined;
    if (this.#hasChanged(file)) {
      this.forget(key);
      return undefined;
    }
    file.usedAt = this.#clock.now();
    file.used = true;
    return file;
  }

  /** Keeps it open, if there may be any; else it is closed when nobody holds it. */
  add(key: string, file: OpenFile<H>): void {
    this.forget(key);
    while (this.#open.size >= this.#filesMax && this.#closeOne());
    if (this.#filesMax > 0) this.#open.set(key, file);
    else this.#close(file);
  }

  /** Not to be found any more. */
  forget(key: string): void {
    const file = this.#open.get(key);
    if (file === undefined) return;
    this.#open.delete(key);
    this.#close(file);
  }

  /** While it is held, its descriptor stays what it is. */
  hold(file: Held): void {
    file.holds += 1;
  }

  release(file: Held): void {
    file.holds -= 1;
    if (file.holds === 0 && file.forgotten) this.#letGo(file);
  }

  /** Closes half of them: the process may open no more. */
  shed(): void {
    for (let excess = Math.ceil(this.#open.size / 2); excess > 0; excess -= 1) this.#closeOne();
  }

  /** Closes what is idle, and what was removed. To be called each second. */
  sweep(): void {
    const idleSince = this.#clock.now() - OPEN_FILE_IDLE_MS;
    this.#unchecked ??= this.#open.keys();
    for (let checks = 0; checks < OPEN_FILES_CHECKED_MAX; checks += 1) {
      const { value: key, done } = this.#unchecked.next();
      if (done === true) {
        this.#unchecked = undefined;
        return;
      }
      const file = this.#open.get(key);
      if (file !== undefined && (file.usedAt < idleSince || this.#hasChanged(file))) {
        this.forget(key);
      }
    }
  }

  close(): void {
    for (const key of this.#open.keys()) this.forget(key);
  }

  /** A second chance for what was used since its last one. */
  #closeOne(): boolean {
    while (this.#open.size > 0) {
      const { value, done } = this.#hand.next();
      if (done === true) {
        this.#hand = this.#open.entries();
        continue;
      }
      const [key, file] = value;
      if (!file.used) {
        this.#open.delete(key);
        this.#close(file);
        return true;
      }
      file.used = false;
    }
    return false;
  }

  #hasChanged({ fd, state }: OpenFile<H>): boolean {
    const { nlink, ctimeMs, size } = this.#files.stateNow(fd);
    return nlink === 0 || ctimeMs !== state.ctimeMs || size !== state.size;
  }

  #close(file: Held): void {
    file.forgotten = true;
    if (file.holds === 0) this.#letGo(file);
  }

  #letGo(file: Held): void {
    if (file.isClosed) return;
    file.isClosed = true;
    const { fd } = file;
    if (this.#hasName(fd)) this.#files.closeNow(fd);
    else this.#files.close(fd);
  }

  /** Nobody who lets go of a file is to be told of a disk that fails. */
  #hasName(fd: number): boolean {
    try {
      return this.#files.stateNow(fd).nlink > 0;
    } catch {
      return false;
    }
  }
}
