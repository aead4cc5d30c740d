import assert from "node:assert/strict";
import { CHUNK_OVERHEAD_BYTES, KEPT_TRAILER_BYTES_MAX, SMALL_BODY_BYTES_MAX } from "../limits.ts";
import { Arena } from "./arena.ts";
import { BodyFlow, FLOW_OVERHEAD_BYTES } from "./body-flow.ts";
import { BodyReader } from "./body-reader.ts";
import type { HeldFor, MemoryBudget } from "./memory-budget.ts";
import { ownedBytes } from "./owned.ts";

const BEGINNING = { index: 0, offset: 0 };

/** Growing until it is whole, or is known never to be. */
export type BodyState = "growing" | "whole" | "truncated";

/**
 * The content of one response: written once, as it comes from the origin, and read by many, each at
 * a pace of its own. A `retained` body keeps all its bytes until nobody holds it. A `windowed` one
 * keeps only what its slowest reader has not seen, and holds back its writer. Either way all that is
 * kept is on the budget.
 *
 * A small one settles once only the store holds it: its octets move to the store's arena, and what it
 * took to write and read it goes.
 */
export class Body {
  readonly #budget: MemoryBudget;
  #flow: BodyFlow | undefined = new BodyFlow();
  /** Of a store that holds it. */
  #arena: Arena | undefined;
  /** Where the arena has its octets; or themselves, for whoever still refers to what was evicted. */
  #settled: number | Buffer | undefined;
  #sizeBytes = 0;
  #chargedBytes = 0;
  /** Undefined: it is whole, nobody holds it, and so nothing is charged. */
  #heldFor: HeldFor | undefined = "flight";
  #holds = 0;
  #storeHolds = 0;
  #retained: boolean;
  #state: BodyState = "growing";

  constructor(budget: MemoryBudget, mode: "retained" | "windowed") {
    this.#budget = budget;
    this.#retained = mode === "retained";
  }

  /** What has been written so far; of a whole body, its length. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** What of that a store keeps under the response's own key: all. */
  get keptBytes(): number {
    return this.#sizeBytes;
  }

  /** Trailer fields, for those who read the body as it came: replies from the store have none. */
  get trailers(): readonly string[] {
    return this.#flow?.trailers ?? [];
  }

  get state(): BodyState {
    return this.#state;
  }

  get retained(): boolean {
    return this.#retained;
  }

  get hasReaders(): boolean {
    return this.#flow !== undefined && this.#flow.readers.size > 0;
  }

  /** Whether it can still be read from its first octet. */
  get hasBeginning(): boolean {
    return this.firstKept.offset === 0;
  }

  /** A fill holds a body while it refers to it, and so does each reader. */
  hold(): void {
    this.#holds += 1;
    this.#recount();
  }

