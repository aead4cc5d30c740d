import type { Body } from "./body.ts";
import { type BodyPart, ContentReader } from "./content-reader.ts";

/** One reader's place in a body that may still be growing. Whoever opens one closes it. */
export class BodyReader extends ContentReader {
  readonly #body: Body;
  readonly #end: number;
  #position: number;
  /** The chunk that holds `position` or comes before it, and where that chunk begins. */
  #index: number;
  #offset: number;
  #onReadable: (() => void) | undefined;

  constructor(body: Body, first: number, end: number) {
    super();
    const { index, offset } = body.firstKept;
    this.#body = body;
    this.#position = first;
    this.#end = end;
    this.#index = index;
    this.#offset = offset;
  }

  get position(): number {
    return this.#position;
  }

  /** Whether what was read stays where it is for as long as the reader is open. */
  get isRetained(): boolean {
    return this.#body.retained;
  }

  /** Trailer fields, names and values alternating: known at "end". */
  get trailers(): readonly string[] {
    return this.#body.trailers;
  }

  /** Whether others wait for this reader: their body is windowed, and it is the slowest. */
  get holdsUpOthers(): boolean {
    return this.#body.isHeldUpBy(this);
  }

  /** Takes what one chunk has for this reader. */
  read(): BodyPart {
    if (this.#position >= this.#end) return "end";
    this.#catchUp();
    // What it has come to is gone: that which is there now are other octets.
    if (this.#position < this.#offset) return "truncated";
    let chunk = this.#body.chunkAt(this.#index);
    while (chunk !== undefined && this.#offset + chunk.length <= this.#position) {
      this.#offset += chunk.length;
      this.#index += 1;
      chunk = this.#body.chunkAt(this.#index);
    }
    if (chunk === undefined) return this.#atTail();
    const from = this.#position - this.#offset;
    const part = chunk.subarray(from, Math.min(chunk.length, this.#end - this.#offset));
    this.#position += part.length;
    this.#body.noticeProgress();
    return part;
  }

  /** `callback` is called whenever there may be more after a "pending". */
  whenReadable(callback: () => void): void {
    this.#onReadable = callback;
  }

  wake(): void {
    this.#onReadable?.();
  }

  /** The body's chunks were joined into one. */
  rewind(): void {
    this.#index = 0;
    this.#offset = 0;
  }

  /** Closing twice is harmless. */
  close(): void {
    this.#onReadable = undefined;
    this.#body.forget(this);
  }

  /** A windowed body drops chunks before `position` while this reader still points at them. */
  #catchUp(): void {
    const { index, offset } = this.#body.firstKept;
    if (this.#index >= index) return;
    this.#index = index;
    this.#offset = offset;
  }

  #atTail(): BodyPart {
    const { state } = this.#body;
    if (state === "growing") return "pending";
    return state === "whole" ? "end" : "truncated";
  }
}
