import type { Admission } from "./admission.ts";
import type { StoredBlob } from "./blob.ts";
import type { WriteCondition } from "./conditions.ts";
import type { Algorithm, Digest } from "./digest.ts";
import type { Manifest, ManifestReference } from "./manifest.ts";
import type { Reference, RepositoryName } from "./name.ts";
import type { Upload } from "./upload.ts";

/** Who writes, and where: looked up again in the transaction, for it may have been deleted since. */
export interface Place {
  readonly accountId: number;
  readonly name: RepositoryName;
  /** What is brought or asked for is kept for this token's manifest. */
  readonly tokenId: string;
}

export interface StoredManifest {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly content: Uint8Array;
}

/** A manifest as a list of referrers shows it. */
export interface Referrer {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly sizeBytes: number;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

type Refused = Extract<Admission, { readonly kind: "refused" }>;
/** Its registry is not there, or another account's. */
type NoRegistry = { readonly kind: "no-registry" };

export type StartedUpload =
  | { readonly kind: "started" }
  | { readonly kind: "too-many-uploads" }
  | NoRegistry
  | Refused;

export type FinishedUpload =
  | { readonly kind: "finished" }
  /** It was cancelled, or its repository is gone. */
  | { readonly kind: "no-upload" }
  | Refused;

export type MountedBlob =
  | { readonly kind: "mounted" }
  /** The source has no such blob. */
  | { readonly kind: "no-blob" }
  | NoRegistry
  | Refused;

export interface PushedManifest {
  readonly digest: Digest;
  readonly content: Uint8Array;
  readonly manifest: Manifest;
  /** Tags that point at it from then on. */
  readonly tags: readonly string[];
  /** What the condition is about: as what it is pushed. */
  readonly reference: Reference;
  readonly condition: WriteCondition;
}

/** What is there is not what the client has asked for: this is. */
interface ConditionFailed {
  readonly kind: "condition-failed";
  readonly current: Digest | undefined;
}

export type PutManifest =
  | { readonly kind: "put" }
  /** What it refers to and the repository has not; the first few. */
  | { readonly kind: "missing"; readonly references: readonly ManifestReference[] }
  | ConditionFailed
  | NoRegistry
  | Refused;

export type DeletedReference =
  | { readonly kind: "deleted"; readonly digest: Digest }
  | { readonly kind: "no-manifest" }
  | ConditionFailed
  | Refused;

/** Names after one, in order, and whether there are more. */
export interface NamesPage {
  readonly names: readonly string[];
  readonly more: boolean;
}

/** Where a mount takes its blob from: a repository of the account, or any of them. */
export type MountSource =
  | { readonly kind: "repository"; readonly name: RepositoryName }
  | { readonly kind: "any" };

/** Port: what is to be read. Every acknowledged write is seen; absence is `undefined`. */
export interface ContentReads {
  hasRegistry(accountId: number, registry: string): boolean;
  /** A repository's id, if it is the account's. */
  findRepository(accountId: number, name: RepositoryName): number | undefined;
  findBlob(repositoryId: number, digest: Digest): StoredBlob | undefined;
  /** Whether a row has it, in whatever repository or in none. */
  hasBlobRow(digest: Digest): boolean;
  findManifest(repositoryId: number, reference: Reference): StoredManifest | undefined;
  findUpload(repositoryId: number, id: string): Upload | undefined;
  isUploadOpen(id: string): boolean;
  /** Without regard to case, as the specification has it; what differs only in case, by octets. */
  tags(repositoryId: number, after: string, limit: number): NamesPage;
  /** `<registry>/<repository>`, of an account. */
  repositories(accountId: number, after: string, limit: number): NamesPage;
  /** No tag has it, and nothing protects it until then: a collection may take it, unless an index has it. */
  isFreeManifest(repositoryId: number, digest: Digest, until: number): boolean;
  /** By digest. */
  referrers(
    repositoryId: number,
    subject: Digest,
    artifactType: string | undefined,
    after: string,
    limit: number,
  ): readonly Referrer[];
  /** For the scrub: undefined when no row has it, or it is known to be corrupt. */
  soundBlobSize(digest: Digest): number | undefined;
}

/** Port: what is to be written; durable, and all or nothing, when a promise resolves. */
interface ContentWrites {
  /** Makes the repository when it is the first. */
  startUpload(
    place: Place,
    upload: { readonly id: string; readonly algorithm: Algorithm; readonly expectedBytes: number },
  ): Promise<StartedUpload>;
  /** Something was added: it expires later. */
  touchUpload(id: string): Promise<void>;
  /** The upload is a blob of its repository from then on, and the row of the upload is gone. */
  finishUpload(
    place: Place,
    id: string,
    blob: { readonly digest: Digest; readonly sizeBytes: number },
  ): Promise<FinishedUpload>;
  /** @returns whether there was one */
  cancelUpload(id: string): Promise<boolean>;
  /** @returns the ids of those that nothing was added to since, whose rows are gone */
  expireUploads(before: number, limit: number): Promise<readonly string[]>;
  /** Keeps a blob for a manifest that is about to come. False: it is not there any more. */
  protectBlob(place: Place, digest: Digest, until: number): Promise<boolean>;
  mountBlob(place: Place, digest: Digest, source: MountSource): Promise<MountedBlob>;
  /** Takes it from a repository; its file stays for a collection. @returns whether it was there */
  deleteBlob(place: Place, digest: Digest): Promise<boolean>;
  /** Its file is not what it should be: it counts as absent until it is uploaded again. */
  markCorrupt(digest: Digest): Promise<void>;
  /** The same for a manifest, which an index is about to name. */
  protectManifest(place: Place, digest: Digest, until: number): Promise<boolean>;
  putManifest(place: Place, pushed: PushedManifest): Promise<PutManifest>;
  /** A tag alone; or a manifest with every tag of it. */
  deleteReference(
    place: Place,
    reference: Reference,
    condition?: WriteCondition,
  ): Promise<DeletedReference>;
}

export type ContentStore = ContentReads & ContentWrites;
