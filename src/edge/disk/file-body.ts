import type { EntryFiles } from "./entry-files.ts";
import { bodyAt, isBodyWhole } from "./entry-format.ts";
import type { OpenFile } from "./open-files.ts";
import type { QuickPace } from "./quick-pace.ts";

/** As much of an open file as its body has to do with. */
type EntryFile = Omit<OpenFile<unknown>, "head" | "body">;

/** How bodies are read from files, and who is told what becomes of them. */
export interface FileBodyTerms {
  readonly files: EntryFiles;
  readonly pace: QuickPace;
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
  /** When the file was last changed, as of the last time that all of it was right. */
  #checkedCtimeMs: number;

  constructor(file: EntryFile, terms: FileBodyTerms) {
    this.#file = file;
    this.#terms = terms;
    this.#checkedCtimeMs = file.state.ctimeMs;
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

  /** The same in the thread pool, for who holds it. Never rejects. */
  async read(into: Buffer, at: number): Promise<"read" | "broken"> {
    const { files } = this.#terms;
    const { fd, layout } = this.#file;
    try {
      const bytes = await files.read(fd, into, bodyAt(layout) + at);
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

  #fills(into: Buffer, at: number): boolean {
    const { fd, layout } = this.#file;
    return this.#terms.files.readNow(fd, into, bodyAt(layout) + at) === into.length;
  }

  #isUnchanged(): boolean {
    return this.#terms.files.stateNow(this.#file.fd).ctimeMs === this.#checkedCtimeMs;
  }

  #isRight(): boolean {
    const { ctimeMs } = this.#terms.files.stateNow(this.#file.fd);
    const octets = Buffer.allocUnsafeSlow(this.length);
    if (!this.#fills(octets, 0) || !isBodyWhole(octets, this.#file.layout)) return false;
    this.#checkedCtimeMs = ctimeMs;
    return true;
  }

  #broken(error: unknown): "broken" {
    this.#terms.failed(this.#file, error);
    return "broken";
  }
}

function changed(): Error {
  return new Error("The file of an entry is not what it was.");
}
