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
 * ahead of who reads it and waits then; when nobody reads it ends with the slice that it is at. What
 * there is no memory for is for who reads it as it comes, and the run goes no further than that.
 */
export class SliceRun {
  readonly #parts: SliceRunParts;
  #response: OriginResponse | undefined;
  #state: "coming" | "ended" | "failed" = "coming";
  /** The slice that is growing, or is waited for, and its number. */
  #body: Body | undefined;
  #next: number;
  #to: number;
  /** Octets before the first slice, of an answer that begins with the whole. */
  #skipBytes = 0;
  /** Of a chunk, what comes after the octet that the run waits at. */
  #rest: Buffer | undefined;
  #wanted: number;
  /** There was no memory for the last slice. */
  #isShort = false;
  #paused: NodeJS.Timeout | undefined;

  constructor(parts: SliceRunParts) {
    this.#parts = parts;
    this.#next = parts.from;
    this.#to = parts.to;
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
    return this.#to;
  }

  /** Slice `n` as far as it has grown, if it is there from this octet of its own on. */
  bodyOf(n: number, offset: number): Body | undefined {
    const body = n === this.#next && this.#state === "coming" ? this.#body : undefined;
    return body !== undefined && body.firstKept.offset <= offset ? body : undefined;
  }

  /** The same of the next slice, which need not have begun: its first octet finds its readers. */
  awaitBody(offset: number): Body | undefined {
    if (this.#state === "coming") this.#body ??= this.#newBody();
    return this.bodyOf(this.#next, offset);
  }

  /** A reader has come as far as slice `n`. */
  want(n: number): void {
    if (n <= this.#wanted) return;
    this.#wanted = n;
    if (this.#paused === undefined || this.#isAhead) return;
    this.#unpause();
    // Not from within a reader that is woken by what comes.
    setImmediate(() => this.#goOn());
  }

  /** The last reader has left: what is growing may become whole, what waits is not waited for. */
  noticeUnread(): void {
    const isGrowing = this.#body !== undefined && this.#body.retained && this.#body.sizeBytes > 0;
    if (this.#paused !== undefined || !isGrowing) this.#end("ended");
  }

  /** Takes the answer, if it is one to what was asked. */
  receive(response: OriginResponse): void {
    if (this.#state !== "coming") return response.discard();
    const first = firstOctet(response, this.#parts.identity);
    if (first === undefined || first > this.#next * SLICE_BYTES) {
      response.discard();
      if (first === undefined && isInItsPlace(response.status)) this.#parts.outdated();
      return this.fail();
    }
    this.#skipBytes = this.#next * SLICE_BYTES - first;
    this.#response = response;
    // It sends all the rest, whatever it was asked for.
    if (response.status === 200) this.#to = lastSlice(this.#parts.identity);
    response.body.read({
      chunk: (chunk) => this.#take(chunk),
      end: () => this.#end(this.#next > this.#to ? "ended" : "failed"),
      fail: () => this.fail(),
    });
  }

  /** No more will come, and not all has. */
  fail(): void {
    this.#end("failed");
  }

  #take(chunk: Buffer): boolean {
    let at = Math.min(this.#skipBytes, chunk.length);
    this.#skipBytes -= at;
    while (at < chunk.length && this.#state === "coming") {
      at += this.#append(chunk.subarray(at));
      if (this.#mayGoOn()) continue;
      // What was read is written over by the next read.
      if (at < chunk.length) this.#rest = Buffer.from(chunk.subarray(at));
      return false;
    }
    return true;
  }

  /** Adds what belongs to the slice at hand, and says how much that was. */
  #append(chunk: Buffer): number {
    this.#body ??= this.#newBody();
    const body = this.#body;
    const room = sliceLength(this.#next, this.#parts.identity.length) - body.sizeBytes;
    const part = chunk.subarray(0, room);
    // Those who wait for it are there before its first octet: it may be kept for nobody else.
    if (body.sizeBytes === 0) this.#parts.changed();
    if (this.#state === "coming") body.append(part);
    // Who has all that it wants leaves at once, and may have been the last.
    if (this.#state === "coming" && part.length === room) this.#completed(body);
    return part.length;
  }

  #newBody(): Body {
    const body = new Body(this.#parts.budget, "retained");
    body.hold();
    return body;
  }

  #completed(body: Body): void {
    body.end("whole");
    this.#isShort = !body.retained;
    if (body.retained) this.#parts.keep(this.#next, body);
    this.#body = undefined;
    this.#next += 1;
    this.#parts.changed();
    // Whoever reads it holds it by now.
    setImmediate(() => body.release());
    if (this.#next > this.#to || !this.#parts.hasReaders()) this.#end("ended");
  }

  #mayGoOn(): boolean {
    if (this.#state !== "coming") return true;
    const body = this.#body;
    if (body !== undefined && !body.retained) {
      // Neither kept nor read: it would come for nobody.
      if (!body.hasReaders) this.#end("ended");
      else void body.room().then(() => this.#goOn());
      return !body.hasReaders;
    }
    if (!this.#isAhead) return true;
    this.#paused ??= setTimeout(() => this.#end("ended"), SLICE_PAUSE_TIMEOUT_MS).unref();
    return false;
  }

  /** Whether it is so far ahead of its readers that it waits for them. */
  get #isAhead(): boolean {
    return this.#next - this.#wanted > (this.#isShort ? 0 : SLICE_AHEAD_MAX);
  }

  #goOn(): void {
    if (this.#state !== "coming") return;
    const rest = this.#rest;
    this.#rest = undefined;
    if (rest === undefined || this.#take(rest)) this.#response?.body.resume();
  }

  #unpause(): void {
    clearTimeout(this.#paused);
    this.#paused = undefined;
  }

  #end(state: "ended" | "failed"): void {
    if (this.#state !== "coming") return;
    this.#state = state;
    this.#unpause();
    this.#rest = undefined;
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

/** Whether it says what the origin has now in the place of what is sliced; or else fails to. */
function isInItsPlace(status: number): boolean {
  return status < 500 && status !== 408 && status !== 425 && status !== 429;
}

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

function lastSlice({ length }: SlicedIdentity): number {
  return Math.floor((length - 1) / SLICE_BYTES);
}

function sliceLength(n: number, length: number): number {
  const bytes = Math.min(SLICE_BYTES, length - n * SLICE_BYTES);
  assert(bytes > 0);
  return bytes;
}
