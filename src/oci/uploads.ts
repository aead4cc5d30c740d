import { digestIn } from "./blobs.ts";
import {
  answer,
  contentLength,
  contentOf,
  type Fields,
  field,
  placeOf,
  type RepositoryCall,
} from "./call.ts";
import { insufficientScope } from "./challenge.ts";
import { decideChunk, receivedRange } from "./chunk.ts";
import { type Algorithm, algorithmOf, type Digest, newHash, parseAlgorithm } from "./digest.ts";
import { parseName } from "./name.ts";
import { Refusal } from "./refusal.ts";
import { refusalOf } from "./refused-write.ts";
import { repositoryGrant } from "./scope.ts";
import type { MountSource } from "./store.ts";
import type { Upload, UploadFile } from "./upload.ts";
import { append, discard, finish, type UploadParts, unknownUpload } from "./upload-finish.ts";
import type { KeptHash } from "./upload-turns.ts";

/** POST: mounts, takes a blob at once, or begins an upload. */
export async function startUpload(parts: UploadParts, call: RepositoryCall): Promise<void> {
  const mounted = call.query.get("mount");
  if (mounted !== null && (await mountBlob(parts, call, digestIn(mounted)))) return;
  const digest = call.query.get("digest");
  if (digest === null) await beginUpload(parts, call);
  else await takeAtOnce(parts, call, digestIn(digest));
}

/** @returns false when there is nothing to mount: the client is to upload it */
async function mountBlob(
  { store, files }: UploadParts,
  call: RepositoryCall,
  digest: Digest,
): Promise<boolean> {
  const source = mountSource(call);
  if (source === undefined) return false;
  const mounted = await store.mountBlob(placeOf(call), digest, source);
  if (mounted.kind === "no-blob") return false;
  if (mounted.kind !== "mounted") throw refusalOf(mounted, call.name.registry);
  const sizeBytes = store.soundBlobSize(digest);
  if (sizeBytes === undefined || !(await files.isWhole(digest, sizeBytes))) {
    await store.markCorrupt(digest);
    return false;
  }
  answer(call, 201, {
    location: `/v2/${call.name.full}/blobs/${digest}`,
    "docker-content-digest": digest,
  });
  return true;
}

/**
 * Undefined: the caller may not read there, or it is no name.
 * @throws Refusal for a session that is not for the source but could be, as docker's registry has it
 */
function mountSource(call: RepositoryCall): MountSource | undefined {
  const { caller, query, name, request } = call;
  if (!caller.allows("pull")) return undefined;
  const from = query.get("from");
  if (from === null) return { kind: "any" };
  const parsed = parseName(from);
  if (parsed.kind !== "name") return undefined;
  const needed = repositoryGrant(from, ["pull"]);
  if (!caller.covers(needed)) {
    throw insufficientScope(request, [repositoryGrant(name.full, ["pull", "push"]), needed]);
  }
  return { kind: "repository", name: parsed.name };
}

async function beginUpload(parts: UploadParts, call: RepositoryCall): Promise<void> {
  const asked = call.query.get("digest-algorithm") ?? "sha256";
  const algorithm = parseAlgorithm(asked);
  if (algorithm === undefined) {
    throw new Refusal("UNSUPPORTED", "digest-algorithm is sha256 or sha512.", {
      status: 400,
      detail: { "digest-algorithm": asked.slice(0, 64) },
    });
  }
  const id = parts.newId();
  await parts.turns.run(
    id,
    () => undefined,
    () => create(parts, call, { id, algorithm, expectedBytes: 0 }),
  );
  answer(call, 202, sessionFields(call, id, 0));
}

/** The file first: a row whose file is missing would be an upload that cannot go on. */
async function create(
  { store, uploads }: UploadParts,
  call: RepositoryCall,
  upload: { readonly id: string; readonly algorithm: Algorithm; readonly expectedBytes: number },
): Promise<void> {
  await uploads.create(upload.id);
  const started = await store.startUpload(placeOf(call), upload);
  if (started.kind === "started") return;
  await uploads.remove(upload.id);
  if (started.kind === "too-many-uploads") {
    throw new Refusal("TOOMANYREQUESTS", "The account has too many uploads that never ended.", {
      fields: { "retry-after": "60" },
    });
  }
  throw refusalOf(started, call.name.registry);
}

