import type { MemoryStore } from "../cache/memory-store.ts";
import { StoredResponse } from "../cache/stored-response.ts";
import type { DiskTier } from "../disk/disk-tier.ts";
import { SLICE_BYTES } from "../limits.ts";
import { sliceKey } from "../slices/slice-key.ts";
import type { SlicedIdentity } from "../slices/slice-source.ts";
import { SlicedBody } from "../slices/sliced-body.ts";
import type { KeptHead, ResponseHead } from "./kept-head.ts";
import { PEEKED_SLICES_MAX } from "./limits.ts";
import { PassingBody } from "./passing-body.ts";
import type { Wanted } from "./tiers.ts";
import { keyOfVariantIn, type Variance, type VariantIndex } from "./variant-index.ts";

/** What is kept for a request, as it is for one who only looks. */
export interface Peeked {
  /** What tells its variant apart is in it, as far as it is known. */
  readonly key: string;
  /** The request fields that the resource's responses vary by. */
  readonly names: readonly string[];
  readonly memory: PeekedResponse | undefined;
  /** "unknown": the disk does not say now; "none": there is no such tier. */
  readonly disk: PeekedResponse | undefined | "unknown" | "none";
}

/** A stored response without its body, and a copy: what is noted of it is noted nowhere. */
export interface PeekedResponse {
  readonly stored: StoredResponse;
  readonly bodyBytes: number;
  /** Absent: its body is in one piece. */
  readonly slices?: PeekedSlices;
}

interface PeekedSlices {
  readonly all: number;
  /** Of those, the ones in this worker's memory. */
  readonly inMemory: number;
}

/** What there is to look at. */
export interface PeekParts {
  readonly memory: MemoryStore;
  readonly disk: DiskTier<KeptHead> | undefined;
  readonly variants: VariantIndex;
}

/** Looks where a lookup would, and leaves everything as it was. */
export function peekTiers(parts: PeekParts, wanted: Wanted): Promise<Peeked> {
  return peekAt(parts, wanted, parts.variants.varianceOf(wanted.key));
}

async function peekAt(
  parts: PeekParts,
  wanted: Wanted,
  variance: Variance | undefined,
): Promise<Peeked> {
  const { memory, disk } = parts;
  const key = variance === undefined ? wanted.key : keyOfVariantIn(wanted, variance);
  const names = variance?.names ?? [];
  const stored = memory.peek(key);
  const kept = disk === undefined ? "none" : await disk.peek(key);
  if (stored === undefined && typeof kept === "object" && kept.head.kind === "varies") {
    // Which variant is wanted is known only now.
    if (variance === undefined) return await peekAt(parts, wanted, kept.head.variance);
  }
  const inMemory = stored === undefined ? undefined : fromMemory(stored, memory);
  if (typeof kept !== "object") return { key, names, memory: inMemory, disk: kept };
  return { key, names, memory: inMemory, disk: fromDisk(key, kept, memory) };
}

function fromMemory(stored: StoredResponse, memory: MemoryStore): PeekedResponse {
  const { body, failedAt, ...head } = stored;
  const copy = new StoredResponse({ ...head, body: NO_BODY });
  copy.failedAt = failedAt;
  const peeked = { stored: copy, bodyBytes: body.sizeBytes };
  if (!(body instanceof SlicedBody)) return peeked;
  return { ...peeked, slices: slicesOf(body.source.identity, memory) };
}

function fromDisk(
  key: string,
  { head, bodyBytes }: { readonly head: KeptHead; readonly bodyBytes: number },
  memory: MemoryStore,
): PeekedResponse | undefined {
  if (head.kind !== "response") return undefined;
  const { slices, ...rest }: ResponseHead = head.head;
  const stored = new StoredResponse({ key, ...rest, body: NO_BODY });
  if (slices === undefined) return { stored, bodyBytes };
  return { stored, bodyBytes: slices.length, slices: slicesOf(slices, memory) };
}

function slicesOf({ generation, length }: SlicedIdentity, memory: MemoryStore): PeekedSlices {
  const all = Math.ceil(length / SLICE_BYTES);
  let inMemory = 0;
  for (let n = 0; n < Math.min(all, PEEKED_SLICES_MAX); n += 1) {
    if (memory.peek(sliceKey(generation, n)) !== undefined) inMemory += 1;
  }
  return { all, inMemory };
}

const NO_BODY = new PassingBody(Buffer.alloc(0));