  release(): void {
    assert(this.#holds > 0);
    this.#holds -= 1;
    if (this.#holds === 0) this.#letGo();
    else this.#recount();
  }

  /** A store holds it, and keeps what is small in its arena. */
  holdInStore(arena: Arena): void {
    this.#arena = arena;
    this.#storeHolds += 1;
    this.hold();
  }

  releaseFromStore(): void {
    this.#storeHolds -= 1;
    this.release();
  }

  /**
   * Adds a chunk, of which nothing is kept but its own bytes. A retained body that does not fit the
   * budget becomes a windowed one.
   */
  append(chunk: Buffer): void {
    const flow = this.#flow;
    assert(this.#state === "growing" && flow !== undefined);
    const flowBytes = this.#sizeBytes === 0 ? FLOW_OVERHEAD_BYTES : 0;
    const bytes = flowBytes + chunk.length + CHUNK_OVERHEAD_BYTES;
    if (this.#retained && !this.#budget.tryRetain(bytes, this.#sizeBytes)) this.stopRetaining();
    // One chunk of a window has to be somewhere, or nothing would ever pass.
    if (!this.#retained) this.#budget.charge(bytes, "flight");
    this.#chargedBytes += bytes;
    flow.push(ownedBytes(chunk));
    this.#sizeBytes += chunk.length;
    flow.wakeReaders();
    this.#dropRead();
  }

  /** Resolves when the writer may append: always for a retained body, unless nobody reads it. */
  async room(): Promise<void> {
    const flow = this.#flow;
    // Counted as charged: an origin that sends octet by octet must not fill the memory.
    const isFull = (): boolean => this.#chargedBytes > this.#budget.windowBytes;
    while (flow?.chunks[0] !== undefined && !this.#retained && this.hasReaders && isFull()) {
      await new Promise<void>((resolve) => {
        flow.onRoom = resolve;
      });
    }
  }

  /** Whether this reader keeps the writer from going on while another has read all there is. */
  isHeldUpBy(reader: BodyReader): boolean {
    const flow = this.#flow;
    if (flow?.onRoom === undefined || reader.position >= flow.firstEnd) return false;
    return flow.readers.values().some(({ position }) => position >= this.#sizeBytes);
  }

  /** Called, once, when a body that nobody will store has lost its last reader. */
  whenUnread(callback: () => void): void {
    if (this.#flow !== undefined) this.#flow.onUnread = callback;
    this.#noticeUnread();
  }

  /** Called, once, when a retained body becomes a windowed one: it has no beginning any more. */
  whenWindowed(callback: () => void): void {
    if (this.#flow !== undefined) this.#flow.onWindowed = callback;
  }

  /** From here on it is a windowed body; it grew too large to be stored. */
  stopRetaining(): void {
    this.#retained = false;
    this.#flow?.noticeWindowed();
    this.#dropRead();
    this.#noticeUnread();
  }

  /** No more will come: all of it was there, or not. */
  end(state: "whole" | "truncated", trailers: readonly string[] = []): void {
    const flow = this.#flow;
    assert(this.#state === "growing" && flow !== undefined);
    this.#state = state;
    flow.end(trailers, this.#retained ? KEPT_TRAILER_BYTES_MAX : Infinity);
    if (this.#isSmall) this.#compact(flow);
    if (this.#holds === 0) this.#letGo();
    else this.#recount();
    flow.wakeReaders();
  }

  /**
   * The whole of a small stored body, for one write; undefined if it is in pieces. Who keeps it longer
   * than that copies it: it may be a part of a large piece of memory, which nobody has counted then.
   */
  single(): Buffer | undefined {
    const settled = this.#settled;
    if (settled !== undefined) return this.#octetsOf(settled);
    const chunks = this.#flow?.chunks ?? [];
    return this.#state === "whole" && this.#retained && chunks.length <= 1 ? chunks[0] : undefined;
  }

  /** A reader of the octets from `first` up to but not including `end`. */
  read(first = 0, end = Infinity): BodyReader {
    this.hold();
    const flow = this.#flow ?? this.#unsettle();
    const reader = new BodyReader(this, first, end);
    flow.readers.add(reader);
    return reader;
  }

  /** Nothing before it can be read any more; readers of a retained body may begin at 0. */
  get firstKept(): { readonly index: number; readonly offset: number } {
    return this.#flow?.firstKept ?? BEGINNING;
  }

  /** The chunk with this index, counted from the beginning of the body. */
  chunkAt(index: number): Buffer | undefined {
    return this.#flow?.chunkAt(index);
  }

  /** A reader has moved on. */
  noticeProgress(): void {
    if (!this.#retained) this.#dropRead();
  }

  forget(reader: BodyReader): void {
    if (this.#flow?.readers.delete(reader) !== true) return;
    this.#dropRead();
    this.release();
    this.#noticeUnread();
  }

  /** What is whole and held by the store alone can be evicted, and nothing else can. */
  #recount(): void {
    const growing = this.#state === "growing" || !this.#retained;
    const heldFor = growing ? "flight" : this.#holds === this.#storeHolds ? "store" : "readers";
    const before = this.#heldFor;
    this.#heldFor = heldFor;
    if (before === undefined) this.#budget.charge(this.#chargedBytes, heldFor);
    else if (before !== heldFor) this.#budget.move(this.#chargedBytes, before, heldFor);
    if (heldFor === "store") this.#settle();
  }

  /** Nobody holds it. Whoever refers to it can read it all the same, on nobody's account. */
  #letGo(): void {
    if (this.#heldFor !== undefined) this.#budget.release(this.#chargedBytes, this.#heldFor);
    // What still grows goes on to charge what it appends.
    if (this.#state === "growing") this.#chargedBytes = 0;
    else this.#heldFor = undefined;
    if (typeof this.#settled !== "number") return;
    const octets = this.#octetsOf(this.#settled);
    this.#arena?.free(this.#settled);
    this.#settled = octets;
  }

  /** The same octets are charged so much from here on. */
  #recharge(bytes: number): void {
    const moreBytes = bytes - this.#chargedBytes;
    this.#chargedBytes = bytes;
    if (this.#heldFor === undefined) return;
    if (moreBytes > 0) this.#budget.charge(moreBytes, this.#heldFor);
    else this.#budget.release(-moreBytes, this.#heldFor);
  }

  /** Whether it is small, and all of it is there. */
  get #isSmall(): boolean {
    return this.#state === "whole" && this.#retained && this.#sizeBytes <= SMALL_BODY_BYTES_MAX;
  }

  /** It becomes one exact buffer, and is charged no less than it will be once it has settled. */
  #compact(flow: BodyFlow): void {
    flow.join(this.#sizeBytes);
    const bytes = FLOW_OVERHEAD_BYTES + CHUNK_OVERHEAD_BYTES + this.#sizeBytes;
    this.#recharge(Math.max(bytes, Arena.chargedBytes(this.#sizeBytes)));
  }

  #settle(): void {
    if (!this.#isSmall || this.#arena === undefined || typeof this.#settled === "number") return;
    const octets = this.single();
    assert(octets !== undefined);
    this.#settled = this.#arena.put(octets);
    this.#flow = undefined;
    this.#recharge(Arena.chargedBytes(this.#sizeBytes));
  }

  /** It is read piece by piece again: for as long its octets have memory of their own. */
  #unsettle(): BodyFlow {
    const settled = this.#settled;
    assert(settled !== undefined);
    const flow = new BodyFlow();
    flow.push(ownedBytes(this.#octetsOf(settled)));
    this.#flow = flow;
    this.#settled = undefined;
    if (typeof settled === "number") this.#arena?.free(settled);
    this.#compact(flow);
    return flow;
  }

  #octetsOf(settled: number | Buffer): Buffer {
    if (typeof settled !== "number") return settled;
    assert(this.#arena !== undefined);
    return this.#arena.view(settled);
  }

  #noticeUnread(): void {
    if (!this.#retained && !this.hasReaders) this.#flow?.noticeUnread();
  }

  /** Lets go of the chunks that every reader of a windowed body has passed. */
  #dropRead(): void {
    const flow = this.#flow;
    if (this.#retained || flow === undefined) return;
    const bytes = Math.min(flow.dropRead(this.#sizeBytes), this.#chargedBytes);
    this.#chargedBytes -= bytes;
    if (this.#heldFor !== undefined) this.#budget.release(bytes, this.#heldFor);
    flow.wakeWriter();
  }
}
