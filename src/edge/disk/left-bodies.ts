import type { EntryReaderParts } from "./entry-reader.ts";
import { FileBody, type FileBodyTerms } from "./file-body.ts";
import { CHECKED_FOR_MS, CTIME_PRECISION_MS, PIECE_READS_RUNNING_MAX } from "./limits.ts";
import type { OpenFile, OpenFiles } from "./open-files.ts";
import type { QuickPace } from "./quick-pace.ts";
import { ReadTurns } from "./read-turns.ts";

type Parts = Pick<EntryReaderParts<unknown>, "files" | "clock" | "monotonic" | "log" | "counts">;

/** Which bodies may be left in their files until they are sent, and those that are. */
export class LeftBodies {
  readonly #clock: Parts["clock"];
  readonly #monotonic: Parts["monotonic"];
  readonly #terms: FileBodyTerms;

  constructor(parts: Parts, open: Pick<OpenFiles<unknown>, "hold" | "release">, pace: QuickPace) {
    const { files, clock, monotonic, log, counts } = parts;
    this.#clock = clock;
    this.#monotonic = monotonic;
    this.#terms = {
      files,
      pace,
      turns: new ReadTurns(PIECE_READS_RUNNING_MAX),
      hold: (file) => open.hold(file),
      release: (file) => open.release(file),
      // What it is now, whoever asks next finds out.
      failed: ({ name }, error) => {
        counts.failed += 1;
        log.warn("disk read failed", { name, err: error });
      },
    };
  }

  /** Whether it was compared with its checksum lately. */
  isChecked({ checkedAt }: OpenFile<unknown>): boolean {
    return this.#monotonic.now() - checkedAt < CHECKED_FOR_MS;
  }

  /** A file that changed just now may change again without its ctime: its check counts for once. */
  noteChecked(file: OpenFile<unknown>): void {
    const isSettled = this.#clock.now() - file.state.ctimeMs > CTIME_PRECISION_MS;
    file.checkedAt = isSettled ? this.#monotonic.now() : Number.NEGATIVE_INFINITY;
  }

  /** For who reads it, or holds it, before the loop goes on. */
  bodyOf(file: OpenFile<unknown>): FileBody {
    file.body ??= new FileBody(file, this.#terms);
    return file.body;
  }

  /** For who reads it, or holds it, within this turn of the loop. */
  heldFor(file: OpenFile<unknown>): FileBody {
    const body = this.bodyOf(file);
    body.hold();
    setImmediate(() => body.release());
    return body;
  }
}
