/**
 * Port: whether a write into a registry may be, by what its account has paid for and by what its
 * owner has settled. The facts are read in the transaction that writes, so that two pushes at once
 * cannot both be the last that fits; the decision itself is a pure function of them.
 */
export type Admit = (facts: AdmissionFacts) => Admission;

export interface AdmissionFacts {
  /** The account's tier; undefined: it has not chosen one. */
  readonly tier: string | undefined;
  /** The registry's settings: its column of JSON. */
  readonly settings: string | undefined;
  /** Those that the registry has, where this write would make one more. */
  readonly repositories: number;
  readonly isNewRepository: boolean;
  /** What the repository has. */
  readonly tags: number;
  readonly manifests: number;
  /** What the registry's blobs take, each counted once. */
  readonly storageBytes: number;
  /** What this write adds, as far as that is known yet. */
  readonly addedBytes: number;
  readonly addedTags: number;
  readonly addedManifests: number;
  /** Tags that are there, and that this write would point at something else, or delete. */
  readonly changedTags: readonly string[];
}

type RefusalReason =
  | "repository-limit"
  | "storage-limit"
  | "tag-limit"
  | "manifest-limit"
  | "immutable-tag";

export type Admission =
  | { readonly kind: "admitted" }
  | {
      readonly kind: "refused";
      readonly reason: RefusalReason;
      /** For the person at the client's terminal: what is wrong first, then what to do. */
      readonly message: string;
    };
