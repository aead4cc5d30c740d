import assert from "node:assert/strict";
import type { Clock } from "#clock.ts";
import { digestIn, IMMUTABLE } from "./blobs.ts";
import {
  answer,
  answerWith,
  type Fields,
  field,
  placeOf,
  type RepositoryCall,
  readContent,
} from "./call.ts";
import { conditionFailed, etagOf, isUnchanged, writeCondition } from "./conditions.ts";
import { type Algorithm, algorithmOf, type Digest, digestOfBytes } from "./digest.ts";
import {
  MANIFEST_BYTES_MAX,
  PROTECTION_LEFT_MS,
  PROTECTION_MS,
  PUSHED_TAGS_MAX,
} from "./limits.ts";
import { type ManifestReference, parseManifest } from "./manifest.ts";
import { isTag, parseReference, type Reference } from "./name.ts";
import { Refusal } from "./refusal.ts";
import { refusalOf } from "./refused-write.ts";
import { repositoryGrant } from "./scope.ts";
import type { ContentStore } from "./store.ts";

function unknownManifest(reference: string): Refusal {
  const message = "The repository has no such manifest or tag.";
  return new Refusal("MANIFEST_UNKNOWN", message, {
    detail: { reference: reference.slice(0, 200) },
  });
}

/** A tag that can be none is one that is not there; a digest that is none is a mistake. */
function referenceIn(text: string): Reference {
  const reference = parseReference(text);
  if (reference !== undefined) return reference;
  if (text.includes(":")) return { kind: "digest", digest: digestIn(text) };
  throw unknownManifest(text);
}

/**
 * "It is there": who means to name it in an index does not push it again, so what nothing else keeps
 * stays for a while. Only a digest says so for certain, and only to who may push.
 */
export async function headManifest(
  { store, clock }: { readonly store: ContentStore; readonly clock: Clock },
  call: RepositoryCall,
  text: string,
): Promise<void> {
  const reference = parseReference(text);
  const push = repositoryGrant(call.name.full, ["push"]);
  if (reference?.kind === "digest" && call.caller.allows("push") && call.caller.covers(push)) {
    const { digest } = reference;
    const now = clock.now();
    const repositoryId = store.findRepository(call.caller.accountId, call.name);
    if (
      repositoryId !== undefined &&
      store.isFreeManifest(repositoryId, digest, now + PROTECTION_LEFT_MS)
    ) {
      await store.protectManifest(placeOf(call), digest, now + PROTECTION_MS);
    }
  }
  getManifest(store, call, text);
}

/** GET and HEAD: the exact octets that were pushed, whatever Accept says. */
export function getManifest(store: ContentStore, call: RepositoryCall, text: string): void {
  const reference = referenceIn(text);
  const repositoryId = store.findRepository(call.caller.accountId, call.name);
  const manifest =
    repositoryId === undefined ? undefined : store.findManifest(repositoryId, reference);
  if (manifest === undefined) throw unknownManifest(text);
  const fields: Fields = {
    // A tag may point at something else a moment later.
    "cache-control": reference.kind === "digest" ? IMMUTABLE : "private, no-cache",
    "content-type": manifest.mediaType,
    "docker-content-digest": manifest.digest,
    etag: etagOf(manifest.digest),
  };
  if (isUnchanged(call, manifest.digest, "MANIFEST_UNKNOWN")) {
    call.response.writeHead(304, { ...fields }).end();
  } else answerWith(call, 200, fields, manifest.content);
}

