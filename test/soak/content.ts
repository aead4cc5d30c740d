import { createCipheriv, hash } from "node:crypto";

/** What the origin has under a path: any two paths differ in their octets. */
export interface Content {
  readonly bytes: Buffer;
  readonly etag: string;
}

const POOL_BYTES = 16 * 1024 * 1024;
/** The largest thing that there is. */
const CONTENT_BYTES_MAX = 8 * 1024 * 1024;
const KEY = Buffer.alloc(16, "soak");

/** Octets that look like noise and are the same in every run: a key stream. */
const pool = createCipheriv("aes-128-ctr", KEY, Buffer.alloc(16)).update(Buffer.alloc(POOL_BYTES));

/** Of a path that ends in its length in octets: `/hit/7-10240`. */
export function contentOf(path: string): Content {
  const length = Number(/-(\d+)$/.exec(path)?.[1] ?? 0);
  const digest = hash("sha256", path, "buffer");
  const start = digest.readUInt32BE(0) % (POOL_BYTES - CONTENT_BYTES_MAX);
  return { bytes: noise(start, length), etag: `"${digest.toString("hex", 4, 12)}"` };
}

/** A stretch of the pool. */
export function noise(start: number, length: number): Buffer {
  return pool.subarray(start, start + length);
}

export function sha256(bytes: Uint8Array): string {
  return hash("sha256", bytes);
}
