import { type Algorithm, type Digest, digestOf, newHash } from "./digest.ts";
import { BLOB_BYTES_MAX, WRITE_BYTES } from "./limits.ts";
import { Refusal } from "./refusal.ts";
import type { UploadFile } from "./upload.ts";
import type { KeptHash } from "./upload-turns.ts";

/** How what has come was cut short, if it was. */
export type Received =
  | { readonly kind: "whole"; readonly bytes: number }
  /** The connection broke: what had come is in the file. */
  | { readonly kind: "cut"; readonly bytes: number; readonly cause: unknown };

/**
 * Appends content to an upload's file, hashed on the way where the hash of what is before is at hand,
 * and syncs it. Nothing is collected but
 * `WRITE_BYTES`: who sends faster than the disk writes has to wait.
 */
export async function receive(
  content: AsyncIterable<Uint8Array>,
  file: UploadFile,
  kept: KeptHash | undefined,
  noteActivity: () => void,
): Promise<Received> {
  const begin = file.sizeBytes;
  let pending: Uint8Array[] = [];
  let pendingBytes = 0;
  const flush = async (): Promise<void> => {
    if (pendingBytes === 0) return;
    await file.append(pending);
    if (kept !== undefined) {
      for (const chunk of pending) kept.hash.update(chunk);
      kept.sizeBytes = file.sizeBytes;
    }
    for (const chunk of pending) release(chunk);
    pending = [];
    pendingBytes = 0;
  };
  let cause: unknown;
  try {
    for await (const chunk of content) {
      noteActivity();
      pending.push(chunk);
      pendingBytes += chunk.byteLength;
      if (file.sizeBytes + pendingBytes > BLOB_BYTES_MAX) throw tooLarge();
      if (pendingBytes >= WRITE_BYTES) await flush();
    }
  } catch (error) {
    if (!isCut(error)) throw error;
    cause = error;
  }
  await flush();
  const bytes = file.sizeBytes - begin;
  if (bytes > 0) await file.sync();
  return cause === undefined ? { kind: "whole", bytes } : { kind: "cut", bytes, cause };
}

/**
 * Gives memory back now and not when it is collected: what 50 pushes leave in between would be more
 * than all the rest of the process. Only where nothing else can be in the same memory.
 */
function release({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}

function tooLarge(): Refusal {
  return new Refusal("SIZE_INVALID", `A blob has at most ${BLOB_BYTES_MAX} bytes.`, {
    status: 413,
  });
}

/** The client left, or was cut off because it came again on another connection. */
export function isCut(error: unknown): boolean {
  const { code = "" } = error as NodeJS.ErrnoException;
  return ["ECONNRESET", "ERR_STREAM_PREMATURE_CLOSE", "EPIPE", "ABORT_ERR"].includes(code);
}

/** The digest of a file: by the hash that was made on the way, or else by reading it. */
export async function digestOfFile(
  file: UploadFile,
  algorithm: Algorithm,
  kept: KeptHash | undefined,
): Promise<Digest> {
  if (kept?.algorithm === algorithm && kept.sizeBytes === file.sizeBytes) {
    return digestOf(algorithm, kept.hash);
  }
  const hash = newHash(algorithm);
  for await (const chunk of file.read()) hash.update(chunk);
  return digestOf(algorithm, hash);
}
