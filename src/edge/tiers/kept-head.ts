import type { Freshness } from "../cache/freshness.ts";
import type { StoredResponse } from "../cache/stored-response.ts";
import type { Selecting } from "../cache/vary.ts";
import { FieldSection } from "../fields.ts";
import type { SlicedIdentity } from "../slices/slice-source.ts";
import { SlicedBody } from "../slices/sliced-body.ts";
import type { Variance } from "./variant-index.ts";

/** What a disk entry is, beside its body. */
export type KeptHead =
  | { readonly kind: "response"; readonly head: ResponseHead }
  /** Nothing itself: the resource's responses are told apart by these request fields. */
  | { readonly kind: "varies"; readonly variance: Variance }
  /** A part of a body: all that is known of it is in its key. */
  | { readonly kind: "slice" };

/** A stored response but for its key, its body and what was noted since. */
export interface ResponseHead {
  readonly status: number;
  readonly section: FieldSection;
  readonly selecting: Selecting;
  readonly freshness: Freshness;
  readonly contentLength: number | undefined;
  readonly tags: readonly string[];
  readonly purgesCheckedAt: number;
  readonly softPurged: boolean;
  /** The entry has no body: it is in slices. */
  readonly slices: SlicedIdentity | undefined;
}

const SLICE: KeptHead = { kind: "slice" };
const NOTHING = Buffer.alloc(0);

export function encodeResponse(stored: StoredResponse): Buffer {
  const { status, section, selecting, freshness, contentLength, tags } = stored;
  const { purgesCheckedAt, softPurged, body } = stored;
  const slices = body instanceof SlicedBody ? body.source.identity : undefined;
  return Buffer.from(
    JSON.stringify({
      status,
      lines: section.text,
      selecting,
      freshness,
      contentLength,
      tags,
      purgesCheckedAt,
      softPurged,
      slices,
    }),
  );
}

export function encodeVaries(variance: Variance): Buffer {
  return Buffer.from(JSON.stringify({ varies: variance }));
}

export function encodeSlice(): Buffer {
  return NOTHING;
}

/** Of bytes whose checksum was right: their shape is what this program wrote, or an older one did. */
export function decodeHead(bytes: Buffer): KeptHead | undefined {
  if (bytes.length === 0) return SLICE;
  try {
    const kept = JSON.parse(bytes.toString()) as Written;
    if (kept.varies !== undefined) return { kind: "varies", variance: kept.varies };
    const { lines, ...head } = kept;
    return {
      kind: "response",
      head: {
        ...head,
        section: new FieldSection(lines),
        // JSON has no undefined: what was absent is absent.
        contentLength: head.contentLength,
        slices: head.slices,
      },
    };
  } catch {
    return undefined;
  }
}

interface Written extends Omit<ResponseHead, "section"> {
  readonly varies?: Variance;
  readonly lines: string;
}
