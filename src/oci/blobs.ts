import type { Clock } from "#clock.ts";
import { contentRange } from "#http/content-range.ts";
import { effectiveRange } from "#http/precondition.ts";
import { selectRange } from "#http/range.ts";
import type { BlobFiles, StoredBlob } from "./blob.ts";
import { answer, field, placeOf, type RepositoryCall } from "./call.ts";
import { etagOf, isUnchanged, validatorsOf } from "./conditions.ts";
import { type Digest, parseDigest } from "./digest.ts";
import { PROTECTION_LEFT_MS, PROTECTION_MS } from "./limits.ts";
import { Refusal } from "./refusal.ts";
import { send } from "./send.ts";
import type { ContentStore } from "./store.ts";

export interface BlobParts {
  readonly store: ContentStore;
  readonly files: BlobFiles;
  readonly clock: Clock;
}

/** Content under its digest never changes; who may not read it must not get it from a shared cache. */
export const IMMUTABLE = "private, max-age=31536000, immutable";

/** @throws Refusal for what is no digest */
export function digestIn(text: string): Digest {
  const digest = parseDigest(text);
  if (digest !== undefined) return digest;
  throw new Refusal(
    "DIGEST_INVALID",
    "A digest is sha256: and 64, or sha512: and 128, hexadecimal digits in lower case.",
    { detail: { digest: text.slice(0, 200) } },
  );
}

function unknownBlob(digest: Digest, why = "The repository has no such blob."): Refusal {
  return new Refusal("BLOB_UNKNOWN", why, { detail: { digest } });
}

function findBlob(
  { store }: BlobParts,
  { caller, name }: RepositoryCall,
  digest: Digest,
): StoredBlob {
  const repositoryId = store.findRepository(caller.accountId, name);
  const blob = repositoryId === undefined ? undefined : store.findBlob(repositoryId, digest);
  if (blob === undefined) throw unknownBlob(digest);
  return blob;
}

/** What is not as long as it was is as good as gone, and whoever pushes it again repairs it. */
async function refuseCorrupt({ store }: BlobParts, digest: Digest): Promise<never> {
  await store.markCorrupt(digest);
  throw unknownBlob(digest, "The blob is damaged on the registry's disk: push it again.");
}

function fieldsOf(digest: Digest): Record<string, string> {
  return {
    "accept-ranges": "bytes",
    "cache-control": IMMUTABLE,
    "content-type": "application/octet-stream",
    "docker-content-digest": digest,
    etag: etagOf(digest),
  };
}

/** "It is there": a client that is told so does not upload it, so it must stay for a while. */
export async function headBlob(
  parts: BlobParts,
  call: RepositoryCall,
  digest: Digest,
): Promise<void> {
  const blob = findBlob(parts, call, digest);
  if (!(await parts.files.isWhole(digest, blob.sizeBytes))) await refuseCorrupt(parts, digest);
  const now = parts.clock.now();
  const isOurs = blob.protectedFor === call.caller.tokenId || blob.protectedFor === "*";
  if (!isOurs || blob.protectedUntil < now + PROTECTION_LEFT_MS) {
    const place = placeOf(call);
    const isThere = await parts.store.protectBlob(place, digest, now + PROTECTION_MS);
    if (!isThere) throw unknownBlob(digest);
  }
  if (isUnchanged(call, digest, "BLOB_UNKNOWN")) answerUnchanged(call, digest);
  else answer(call, 200, { ...fieldsOf(digest), "content-length": blob.sizeBytes });
}

/** GET: the octets, or a range of them (RFC 9110 §14). */
export async function getBlob(
  parts: BlobParts,
  call: RepositoryCall,
  digest: Digest,
): Promise<void> {
  const { sizeBytes } = findBlob(parts, call, digest);
  await using file =
    (await parts.files.open(digest, sizeBytes)) ?? (await refuseCorrupt(parts, digest));
  if (isUnchanged(call, digest, "BLOB_UNKNOWN")) {
    answerUnchanged(call, digest);
    return;
  }
  const asked = (name: string): string | undefined => field(call, name);
  const range = effectiveRange("GET", asked, validatorsOf(digest), parts.clock.now());
  const selected = selectRange(range, sizeBytes);
  if (selected.kind === "unsatisfiable") {
    throw new Refusal("RANGE_INVALID", `The blob has ${sizeBytes} bytes.`, {
      fields: { "content-range": `bytes */${sizeBytes}` },
    });
  }
  const isPart = selected.kind === "range";
  const { first, last } = isPart ? selected : { first: 0, last: sizeBytes - 1 };
  call.response.writeHead(isPart ? 206 : 200, {
    ...fieldsOf(digest),
    "content-length": last - first + 1,
    ...(isPart ? { "content-range": contentRange(first, last, sizeBytes) } : {}),
  });
  await send(call.response, file, first, last);
}

/** RFC 9110 §15.4.5. */
function answerUnchanged({ response }: RepositoryCall, digest: Digest): void {
  response.writeHead(304, fieldsOf(digest)).end();
}

/** DELETE: from this repository; its file stays until a collection. */
export async function deleteBlob(
  { store }: BlobParts,
  call: RepositoryCall,
  digest: Digest,
): Promise<void> {
  if (!(await store.deleteBlob(placeOf(call), digest))) throw unknownBlob(digest);
  answer(call, 202, { "docker-content-digest": digest });
}
