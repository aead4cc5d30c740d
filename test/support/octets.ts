import { createCipheriv, hash } from "node:crypto";

const BLOCK_BYTES = 16;

/**
 * The octets of a body from `first` up to but not including `end`: a key stream, so that any part of
 * it can be had without the rest, and any two names differ everywhere.
 */
export function octetsOf(name: string, first: number, end: number): Buffer {
  const key = hash("sha256", name, "buffer").subarray(0, BLOCK_BYTES);
  const skipped = first % BLOCK_BYTES;
  const counter = Buffer.alloc(BLOCK_BYTES);
  counter.writeBigUInt64BE(BigInt((first - skipped) / BLOCK_BYTES), BLOCK_BYTES - 8);
  const stream = createCipheriv("aes-128-ctr", key, counter);
  return stream.update(Buffer.alloc(skipped + end - first)).subarray(skipped);
}
