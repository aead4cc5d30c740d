import { inTime } from "../in-time.ts";
import type { EntryFiles } from "./entry-files.ts";
import { bodyAt, isBodyWhole } from "./entry-format.ts";
import { DISK_READ_TIMEOUT_MS } from "./limits.ts";
import type { OpenFile } from "./open-files.ts";
import type { QuickPace } from "./quick-pace.ts";
import type { ReadTurns } from "./read-turns.ts";

/** As much of an open file as its body has to do with. */
type EntryFile = Omit<OpenFile<unknown>, "head" | "body">;

/** How bodies are read from files, and who is told what becomes of them. */
export interface FileBodyTerms {
  readonly files: EntryFiles;
  readonly pace: QuickPace;
  /** For what the thread pool reads: it has more to do. */
  readonly turns: ReadTurns;
  /** While it is held, the file's descriptor stays what it is. */
  readonly hold: (file: EntryFile) => void;
  readonly release: (file: EntryFile) => void;
  /** Its octets cannot be read, or are not what was written. */
  readonly failed: (file: EntryFile, error: unknown) => void;
}

/**
 * The body of an entry whose checksum was right a moment ago, left in its file: whoever sends it has it
 * read to where it leaves from, and meanwhile it takes no memory but the page cache.
 */
export class FileBody {
  readonly #file: EntryFile;
  readonly #terms: FileBodyTerms;

  constructor(file: EntryFile, terms: FileBodyTerms) {
    this.#file = file;
    this.#terms = terms;
  }

  /** What it comes to, in octets. */
  get length(): number {
    return this.#file.layout.bodyBytes;
  }

  /** Who does not read it in the turn in which it was found holds it until it has. */
  hold(): void {
    this.#terms.hold(this.#file);
  }

  release(): void {
    this.#terms.release(this.#file);
  }

  /**
   * Fills `into` with the octets from `at`, all of which there have to be. "slow": not between two
   * turns of the loop, ask `read`; "broken": nobody is to be sent any of it.
   */
  readNow(into: Buffer, at: number): "read" | "slow" | "broken" {
    if (this.#file.isClosed) return "broken";
    const { pace } = this.#terms;
    if (!pace.allows) return "slow";
    try {
      if (!pace.timed(() => this.#fills(into, at))) return this.#broken(changed());
      if (this.#isUnchanged()) return "read";
      // Whoever notes a use of it, or removes it, changes the file too, and nothing that is in it.
      if (this.#isRight() && this.#fills(into, at)) return "read";
      return this.#broken(changed());
    } catch (error) {
      return this.#broken(error);
    }
  }

  /** The same in the thread pool, for who holds it. Never rejects; a disk that hangs has it broken. */
  async read(into: Buffer, at: number): Promise<"read" | "broken"> {
    const { files, turns } = this.#terms;
    const { fd, layout } = this.#file;
    try {
      const reading = turns.run(() => files.read(fd, into, bodyAt(layout) + at));
      const bytes = await inTime(reading, DISK_READ_TIMEOUT_MS);
      if (bytes === undefined) return this.#broken(new Error("The disk takes too long."));
      const isRead = bytes === into.length && (this.#isUnchanged() || this.#isRight());
      return isRead ? "read" : this.#broken(changed());
    } catch (error) {
      return this.#broken(error);
    }
  }

  /** All of it in memory of its own; undefined: not between two turns of the loop, or not any more. */
  whole(): Buffer | undefined {
    const octets = Buffer.allocUnsafeSlow(this.length);
    return this.readNow(octets, 0) === "read" ? octets : undefined;
  }

  /** The same in the thread pool; undefined: not any more. */
  async load(): Promise<Buffer | undefined> {
    const octets = Buffer.allocUnsafeSlow(this.length);
    this.hold();
    const outcome = await this.read(octets, 0);
    this.release();
    return outcome === "read" ? octets : undefined;
  }

  #fills(into: Buffer, at: number): boolean {
    const { fd, layout } = this.#file;
    return this.#terms.files.readNow(fd, into, bodyAt(layout) + at) === into.length;
  }

  #isUnchanged(): boolean {
    return this.#terms.files.stateNow(this.#file.fd).ctimeMs === this.#file.state.ctimeMs;
  }

  /** Looked at for each piece from then on: whoever asks next opens the file anew. */
  #isRight(): boolean {
    const octets = Buffer.allocUnsafeSlow(this.length);
    return this.#fills(octets, 0) && isBodyWhole(octets, this.#file.layout);
  }

  #broken(error: unknown): "broken" {
    this.#terms.failed(this.#file, error);
    return "broken";
  }
}

function changed(): Error {
  return new Error("The file of an entry is not what it was.");
}
