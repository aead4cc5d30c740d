import type { BlobParts } from "./blobs.ts";
import { answer, placeOf, type RepositoryCall } from "./call.ts";
import { algorithmOf, type Digest } from "./digest.ts";
import { digestOfFile, receive } from "./receive.ts";
import { Refusal } from "./refusal.ts";
import { refusalOf } from "./refused-write.ts";
import type { Streams } from "./streams.ts";
import type { Upload, UploadFile, UploadFiles } from "./upload.ts";
import type { KeptHash, UploadTurns } from "./upload-turns.ts";

export interface UploadParts extends BlobParts {
  readonly uploads: UploadFiles;
  readonly turns: UploadTurns;
  readonly streams: Streams;
  readonly newId: () => string;
}

/** What whoever comes back to an upload is told that is over, or was never there. */
export function unknownUpload(id: string): Refusal {
  const message =
    "There is no such upload: it has ended, was cancelled or has expired. Begin again.";
  return new Refusal("BLOB_UPLOAD_UNKNOWN", message, { detail: { upload: id.slice(0, 64) } });
}

/** The upload is over, and leaves nothing. */
export async function discard(
  { store, uploads, turns }: UploadParts,
  id: string,
): Promise<boolean> {
  const was = await store.cancelUpload(id);
  turns.takeHash(id, -1);
  await uploads.remove(id);
  return was;
}

/**
 * Adds content to an upload: `bytes` when it is known how many. What came of it before the
 * connection broke counts; what ended, but not where it should have, does not.
 */
export async function append(
  parts: UploadParts,
  content: AsyncIterable<Uint8Array>,
  { id }: Upload,
  file: UploadFile,
  state: {
    readonly kept: KeptHash | undefined;
    readonly bytes: number | undefined;
    readonly noteActivity: () => void;
  },
): Promise<void> {
  const begin = file.sizeBytes;
  const received = await receive(content, file, state.kept, state.noteActivity);
  if (received.bytes > 0) await parts.store.touchUpload(id);
  if (received.kind === "cut") {
    if (state.kept !== undefined) parts.turns.keepHash(id, state.kept);
    throw received.cause;
  }
  if (state.bytes !== undefined && received.bytes !== state.bytes) {
    await file.truncate(begin);
    const message = `The chunk should have ${state.bytes} bytes, and has ${received.bytes}.`;
    throw new Refusal("SIZE_INVALID", message);
  }
  if (state.kept !== undefined) parts.turns.keepHash(id, state.kept);
}

/** Makes a blob of an upload, if it is what its client says. */
export async function finish(
  parts: UploadParts,
  call: RepositoryCall,
  { id }: Upload,
  file: UploadFile,
  digest: Digest,
): Promise<void> {
  const { store, files, turns } = parts;
  const { sizeBytes } = file;
  const actual = await digestOfFile(file, algorithmOf(digest), turns.takeHash(id, sizeBytes));
  if (actual !== digest) {
    await discard(parts, id);
    throw new Refusal("DIGEST_INVALID", `What was uploaded is ${actual}: nothing of it is kept.`, {
      detail: { digest, actual, size: sizeBytes },
    });
  }
  const finished = await files.commit(
    id,
    digest,
    async () => {
      const value = await store.finishUpload(placeOf(call), id, { digest, sizeBytes });
      return { kept: value.kind === "finished", value };
    },
    () => store.hasBlobRow(digest),
  );
  if (finished.kind === "no-upload") throw unknownUpload(id);
  if (finished.kind === "refused") throw refusalOf(finished, call.name.registry);
  answer(call, 201, {
    location: `/v2/${call.name.full}/blobs/${digest}`,
    "docker-content-digest": digest,
  });
}
