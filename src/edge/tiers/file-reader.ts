import { type BodyPart, ContentReader, type Room } from "../cache/content-reader.ts";
import type { FileBody } from "../disk/file-body.ts";
import { SMALL_BODY_BYTES_MAX } from "../limits.ts";
import { FILE_PIECE_BYTES } from "./limits.ts";

const NO_TRAILERS: readonly string[] = [];

/** Reads a body from its file as its peer takes it, into what the reply is put together in. */
export class FileReader extends ContentReader {
  readonly isRetained = false;
  readonly holdsUpOthers = false;
  readonly trailers = NO_TRAILERS;
  readonly #body: FileBody;
  readonly #end: number;
  #position: number;
  /** What the thread pool has read, and nobody has taken. */
  #come: Buffer | undefined;
  #state: "open" | "reading" | "broken" | "closed" = "open";
  #onReadable: (() => void) | undefined;

  /** Those octets from `first` up to but not including `end`. */
  constructor(body: FileBody, first: number, end: number) {
    super();
    this.#body = body;
    this.#position = first;
    this.#end = Math.min(end, body.length);
    body.hold();
  }

  get position(): number {
    return this.#position;
  }

  override readSmall(room: Room): Buffer | undefined {
    const bytes = this.#end - this.#position;
    if (bytes > SMALL_BODY_BYTES_MAX || this.#state !== "open") return undefined;
    const into = room.open(bytes).subarray(0, bytes);
    if (into.length < bytes) return undefined;
    return this.#body.readNow(into, this.#position) === "read" ? this.#taken(into) : undefined;
  }

  read(room?: Room): BodyPart {
    if (this.#state === "broken") return "truncated";
    if (this.#state === "reading") return "pending";
    const come = this.#come;
    if (come !== undefined) {
      this.#come = undefined;
      return this.#taken(come);
    }
    const bytes = Math.min(this.#end - this.#position, FILE_PIECE_BYTES);
    if (bytes <= 0) return "end";
    const into = room?.open(bytes).subarray(0, bytes) ?? Buffer.allocUnsafeSlow(bytes);
    const outcome = this.#body.readNow(into, this.#position);
    if (outcome === "read") return this.#taken(into);
    if (outcome === "slow") void this.#readLater(Buffer.allocUnsafeSlow(bytes));
    else this.#state = "broken";
    return outcome === "slow" ? "pending" : "truncated";
  }

  whenReadable(callback: () => void): void {
    this.#onReadable = callback;
  }

  close(): void {
    if (this.#state === "closed") return;
    const isReading = this.#state === "reading";
    this.#state = "closed";
    this.#onReadable = undefined;
    this.#come = undefined;
    // What the pool reads from stays open until it has.
    if (!isReading) this.#body.release();
  }

  async #readLater(piece: Buffer): Promise<void> {
    this.#state = "reading";
    const outcome = await this.#body.read(piece, this.#position);
    if (this.#isClosed) return this.#body.release();
    if (outcome === "read") this.#come = piece;
    this.#state = outcome === "read" ? "open" : "broken";
    this.#onReadable?.();
  }

  get #isClosed(): boolean {
    return this.#state === "closed";
  }

  #taken(piece: Buffer): Buffer {
    this.#position += piece.length;
    return piece;
  }
}
