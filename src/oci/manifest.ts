import { z } from "zod";
import { type Descriptor, ManifestMembers } from "./descriptor.ts";
import type { Digest } from "./digest.ts";
import { MANIFEST_REFERENCES_MAX } from "./limits.ts";

const OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
export const OCI_INDEX = "application/vnd.oci.image.index.v1+json";
const DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json";

const IMAGES: ReadonlySet<string> = new Set([OCI_MANIFEST, DOCKER_MANIFEST]);
const INDEXES: ReadonlySet<string> = new Set([OCI_INDEX, DOCKER_LIST]);

/** Docker's first format: signed, with no digests of its layers' content. */
const SCHEMA1 = /^application\/vnd\.docker\.distribution\.manifest\.v1\+/;

/** Layers that their owner forbids to pass on: registries need not have them. */
const NONDISTRIBUTABLE = /\.(?:foreign\.diff|nondistributable)\./;

/** RFC 6838 §4.2. It is sent back as it came, so it must be one. */
const MEDIA_TYPE = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,126}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}$/i;

/** Something that a manifest cannot do without. */
export interface ManifestReference {
  readonly kind: "blob" | "manifest";
  readonly digest: Digest;
  /** As the manifest says. */
  readonly sizeBytes: number;
}

/** What the registry knows of a manifest besides its octets. */
export interface Manifest {
  readonly mediaType: string;
  /** As a list of referrers shows it. */
  readonly artifactType?: string;
  readonly subject?: Digest;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Each digest once for each kind. */
  readonly references: readonly ManifestReference[];
}

export type ParsedManifest =
  | { readonly kind: "manifest"; readonly manifest: Manifest }
  | { readonly kind: "invalid"; readonly why: string };

type Members = z.output<typeof ManifestMembers>;

function invalid(why: string): ParsedManifest {
  return { kind: "invalid", why };
}

/** @param contentType the field of the request that brought it; its parameters mean nothing */
export function parseManifest(octets: Uint8Array, contentType: string | undefined): ParsedManifest {
  const stated = contentType?.split(";", 1)[0]?.trim().toLowerCase();
  const value = jsonOf(octets);
  if (value === undefined) return invalid("it is not JSON in UTF-8");
  const parsed = ManifestMembers.safeParse(value);
  if (!parsed.success) return invalid(firstIssue(parsed.error));
  const members = parsed.data;
  if (stated !== undefined && members.mediaType !== undefined && stated !== members.mediaType) {
    return invalid(`its Content-Type is ${stated}, but its mediaType is ${members.mediaType}`);
  }
  const mediaType = stated ?? members.mediaType;
  if (mediaType === undefined || !MEDIA_TYPE.test(mediaType)) {
    return invalid("neither Content-Type nor mediaType says what it is, as type/subtype");
  }
  const mistake = mistakeOf(mediaType, members);
  if (mistake !== undefined) return invalid(mistake);
  const references = referencesOf(members);
  if (references.length > MANIFEST_REFERENCES_MAX) {
    return invalid(`it refers to more than ${MANIFEST_REFERENCES_MAX} blobs and manifests`);
  }
  const artifactType = artifactTypeOf(members);
  return {
    kind: "manifest",
    manifest: {
      mediaType,
      ...(artifactType === undefined ? {} : { artifactType }),
      ...(members.subject ? { subject: members.subject.digest } : {}),
      ...(members.annotations ? { annotations: members.annotations } : {}),
      references,
    },
  };
}

function jsonOf(octets: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(octets));
  } catch {
    return undefined;
  }
}

function firstIssue(error: z.ZodError): string {
  const [issue] = error.issues;
  const path = z.core.toDotPath(issue?.path ?? []);
  return path === "" ? "it is no JSON object" : `${path}: ${issue?.message}`;
}

/**
 * A manifest says one thing whatever it is taken for: one that is an image and an index at once
 * would be two things to two clients (CVE-2021-41190).
 */
function mistakeOf(mediaType: string, members: Members): string | undefined {
  if (SCHEMA1.test(mediaType) || members.schemaVersion === 1) {
    return "manifests of Docker's schema 1 are not taken; push with a client of 2017 or later";
  }
  const isImage = IMAGES.has(mediaType);
  const isIndex = INDEXES.has(mediaType);
  if ((isImage || isIndex) && members.schemaVersion !== 2) return "its schemaVersion is not 2";
  if (isImage && !members.config) return "an image manifest has a config";
  if (isImage && members["manifests"].length > 0) return "an image manifest has no manifests";
  if (isIndex && (members.config || members.layers.length > 0)) {
    return "an index has neither config nor layers";
  }
  return undefined;
}

/** Distribution specification, "Listing referrers": an image without one has its config's type. */
function artifactTypeOf({ artifactType, config }: Members): string | undefined {
  if (artifactType !== undefined && artifactType !== "") return artifactType;
  return config?.mediaType;
}

function referencesOf(members: Members): ManifestReference[] {
  const blobs = [...(members.config ? [members.config] : []), ...members.layers, ...members.blobs];
  return [
    ...distinct(
      "blob",
      blobs.filter((blob) => !isElsewhere(blob)),
    ),
    ...distinct("manifest", members.manifests),
  ];
}

function isElsewhere({ mediaType, urls }: Descriptor): boolean {
  return (urls ?? []).length > 0 || NONDISTRIBUTABLE.test(mediaType ?? "");
}

function distinct(
  kind: ManifestReference["kind"],
  descriptors: readonly Descriptor[],
): ManifestReference[] {
  const sizes = new Map(descriptors.map(({ digest, size }) => [digest, size]));
  return [...sizes].map(([digest, sizeBytes]) => ({ kind, digest, sizeBytes }));
}
