import type { Listed } from "#api/page.ts";
import type { Collection, CollectionStatus, CollectionType } from "./collection.ts";

export interface NewCollection {
  readonly uuid: string;
  readonly registryId: number;
  readonly type: CollectionType;
}

/** How far a collection is in one repository: what came before has been looked at. */
export interface Cursor {
  readonly repositoryId: number;
  /** A digest; empty: from the beginning. */
  readonly after: string;
}

/** What a step of a collection has found. */
export interface Step {
  /** Undefined: the registry is gone, and the collection with it. */
  readonly status: CollectionStatus | undefined;
  readonly removed: number;
  /** Where to go on; undefined: that was all of the repository. */
  readonly next: string | undefined;
}

/**
 * Port: garbage collections, and their work in small transactions. Each looks at every condition
 * itself: what was free a moment ago may have been used since.
 */
export interface CollectionStore {
  start(collection: NewCollection): Promise<Collection | "active" | "registry-missing">;
  /** The latest, ended or not. */
  latest(registryId: number): Collection | undefined;
  find(registryId: number, uuid: string): Collection | undefined;
  /** The latest first. */
  page(registryId: number, offset: number, limit: number): Listed<Collection>;
  /** Asks it to end; the collector sees it at its next step. */
  cancel(registryId: number, uuid: string): Promise<Collection | "ended" | "missing">;

  /** The longest waiting one that has not ended. */
  next(): Collection | undefined;
  /** Unless it is being cancelled, which only an end changes; with what it is now. */
  advance(uuid: string, status: CollectionStatus): Promise<CollectionStatus | undefined>;
  repositoriesOf(registryId: number): readonly number[];
  /** Looks at so many manifests, and removes those that nothing keeps. */
  removeManifests(uuid: string, cursor: Cursor, limit: number): Promise<Step>;
  /** Looks at so many blobs, and takes from the repository what none of its manifests needs. */
  removeBlobs(uuid: string, cursor: Cursor, limit: number): Promise<Step>;
  /** Takes some of what deleted repositories have left. @returns whether there may be more */
  shrinkDeleted(limit: number): Promise<boolean>;

  /** Digests that no repository had any more when they were noted, and whose files may be there. */
  orphans(limit: number): readonly string[];
  /** Forgets the blobs among them that no repository has. @returns those without a row now */
  forgetBlobs(digests: readonly string[]): Promise<readonly string[]>;
  /** Their files are as they should be. */
  settleOrphans(digests: readonly string[]): Promise<void>;
}
