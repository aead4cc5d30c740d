import { crc32 } from "node:zlib";
import { SLICE_BYTES } from "../limits.ts";
import { ENTRY_HEAD_BYTES_MAX, ENTRY_KEY_BYTES_MAX } from "./limits.ts";

/**
 * An entry's file, all numbers big-endian:
 *
 *      0  "ATL1", whose digit is the version
 *      4  CRC-32 of all from 8 to the body
 *      8  length of the key
 *     12  length of the head
 *     16  length of the body
 *     20  CRC-32 of the body
 *     24  when it was written, in milliseconds since the epoch, as a double
 *     32  key (UTF-8), head, body; nothing after it
 *
 * Nothing is synced: a file that a power cut tore, or left empty, fails its checks and is a miss.
 * Another layout gets another version, and its files another folder.
 */
const MAGIC = 0x41_54_4c_31;
const CHECKSUM_AT = 4;
const CHECKED_FROM = 8;
const HEADER_BYTES = 32;

/** What the fixed part of a file says. */
export interface EntryLayout {
  readonly writtenAt: number;
  readonly keyBytes: number;
  readonly headBytes: number;
  readonly bodyBytes: number;
  readonly bodyChecksum: number;
}

/** Why a file is not the entry that it should be. */
export type EntryFault =
  | "truncated"
  | "unknown format"
  | "wrong lengths"
  | "wrong checksum of the head"
  | "wrong checksum of the body"
  | "another key"
  | "unreadable head";

/** Where the body begins. */
export function bodyAt({ keyBytes, headBytes }: EntryLayout): number {
  return HEADER_BYTES + keyBytes + headBytes;
}

/** Whether these can be an entry: a longer key or head is not kept on disk. */
export function fitsEntry(key: string, head: Buffer): boolean {
  return Buffer.byteLength(key) <= ENTRY_KEY_BYTES_MAX && head.byteLength <= ENTRY_HEAD_BYTES_MAX;
}

/** An entry's file in parts, of which the body's are those given. */
export function encodeEntry(
  key: string,
  head: Buffer,
  body: readonly Buffer[],
  writtenAt: number,
): Buffer[] {
  const keyBytes = Buffer.byteLength(key);
  const start = Buffer.allocUnsafe(HEADER_BYTES + keyBytes + head.length);
  let bodyBytes = 0;
  let bodyChecksum = 0;
  for (const part of body) {
    bodyBytes += part.length;
    bodyChecksum = crc32(part, bodyChecksum);
  }
  start.writeUInt32BE(MAGIC, 0);
  start.writeUInt32BE(keyBytes, 8);
  start.writeUInt32BE(head.length, 12);
  start.writeUInt32BE(bodyBytes, 16);
  start.writeUInt32BE(bodyChecksum, 20);
  start.writeDoubleBE(writtenAt, 24);
  start.write(key, HEADER_BYTES);
  head.copy(start, HEADER_BYTES + keyBytes);
  start.writeUInt32BE(crc32(start.subarray(CHECKED_FROM)), CHECKSUM_AT);
  return [start, ...body];
}

/** Reads the lengths, none of which is above its bound, and whose sum is the file's. */
export function readLayout(first: Buffer, fileBytes: number): EntryLayout | EntryFault {
  if (first.length < HEADER_BYTES) return "truncated";
  if (first.readUInt32BE(0) !== MAGIC) return "unknown format";
  const layout: EntryLayout = {
    keyBytes: first.readUInt32BE(8),
    headBytes: first.readUInt32BE(12),
    bodyBytes: first.readUInt32BE(16),
    bodyChecksum: first.readUInt32BE(20),
    writtenAt: first.readDoubleBE(24),
  };
  if (layout.keyBytes > ENTRY_KEY_BYTES_MAX) return "wrong lengths";
  if (layout.headBytes > ENTRY_HEAD_BYTES_MAX) return "wrong lengths";
  if (layout.bodyBytes > SLICE_BYTES) return "wrong lengths";
  const expectedBytes = bodyAt(layout) + layout.bodyBytes;
  if (fileBytes < expectedBytes) return "truncated";
  return fileBytes === expectedBytes ? layout : "wrong lengths";
}

/** Whether all before the body is as it was written. */
export function isStartWhole(start: Buffer): boolean {
  return crc32(start.subarray(CHECKED_FROM)) === start.readUInt32BE(CHECKSUM_AT);
}

/** Whether the body is as it was written. */
export function isBodyWhole(body: Buffer, { bodyChecksum }: EntryLayout): boolean {
  return crc32(body) === bodyChecksum;
}

export function keyOf(start: Buffer, { keyBytes }: EntryLayout): string {
  return start.toString("utf8", HEADER_BYTES, HEADER_BYTES + keyBytes);
}

/** A view of the head, as it was given to be written. */
export function headOf(start: Buffer, { keyBytes, headBytes }: EntryLayout): Buffer {
  const headAt = HEADER_BYTES + keyBytes;
  return start.subarray(headAt, headAt + headBytes);
}
