import type { Listed } from "#api/page.ts";

export interface Repository {
  readonly id: number;
  readonly name: string;
  readonly tagCount: number;
  readonly manifestCount: number;
}

export interface Tag {
  readonly name: string;
  readonly digest: string;
  /** Of the blobs that its manifest needs, each counted once. */
  readonly blobsBytes: number;
  readonly updatedAt: number;
}

export interface ManifestBlob {
  readonly digest: string;
  readonly sizeBytes: number;
}

export interface Manifest {
  readonly digest: string;
  /** What it needs, for an index what the manifests need that it names. */
  readonly blobs: readonly ManifestBlob[];
  readonly tags: readonly string[];
  readonly updatedAt: number;
}

export type DeletedContent =
  | { readonly kind: "deleted" }
  | { readonly kind: "missing" }
  /** The registry's settings say that this tag stays. */
  | { readonly kind: "immutable"; readonly tag: string };

/**
 * Port: what is to be read and deleted of registries' contents. Reads see every write that was
 * acknowledged; absence is `undefined` or false.
 */
export interface RepositoryStore {
  findRepository(registryId: number, name: string): Repository | undefined;
  /** In the order of their names. */
  pageOfRepositories(registryId: number, offset: number, limit: number): Listed<Repository>;
  pageOfTaggedRepositories(registryId: number, offset: number, limit: number): Listed<Repository>;
  /** Gone at once for whoever looks; what it held is removed in the background. */
  deleteRepository(registryId: number, name: string): Promise<boolean>;

  /** In the order of their names. */
  pageOfTags(repositoryId: number, offset: number, limit: number): Listed<Tag>;
  latestTag(repositoryId: number): Tag | undefined;
  deleteTag(repositoryId: number, name: string): Promise<DeletedContent>;
  /** The latest first. */
  pageOfManifests(repositoryId: number, offset: number, limit: number): Listed<Manifest>;
  latestManifest(repositoryId: number): Manifest | undefined;
  /** With its tags; blobs stay until a garbage collection. */
  deleteManifest(repositoryId: number, digest: string): Promise<DeletedContent>;
}
