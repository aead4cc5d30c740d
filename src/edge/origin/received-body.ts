import type { BodyLength } from "../cache/storage-decision.ts";
import { ChunkedDecoder } from "../wire/http1/chunked.ts";
import { Input } from "../wire/http1/input.ts";

/** Who takes the octets of a body. */
export interface BodyTaker {
  /** Whether it takes more. */
  readonly isOpen: boolean;
  take(chunk: Buffer): void;
}

/** How far a body has come. */
export type BodyProgress =
  | { readonly kind: "more" }
  | {
      readonly kind: "end";
      /** Whether nothing has come behind it. */
      readonly isExact: boolean;
      readonly trailers: readonly string[];
    }
  | { readonly kind: "malformed"; readonly reason: string };

/** A read with more chunks than this has small ones: they are handed on as one. */
const JOINED_CHUNKS_MIN = 16;

const MORE: BodyProgress = { kind: "more" };
const EXACT_END: BodyProgress = { kind: "end", isExact: true, trailers: [] };
const EARLY_END: BodyProgress = { kind: "end", isExact: false, trailers: [] };

/** The body of one response as it comes (RFC 9112 §6.3). Of what it is given it keeps copies. */
export class ReceivedBody {
  #left: number;
  readonly #decoder: ChunkedDecoder | undefined;
  readonly #input: Input | undefined;

  constructor(length: BodyLength) {
    this.#left = typeof length === "number" ? length : Infinity;
    if (length !== "chunked") return;
    this.#decoder = new ChunkedDecoder();
    this.#input = new Input();
  }

  /** Whether it is whole once its connection ends. */
  get isDelimitedByClose(): boolean {
    return this.#left === Infinity && this.#decoder === undefined;
  }

  /** Hands on what is there of it, for as long as the taker takes it. */
  read(octets: Buffer, taker: BodyTaker): BodyProgress {
    if (this.#decoder !== undefined && this.#input !== undefined) {
      return readChunks(this.#decoder, this.#input, octets, taker);
    }
    const isExact = octets.length <= this.#left;
    const chunk = isExact ? octets : octets.subarray(0, this.#left);
    this.#left -= chunk.length;
    if (chunk.length > 0) taker.take(chunk);
    if (this.#left > 0) return MORE;
    return isExact ? EXACT_END : EARLY_END;
  }
}

function readChunks(
  decoder: ChunkedDecoder,
  input: Input,
  octets: Buffer,
  taker: BodyTaker,
): BodyProgress {
  input.borrow(octets);
  const chunks: Buffer[] = [];
  const decoded = decoder.decode(input.bytes, 0, (chunk) => void chunks.push(chunk));
  // Each chunk costs more than the octet that it may have: many of them are one.
  const parts = chunks.length > JOINED_CHUNKS_MIN ? [Buffer.concat(chunks)] : chunks;
  for (const part of parts) if (taker.isOpen) taker.take(part);
  if (decoded.kind === "malformed") return decoded;
  input.drop(decoded.at);
  input.own();
  if (decoded.kind === "more") return MORE;
  return { kind: "end", isExact: input.isEmpty, trailers: decoder.trailers };
}
