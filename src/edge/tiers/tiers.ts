import { unreachable } from "#unreachable.ts";
import type { TierUse } from "#usage/cache-counters.ts";
import { primaryKeyOf } from "../cache/key.ts";
import type { MemoryBudget } from "../cache/memory-budget.ts";
import type { MemoryStore } from "../cache/memory-store.ts";
import { ownedText } from "../cache/owned.ts";
import type { StoredBody } from "../cache/stored-body.ts";
import { StoredResponse } from "../cache/stored-response.ts";
import type { DiskTier } from "../disk/disk-tier.ts";
import type { DiskEntry } from "../disk/entry-reader.ts";
import { FileBody } from "../disk/file-body.ts";
import { SLICE_BYTES } from "../limits.ts";
import { type SlicedIdentity, SliceSource } from "../slices/slice-source.ts";
import { SlicedBody } from "../slices/sliced-body.ts";
import { encodeResponse, encodeVaries, type KeptHead, type ResponseHead } from "./kept-head.ts";
import {
  FAILURES_NOTED_MAX,
  LARGE_READS_PER_PROMOTION,
  PIECE_BYTES_MAX,
  READS_PER_PROMOTION,
  ROOM_SHARE,
  SLICE_SOURCES_MAX,
} from "./limits.ts";
import { PassingBody } from "./passing-body.ts";
import { type Peeked, peekTiers } from "./peek.ts";
import { SliceTier } from "./slice-tier.ts";
import { keyOfVariantIn, VariantIndex } from "./variant-index.ts";
import { wholeBody } from "./whole-body.ts";

/** What responses are kept in. */
export interface TiersParts {
  readonly memory: MemoryStore;
  /** Absent: memory alone. */
  readonly disk: DiskTier<KeptHead> | undefined;
  readonly budget: MemoryBudget;
  /**
   * Whether it is this worker that writes to disk what has this primary key, of all that read there.
   * Absent: there is no other.
   */
  readonly owns?: ((key: string) => boolean) | undefined;
}

/** What is known of a request before its answer is looked for. */
export interface Wanted {
  /** The primary key (RFC 9111 §2). */
  readonly key: string;
  /** What variants are selected by: empty where nothing of the client's reaches the origin. */
  readonly fields: readonly string[];
}

/** Stored responses, in memory and behind it on disk; each variant of a resource by itself. */
export class Tiers {
  readonly #memory: MemoryStore;
  readonly #disk: DiskTier<KeptHead> | undefined;
  readonly #budget: MemoryBudget;
  readonly #owns: (key: string) => boolean;
  readonly #slices: SliceTier;
  readonly #variants = new VariantIndex((key) => this.#memory.delete(key));
  /** By key, of what was served all the same: what is read from disk once more has no note of it. */
  readonly #failures = new Map<string, number>();
  /** What is served from files that are open: made once, like what is in memory. */
  readonly #inFiles = new WeakMap<FileBody, StoredResponse>();
  /** From disk, of bodies in one piece. */
  #reads = 0;
  /** Of bodies that are read, or were of late: all who read one share what is fetched of it. */
  readonly #sources = new Map<string, WeakRef<SliceSource>>();

  constructor({ memory, disk, budget, owns = () => true }: TiersParts) {
    this.#memory = memory;
    this.#disk = disk;
    this.#budget = budget;
    this.#owns = owns;
    this.#slices = new SliceTier({ memory, disk, budget });
  }

  /** The largest body that is kept in one piece, and so has to be whole before it is. */
  get bodyBytesMax(): number {
    return this.#memory.bodyBytesMax;
  }

