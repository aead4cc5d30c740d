import { createHash } from "node:crypto";

/** Content that every driver can make for itself: octets that repeat after a prime number of them. */
const PERIOD = 251;
const PATTERN = Buffer.from(Array.from({ length: PERIOD }, (_, index) => (index * 7) % PERIOD));

export function contentOf(bytes: number): Buffer {
  return Buffer.alloc(bytes, PATTERN);
}

export function sha256(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}