/** PUT: by a tag, or by its digest. All that it refers to has to be there. @throws Refusal */
export async function putManifest(
  store: ContentStore,
  call: RepositoryCall,
  text: string,
): Promise<void> {
  const target = pushTarget(call, text);
  const content = await readContent(call, MANIFEST_BYTES_MAX, "A manifest");
  const digest = digestOfBytes(target.algorithm, content);
  if (target.digest !== undefined && target.digest !== digest) {
    throw new Refusal("DIGEST_INVALID", `The manifest is ${digest}, not what it is pushed as.`, {
      detail: { digest: target.digest, actual: digest },
    });
  }
  const parsed = parseManifest(content, field(call, "content-type"));
  if (parsed.kind === "invalid") {
    throw new Refusal("MANIFEST_INVALID", `The manifest cannot be taken: ${parsed.why}.`);
  }
  const { manifest } = parsed;
  const { tags, reference } = target;
  const condition = writeCondition(call);
  const pushed = { digest, content, manifest, tags, reference, condition };
  const put = await store.putManifest(placeOf(call), pushed);
  if (put.kind === "missing") throw missingReferences(put.references);
  if (put.kind === "condition-failed") throw conditionFailed("DENIED", put.current);
  if (put.kind !== "put") throw refusalOf(put, call.name.registry);
  answer(call, 201, {
    location: `/v2/${call.name.full}/manifests/${digest}`,
    "docker-content-digest": digest,
    // Distribution specification, "Pushing manifests with subject": it will be listed.
    ...(manifest.subject === undefined ? {} : { "oci-subject": manifest.subject }),
    ...(target.asked.length === 0 ? {} : { "oci-tag": target.asked }),
  });
}

/** As what a manifest is pushed. */
interface PushTarget {
  /** What the path names. */
  readonly reference: Reference;
  readonly tags: readonly string[];
  /** Of those, the ones of the query: the answer names them. */
  readonly asked: string[];
  readonly algorithm: Algorithm;
  readonly digest: Digest | undefined;
}

/** By a tag, or by digest with any number of tags: `…/manifests/<digest>?tag=a&tag=b`. */
function pushTarget({ query }: RepositoryCall, text: string): PushTarget {
  const asked = [...new Set(query.getAll("tag"))];
  if (asked.length > PUSHED_TAGS_MAX) {
    const message = `One push sets at most ${PUSHED_TAGS_MAX} tags.`;
    throw new Refusal("TAG_INVALID", message, { status: 414 });
  }
  const pushed = text.includes(":") ? digestIn(text) : undefined;
  const stated = query.get("digest");
  const digest = pushed ?? (stated === null ? undefined : digestIn(stated));
  const tags = [...new Set(pushed === undefined ? [text, ...asked] : asked)];
  for (const tag of tags) if (!isTag(tag)) throw invalidTag(tag);
  const reference: Reference =
    pushed === undefined ? { kind: "tag", tag: text } : { kind: "digest", digest: pushed };
  const algorithm = digest === undefined ? "sha256" : algorithmOf(digest);
  return { reference, tags, asked, algorithm, digest };
}

function invalidTag(tag: string): Refusal {
  const message =
    "A tag has 1 to 128 letters, digits, underscores, dots and dashes, and begins with neither of " +
    "the last two.";
  return new Refusal("TAG_INVALID", message, { detail: { tag: tag.slice(0, 200) } });
}

/**
 * Every one is named: a client can push them all and try again. Distribution specification, "Error
 * codes": the same code for manifests, too, and an error of its own for each.
 */
function missingReferences(references: readonly ManifestReference[]): Refusal {
  const [first, ...further] = references.map(({ kind, digest }) => ({
    message: `The repository has no ${kind} ${digest}: push it first.`,
    detail: { digest },
  }));
  assert(first !== undefined);
  return new Refusal("MANIFEST_BLOB_UNKNOWN", first.message, { detail: first.detail, further });
}

/** A tag goes alone; a manifest goes with all its tags. Its blobs stay until a collection. */
export async function deleteManifest(
  store: ContentStore,
  call: RepositoryCall,
  text: string,
): Promise<void> {
  const reference = referenceIn(text);
  const deleted = await store.deleteReference(placeOf(call), reference, writeCondition(call));
  if (deleted.kind === "no-manifest") throw unknownManifest(text);
  if (deleted.kind === "condition-failed") throw conditionFailed("DENIED", deleted.current);
  if (deleted.kind === "refused") throw refusalOf(deleted, call.name.registry);
  answer(call, 202, { "docker-content-digest": deleted.digest });
}
