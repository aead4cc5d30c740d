import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { type Digest, digestOfBytes } from "#oci/digest.ts";
import { OCI_INDEX, parseManifest } from "#oci/manifest.ts";
import type { RepositoryName } from "#oci/name.ts";
import type { ContentStore, Place } from "#oci/store.ts";

export const OCI_IMAGE = "application/vnd.oci.image.manifest.v1+json";
const CONFIG = "application/vnd.oci.image.config.v1+json";
const LAYER = "application/vnd.oci.image.layer.v1.tar";

/** An image of texts, in the order that a client would push it. */
export interface TestImage {
  readonly config?: string;
  readonly layers?: readonly string[];
  readonly subject?: Digest;
  readonly tags?: readonly string[];
}

export function digestOf(text: string): Digest {
  return digestOfBytes("sha256", Buffer.from(text));
}

function descriptor(text: string, mediaType: string): object {
  return { mediaType, digest: digestOf(text), size: Buffer.byteLength(text) };
}

/** What its manifest says. */
export function manifestText({ config = "{}", layers = [], subject }: TestImage): string {
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: OCI_IMAGE,
    config: descriptor(config, CONFIG),
    layers: layers.map((layer) => descriptor(layer, LAYER)),
    ...(subject === undefined
      ? {}
      : { subject: { mediaType: OCI_IMAGE, digest: subject, size: 2 } }),
  });
}

export function indexText(manifests: readonly string[]): string {
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: OCI_INDEX,
    manifests: manifests.map((text) => descriptor(text, OCI_IMAGE)),
  });
}

export function placeOf(
  accountId: number,
  registry: string,
  repository: string,
  tokenId = "token",
): Place {
  const name: RepositoryName = { registry, repository, full: `${registry}/${repository}` };
  return { accountId, name, tokenId };
}

/** The rows of a blob, as a push leaves them. */
export async function pushBlob(content: ContentStore, place: Place, text: string): Promise<Digest> {
  const upload = { id: randomUUID(), algorithm: "sha256", expectedBytes: 0 } as const;
  const started = await content.startUpload(place, upload);
  assert.equal(started.kind, "started", JSON.stringify(started));
  const blob = { digest: digestOf(text), sizeBytes: Buffer.byteLength(text) };
  const finished = await content.finishUpload(place, upload.id, blob);
  assert.equal(finished.kind, "finished", JSON.stringify(finished));
  return blob.digest;
}

export async function pushManifest(
  content: ContentStore,
  place: Place,
  text: string,
  tags: readonly string[] = [],
): Promise<Digest> {
  const octets = Buffer.from(text);
  const parsed = parseManifest(octets, undefined);
  assert(parsed.kind === "manifest", JSON.stringify(parsed));
  const { manifest } = parsed;
  const digest = digestOf(text);
  const put = await content.putManifest(place, {
    digest,
    content: octets,
    manifest,
    tags,
    reference: { kind: "digest", digest },
    condition: {},
  });
  assert.equal(put.kind, "put", JSON.stringify(put));
  return digest;
}

/** Its blobs, then its manifest. */
export async function pushImage(
  content: ContentStore,
  place: Place,
  image: TestImage,
): Promise<Digest> {
  for (const blob of [image.config ?? "{}", ...(image.layers ?? [])]) {
    await pushBlob(content, place, blob);
  }
  return pushManifest(content, place, manifestText(image), image.tags);
}