  stats(): TierUse {
    const [memory, disk] = [this.#memory.stats(), this.#disk?.stats()];
    return { memory, slicesFetched: this.#slices.fetched, disk };
  }

  /** What is in memory. */
  get(wanted: Wanted): StoredResponse | undefined {
    return this.#memory.get(this.keyFor(wanted));
  }

  /** What is on disk, where that is as fast as memory. "unknown": `find` may know. */
  getQuick(wanted: Wanted): StoredResponse | undefined | "unknown" {
    if (this.#disk === undefined) return undefined;
    const key = this.keyFor(wanted);
    const entry = this.#disk.getQuick(key);
    if (entry === "unknown" || entry === undefined) return entry;
    // Which variant is wanted is known only now.
    return entry.head.kind === "response" ? this.#promote(key, entry.head.head, entry) : "unknown";
  }

  /** What is on disk. */
  async find(wanted: Wanted): Promise<StoredResponse | undefined> {
    const key = this.keyFor(wanted);
    const entry = await this.#disk?.get(key);
    // Stored meanwhile, and so newer; or read for another who waited, and the same.
    const come = this.#memory.get(key);
    if (come !== undefined || entry === undefined) return come;
    switch (entry.head.kind) {
      case "response":
        return this.#promote(key, entry.head.head, entry);
      case "varies": {
        this.#variants.learn(wanted.key, entry.head.variance);
        const variant = this.keyFor(wanted);
        return variant === key ? undefined : (this.#memory.get(variant) ?? this.find(wanted));
      }
      case "slice":
        return undefined;
      default:
        return unreachable(entry.head);
    }
  }

  /** The same in both tiers, for who explains it: nothing is different afterwards. */
  peek(wanted: Wanted): Promise<Peeked> {
    const [memory, disk, variants] = [this.#memory, this.#disk, this.#variants];
    return peekTiers({ memory, disk, variants }, wanted);
  }

  /** Whether what has this primary key is known to have variants. */
  varies(key: string): boolean {
    return this.#variants.varianceOf(key) !== undefined;
  }

  /** The key that an answer to this request has, as far as it is known what it varies by. */
  keyFor(wanted: Wanted): string {
    const variance = this.#variants.varianceOf(wanted.key);
    return variance === undefined ? wanted.key : keyOfVariantIn(wanted, variance);
  }

  /** Resources that vary by these fields have a key for each variant; others have one. */
  keyOfNew(wanted: Wanted, names: readonly string[]): string {
    const { key } = wanted;
    if (names.length === 0) {
      this.#variants.forget(key);
      return key;
    }
    const news = this.#variants.learnNames(key, names);
    if (news !== undefined) this.#written(key)?.put(key, encodeVaries(news), []);
    const variant = this.keyFor(wanted);
    this.#variants.note(key, variant);
    return variant;
  }

  put(stored: StoredResponse): void {
    this.#failures.delete(stored.key);
    // What there was no memory for stays where it came from.
    if (!(stored.body instanceof PassingBody)) this.#memory.put(stored);
    this.#dropOnceOutdated(stored);
    const disk = this.#written(stored.key);
    if (disk === undefined) return;
    const octets = wholeOf(stored.body);
    if (octets === undefined) disk.delete(stored.key);
    else disk.put(stored.key, encodeResponse(stored), octets);
  }

  /** The origin has failed just now, and this is what there is. */
  noteFailure(stored: StoredResponse, now: number): void {
    stored.failedAt = now;
    if (this.#disk === undefined) return;
    if (this.#failures.size >= FAILURES_NOTED_MAX) this.#failures.clear();
    this.#failures.set(ownedText(stored.key), now);
  }

  /** Drops this very response, and not what has taken its place in memory. */
  drop(stored: StoredResponse): void {
    this.#memory.drop(stored);
    this.#written(stored.key)?.delete(stored.key);
  }

  delete(key: string): void {
    this.#memory.delete(key);
    this.#disk?.delete(key);
  }

  /** All variants of what has this primary key. */
  deleteAll(key: string): void {
    this.delete(key);
    for (const variant of this.#variants.forget(key)) this.delete(variant);
  }

  /** The slices of one representation of what has this key: the same for all who read it. */
  sourceOf(identity: SlicedIdentity, key: string): SliceSource {
    const known = this.#sources.get(identity.generation)?.deref();
    if (known?.isOutdated === false) return known;
    if (this.#sources.size >= SLICE_SOURCES_MAX) this.#forgetSources();
    const primaryKey = ownedText(primaryKeyOf(key));
    const keeper = this.#slices.keeper(() => this.#owns(primaryKey));
    const source = new SliceSource(identity, keeper, this.#budget);
    this.#sources.set(identity.generation, new WeakRef(source));
    return source;
  }

  #promote(key: string, head: ResponseHead, entry: DiskEntry<KeptHead>): StoredResponse {
    const stored = this.#fromDisk(key, head, entry);
    stored.failedAt = this.#failures.get(key);
    return stored;
  }

  #fromDisk(
    key: string,
    head: ResponseHead,
    { body: octets }: DiskEntry<KeptHead>,
  ): StoredResponse {
    const { slices, ...rest } = head;
    if (slices !== undefined) {
      const body = new SlicedBody(this.sourceOf(slices, key));
      const stored = new StoredResponse({ key, ...rest, body });
      this.#memory.put(stored);
      this.#dropOnceOutdated(stored);
      return stored;
    }
    const body = this.#isPromoted(octets.length) ? wholeBody(octets, this.#budget) : undefined;
    if (body === undefined) return this.#passing(key, rest, octets);
    const stored = new StoredResponse({ key, ...rest, body });
    this.#memory.put(stored);
    return stored;
  }

  /**
   * Where memory is full, one of some: who is asked for often is soon among them, and the others would
   * cost more to take in and to evict again than to read from the page cache.
   */
  #isPromoted(bytes: number): boolean {
    const { used, bytesMax } = this.#budget;
    this.#reads += 1;
    if (used + bytes <= bytesMax * ROOM_SHARE) return true;
    const reads = bytes > PIECE_BYTES_MAX ? LARGE_READS_PER_PROMOTION : READS_PER_PROMOTION;
    return this.#reads % reads === 0;
  }

  /** For one reply; of a body that stays in its file, for all until that is closed. */
  #passing(key: string, head: Omit<ResponseHead, "slices">, octets: Buffer | FileBody) {
    const known = octets instanceof FileBody ? this.#inFiles.get(octets) : undefined;
    if (known !== undefined) return known;
    const stored = new StoredResponse({ key, ...head, body: new PassingBody(octets) });
    if (octets instanceof FileBody) this.#inFiles.set(octets, stored);
    return stored;
  }

  /** The disk, where this worker is who writes what has this key. */
  #written(key: string): DiskTier<KeptHead> | undefined {
    return this.#disk !== undefined && this.#owns(primaryKeyOf(key)) ? this.#disk : undefined;
  }

  /** A body that can never be completed would break off for all who come while it is fresh. */
  #dropOnceOutdated(stored: StoredResponse): void {
    const { key, body } = stored;
    if (!(body instanceof SlicedBody)) return;
    body.source.whenOutdated(() => {
      const kept = this.#memory.get(key);
      if (kept !== undefined && kept !== stored) return;
      // Whoever has written it: it would be found there again, and break off again.
      this.delete(key);
    });
  }

  #forgetSources(): void {
    for (const [generation, source] of this.#sources) {
      if (source.deref() === undefined) this.#sources.delete(generation);
    }
    // All of them are in use: whoever asks for the oldest again fetches by itself.
    const [oldest] = this.#sources.keys();
    if (this.#sources.size >= SLICE_SOURCES_MAX && oldest !== undefined)
      this.#sources.delete(oldest);
  }
}

/** The octets of a body for its entry on disk; undefined if that has no room for them. */
function wholeOf(body: StoredBody): readonly Buffer[] | undefined {
  if (body instanceof SlicedBody) return [];
  if (body.sizeBytes > SLICE_BYTES || body.state !== "whole") return undefined;
  if (body instanceof PassingBody) {
    const whole = body.whole();
    return whole === undefined ? undefined : [whole];
  }
  const single = body.single();
  if (single !== undefined) return [single];
  const octets: Buffer[] = [];
  const reader = body.read();
  for (let part = reader.read(); typeof part !== "string"; part = reader.read()) octets.push(part);
  reader.close();
  return octets;
}