async function takeAtOnce(parts: UploadParts, call: RepositoryCall, digest: Digest): Promise<void> {
  const id = parts.newId();
  const algorithm = algorithmOf(digest);
  const bytes = contentLength(call);
  using _slot = parts.streams.take(call.caller.accountId);
  await parts.turns.run(id, cutting(call), async (noteActivity) => {
    await create(parts, call, { id, algorithm, expectedBytes: bytes ?? 0 });
    const upload = { id, repositoryId: 0, algorithm };
    try {
      await using file = await opened(parts, id);
      const kept = newKeptHash(algorithm);
      await append(parts, contentOf(call), upload, file, { kept, bytes, noteActivity });
      await finish(parts, call, upload, file, digest);
    } catch (error) {
      // Nobody was told its id, so nobody can go on with it.
      await discard(parts, id);
      throw error;
    }
  });
}

/** PATCH: adds what comes. */
export async function addToUpload(
  parts: UploadParts,
  call: RepositoryCall,
  id: string,
): Promise<void> {
  await inTurn(parts, call, id, async (upload, file, noteActivity) => {
    await addContent(parts, call, upload, file, noteActivity);
    answer(call, 202, sessionFields(call, id, file.sizeBytes));
  });
}

/** PUT: adds what comes, if anything, and makes a blob of it all. */
export async function finishUpload(
  parts: UploadParts,
  call: RepositoryCall,
  id: string,
): Promise<void> {
  const digest = digestIn(call.query.get("digest") ?? "");
  await inTurn(parts, call, id, async (upload, file, noteActivity) => {
    await addContent(parts, call, upload, file, noteActivity);
    await finish(parts, call, upload, file, digest);
  });
}

/** GET: how much has come, once a connection that broke has left all that it brought. */
export async function uploadStatus(
  parts: UploadParts,
  call: RepositoryCall,
  id: string,
): Promise<void> {
  findUpload(parts, call, id);
  await parts.turns.settled(id);
  const sizeBytes = await parts.uploads.sizeBytes(id);
  if (sizeBytes === undefined) throw unknownUpload(id);
  answer(call, 204, sessionFields(call, id, sizeBytes));
}

/** DELETE: nothing of it is left. */
export async function cancelUpload(
  parts: UploadParts,
  call: RepositoryCall,
  id: string,
): Promise<void> {
  await inTurn(parts, call, id, async () => {
    await discard(parts, id);
    answer(call, 204, {});
  });
}

function findUpload({ store }: UploadParts, { caller, name }: RepositoryCall, id: string) {
  const repositoryId = store.findRepository(caller.accountId, name);
  const upload = repositoryId === undefined ? undefined : store.findUpload(repositoryId, id);
  if (upload === undefined) throw unknownUpload(id);
  return upload;
}

async function inTurn(
  parts: UploadParts,
  call: RepositoryCall,
  id: string,
  work: (upload: Upload, file: UploadFile, noteActivity: () => void) => Promise<void>,
): Promise<void> {
  findUpload(parts, call, id);
  using _slot = parts.streams.take(call.caller.accountId);
  await parts.turns.run(id, cutting(call), async (noteActivity) => {
    // Who was before may have ended it.
    const upload = findUpload(parts, call, id);
    await using file = await opened(parts, id);
    await work(upload, file, noteActivity);
  });
}

async function opened(parts: UploadParts, id: string): Promise<UploadFile> {
  const file = await parts.uploads.open(id);
  if (file !== undefined) return file;
  await discard(parts, id);
  throw unknownUpload(id);
}

async function addContent(
  parts: UploadParts,
  call: RepositoryCall,
  upload: Upload,
  file: UploadFile,
  noteActivity: () => void,
): Promise<void> {
  const { sizeBytes } = file;
  const chunk = decideChunk(field(call, "content-range"), contentLength(call), sizeBytes);
  if (chunk.kind === "malformed") throw new Refusal("BLOB_UPLOAD_INVALID", chunk.why);
  if (chunk.kind === "out-of-order") {
    const message = `The next chunk begins at ${sizeBytes}.`;
    const { location, range } = sessionFields(call, upload.id, sizeBytes);
    throw new Refusal("BLOB_UPLOAD_INVALID", message, { status: 416, fields: { location, range } });
  }
  const kept =
    parts.turns.takeHash(upload.id, sizeBytes) ??
    (sizeBytes === 0 ? newKeptHash(upload.algorithm) : undefined);
  const { bytes } = chunk;
  await append(parts, contentOf(call), upload, file, { kept, bytes, noteActivity });
}

function newKeptHash(algorithm: Algorithm): KeptHash {
  return { algorithm, hash: newHash(algorithm), sizeBytes: 0 };
}

/** What a request that has gone silent is ended by. */
function cutting({ request }: RepositoryCall): () => void {
  return () => {
    request.destroy();
  };
}

function sessionFields({ name }: RepositoryCall, id: string, sizeBytes: number) {
  return {
    location: `/v2/${name.full}/blobs/uploads/${id}`,
    range: receivedRange(sizeBytes),
    "docker-upload-uuid": id,
  } satisfies Fields;
}
