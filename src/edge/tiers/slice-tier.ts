import type { Body } from "../cache/body.ts";
import type { MemoryBudget } from "../cache/memory-budget.ts";
import type { MemoryStore } from "../cache/memory-store.ts";
import { StoredResponse } from "../cache/stored-response.ts";
import type { DiskTier } from "../disk/disk-tier.ts";
import { FileBody } from "../disk/file-body.ts";
import { FieldSection } from "../fields.ts";
import type { SliceKeeper } from "../slices/slice-source.ts";
import { encodeSlice, type KeptHead } from "./kept-head.ts";
import { wholeBody } from "./whole-body.ts";

/** Slices, in memory and behind it on disk. */
export class SliceTier {
  readonly #memory: MemoryStore;
  readonly #disk: DiskTier<KeptHead> | undefined;
  readonly #budget: MemoryBudget;
  #fetched = 0;

  constructor(parts: {
    readonly memory: MemoryStore;
    readonly disk: DiskTier<KeptHead> | undefined;
    readonly budget: MemoryBudget;
  }) {
    this.#memory = parts.memory;
    this.#disk = parts.disk;
    this.#budget = parts.budget;
  }

  /** Slices that came whole, from wherever they are fetched. */
  get fetched(): number {
    return this.#fetched;
  }

  /** For one representation; `writes` says, at each slice, whether it is this worker that writes it. */
  keeper(writes: () => boolean): SliceKeeper {
    return {
      get: (key) => this.#get(key),
      has: (key) => this.#memory.peek(key) !== undefined,
      find: (key) => this.#find(key),
      put: (key, body) => this.#put(key, body, writes()),
    };
  }

  #get(key: string): Body | undefined | "unknown" {
    const stored = this.#memory.get(key);
    // Nothing but a slice has such a key.
    if (stored !== undefined) return stored.body as Body;
    const entry = this.#disk?.getQuick(key);
    return entry === undefined || entry === "unknown" ? entry : this.#promote(key, entry.body);
  }

  async #find(key: string): Promise<Body | undefined> {
    const found = (await this.#disk?.get(key))?.body;
    // It is asked for because the disk is not as fast as memory.
    const octets = found instanceof FileBody ? await found.load() : found;
    return octets === undefined ? undefined : this.#promote(key, octets);
  }

  #put(key: string, body: Body, isWritten: boolean): void {
    this.#fetched += 1;
    this.#memory.put(sliceEntry(key, body));
    if (this.#disk === undefined || !isWritten) return;
    const octets: Buffer[] = [];
    const reader = body.read();
    for (let part = reader.read(); typeof part !== "string"; part = reader.read()) {
      octets.push(part);
    }
    reader.close();
    this.#disk.put(key, encodeSlice(), octets);
  }

  #promote(key: string, octets: Buffer | FileBody): Body | undefined {
    const body = wholeBody(octets, this.#budget);
    if (body !== undefined) this.#memory.put(sliceEntry(key, body));
    return body;
  }
}

const NO_FIELDS = new FieldSection("");
const NONE: readonly string[] = [];

/** A slice has its place in the memory tier like anything else, and nothing to say for itself. */
function sliceEntry(key: string, body: Body): StoredResponse {
  return new StoredResponse({
    key,
    status: 206,
    section: NO_FIELDS,
    selecting: NONE,
    freshness: UNUSED,
    body,
    contentLength: body.sizeBytes,
    purgesCheckedAt: 0,
    softPurged: false,
    tags: NONE,
  });
}

const UNUSED = {
  lifetimeSeconds: undefined,
  ceilingSeconds: undefined,
  heuristicSeconds: 0,
  noCache: false,
  mustRevalidate: false,
  staleAsSaidOnly: false,
  staleWhileRevalidateSeconds: 0,
  staleIfErrorSeconds: undefined,
  silent: false,
  ageValueSeconds: 0,
  correctedInitialAgeMs: 0,
  responseTime: 0,
} as const;
