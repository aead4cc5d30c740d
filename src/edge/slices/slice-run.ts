import assert from "node:assert/strict";
import { parseContentRange } from "#http/content-range.ts";
import { Body } from "../cache/body.ts";
import type { MemoryBudget } from "../cache/memory-budget.ts";
import { fieldOf } from "../fields.ts";
import { SLICE_BYTES } from "../limits.ts";
import type { OriginResponse } from "../origin/origin.ts";
import { SLICE_AHEAD_MAX, SLICE_PAUSE_TIMEOUT_MS } from "./limits.ts";
import type { SlicedIdentity } from "./slice-source.ts";

/** What a run of slices is fetched with. */
export interface SliceRunParts {
  readonly identity: SlicedIdentity;
  /** The first slice and the last. */
  readonly from: number;
  readonly to: number;
  readonly budget: MemoryBudget;
  /** Ends the fetch. */
  readonly abort: AbortController;
  /** Whether anybody reads the body that these are slices of. */
  readonly hasReaders: () => boolean;
  /** There is more to read, or there will be no more. */
  readonly changed: () => void;
  readonly keep: (n: number, body: Body) => void;
  /** The origin has another representation by now, or none: what is missing will never come. */
  readonly outdated: () => void;
  /** Called once. */
  readonly ended: () => void;
}

/**
 * One answer of the origin on its way, cut into slices that are kept one by one. It goes a few slices
 * ahead of who reads it and waits then; when nobody reads it ends with the slice that it is at.
 */
export class SliceRun {
  readonly #parts: SliceRunParts;
  #response: OriginResponse | undefined;
  #state: "coming" | "ended" | "failed" = "coming";
  /** The slice that is growing, and its number. */
  #body: Body | undefined;
  #next: number;
  /** Octets before the first slice, of an answer that begins with the whole. */
  #skipBytes = 0;
  #wanted: number;
  #paused: NodeJS.Timeout | undefined;

  constructor(parts: SliceRunParts) {
    this.#parts = parts;
    this.#next = parts.from;
    this.#wanted = parts.from;
  }

  get state(): "coming" | "ended" | "failed" {
    return this.#state;
  }

  /** The slice that comes, or is coming. */
  get next(): number {
    return this.#next;
  }

  get to(): number {
    return this.#parts.to;
  }

  /** Slice `n` while it grows. */
  bodyOf(n: number): Body | undefined {
    return n === this.#next && this.#state === "coming" ? this.#body : undefined;
  }

  /** A reader has come as far as slice `n`. */
  want(n: number): void {
    if (n <= this.#wanted) return;
    this.#wanted = n;
    this.#resume();
  }

  /** The last reader has left: what is growing may become whole, what waits is not waited for. */
  noticeUnread(): void {
    if (this.#paused !== undefined || this.#body === undefined) this.#end("ended");
  }

  /** Takes the answer, if it is one to what was asked. */
  receive(response: OriginResponse): void {
    if (this.#state !== "coming") return response.discard();
    const first = firstOctet(response, this.#parts.identity);
    if (first === undefined || first > this.#next * SLICE_BYTES) {
      response.discard();
      if (first === undefined && OUTDATING.has(response.status)) this.#parts.outdated();
      return this.fail();
    }
    this.#skipBytes = this.#next * SLICE_BYTES - first;
    this.#response = response;
    response.body.read({
      chunk: (chunk) => this.#take(chunk),
      end: () => this.#end(this.#next > this.#parts.to ? "ended" : "failed"),
      fail: () => this.fail(),
    });
  }

  /** No more will come, and not all has. */
  fail(): void {
    this.#end("failed");
  }

  #take(chunk: Buffer): boolean {
    if (this.#state !== "coming") return true;
    let at = Math.min(this.#skipBytes, chunk.length);
    this.#skipBytes -= at;
    while (at < chunk.length && this.#state === "coming") at += this.#append(chunk.subarray(at));
    if (this.#state !== "coming") return true;
    return this.#mayGoOn();
  }

  /** Adds what belongs to the slice at hand, and says how much that was. */
  #append(chunk: Buffer): number {
    const isNew = this.#body === undefined;
    this.#body ??= this.#newBody();
    const room = sliceLength(this.#next, this.#parts.identity.length) - this.#body.sizeBytes;
    const part = chunk.subarray(0, room);
    this.#body.append(part);
    if (isNew) this.#parts.changed();
    if (part.length === room) this.#completed(this.#body);
    return part.length;
  }

  #newBody(): Body {
    const body = new Body(this.#parts.budget, "retained");
    body.hold();
    return body;
  }

  #completed(body: Body): void {
    body.end("whole");
    if (body.retained) this.#parts.keep(this.#next, body);
    this.#body = undefined;
    this.#next += 1;
    this.#parts.changed();
    // Whoever reads it holds it by now.
    setImmediate(() => body.release());
    if (this.#next > this.#parts.to || !this.#parts.hasReaders()) this.#end("ended");
  }

  #mayGoOn(): boolean {
    const body = this.#body;
    if (body !== undefined && !body.retained) {
      void body.room().then(() => this.#response?.body.resume());
      return false;
    }
    if (this.#next - this.#wanted <= SLICE_AHEAD_MAX) return true;
    this.#paused ??= setTimeout(() => this.#end("ended"), SLICE_PAUSE_TIMEOUT_MS).unref();
    return false;
  }

  #resume(): void {
    if (this.#paused === undefined) return;
    clearTimeout(this.#paused);
    this.#paused = undefined;
    this.#response?.body.resume();
  }

  #end(state: "ended" | "failed"): void {
    if (this.#state !== "coming") return;
    this.#state = state;
    clearTimeout(this.#paused);
    this.#paused = undefined;
    const body = this.#body;
    this.#body = undefined;
    if (body !== undefined) {
      body.end("truncated");
      body.release();
    }
    this.#parts.ended();
    this.#parts.abort.abort();
    this.#parts.changed();
  }
}

/** With these an origin says what it has now in the place of what is sliced; with others it fails. */
const OUTDATING: ReadonlySet<number> = new Set([200, 206, 403, 404, 410, 416]);

/** Where the content of an answer begins, if it is of the representation that is sliced. */
function firstOctet(response: OriginResponse, identity: SlicedIdentity): number | undefined {
  const { validator, length } = identity;
  const name = validator.startsWith('"') ? "etag" : "last-modified";
  if (fieldOf(response.fields, name) !== validator) return undefined;
  if (response.status === 200) return response.length === length ? 0 : undefined;
  if (response.status !== 206) return undefined;
  const range = parseContentRange(fieldOf(response.fields, "content-range") ?? "");
  if (range?.kind !== "range" || range.length !== length) return undefined;
  return range.first;
}

function sliceLength(n: number, length: number): number {
  const bytes = Math.min(SLICE_BYTES, length - n * SLICE_BYTES);
  assert(bytes > 0);
  return bytes;
}
