import type { Listed } from "#api/page.ts";

export type CertificateState = "pending" | "verified" | "error";

/** `lets_encrypt`, whoever the CA is: that is what the API calls those that Atoll obtains. */
export type CertificateType = "custom" | "lets_encrypt";

/** Whose certificates of the platform's own names are: no account has this id. */
export const PLATFORM_ACCOUNT = 0;

/** A certificate of an account: one id for all its life (CONTRACT §3). Its key is not in here. */
export interface Certificate {
  readonly id: string;
  readonly accountId: number;
  /** Unique among those of an account that have no `customDomain`. */
  readonly name: string;
  /** Obtained for the endpoint of this custom domain, or for this name of the platform's own. */
  readonly customDomain?: string;
  readonly type: CertificateType;
  /** Lower case: what it is for. Of a custom one, the leaf's. */
  readonly dnsNames: readonly string[];
  readonly state: CertificateState;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** Absent: none was issued yet. */
  readonly issued?: Issued;
}

/** What was issued last; edges serve it until the next one is live. Times in ms since the epoch. */
export interface Issued {
  /** `local`, or the URL of the CA's directory. Absent: its owner has brought it. */
  readonly issuer?: string;
  readonly notBefore: number;
  readonly notAfter: number;
  /** Of the leaf, 40 hexadecimal digits. */
  readonly sha1: string;
  /** PEM: the leaf, then what leads from it to its root. */
  readonly chain: string;
}

/** The same with its private key, sealed for `keyPurpose(id)`. */
export interface IssuedWithKey extends Issued {
  readonly sealedKey: Uint8Array;
}

type CertificateEventKind =
  | "created"
  | "ordered"
  | "challenge"
  | "issued"
  | "failed"
  | "given-up"
  | "retry"
  | "window";

/** A page of a certificate's story. */
export interface CertificateEvent {
  readonly kind: CertificateEventKind;
  /** A sentence; the CA's own words where it has some. */
  readonly message: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** Which of an account's certificates a list has. */
export interface CertificateFilter {
  /** Exactly; absent: any. */
  readonly name?: string;
  /** Those too that were obtained for endpoints. */
  readonly automatic?: boolean;
}

/** What is counted of all accounts' certificates. */
export interface CertificateCounts {
  readonly states: Readonly<Record<CertificateState, number>>;
  /** Of those that are verified, when the first one ends; absent without any. */
  readonly soonestEnd?: number;
}

/**
 * Port: the accounts' certificates. What an endpoint's custom domain needs is told to the edges in
 * the transaction that changes it; a returned number has been handed to them.
 */
export interface CertificateStore {
  /** A managed one, which has nothing issued yet, is due at once. */
  create(
    certificate: Certificate,
    sealedKey?: Uint8Array,
  ): Promise<"created" | "name-taken" | "too-many">;
  /**
   * Makes sure that of the platform's own names these have certificates that are obtained, each one
   * of its own, and no others have. The change's number, where an edge has to know.
   */
  setOwn(names: readonly string[]): Promise<{ readonly number?: number }>;
  /** The platform's own names that have certificates so, and whether one was issued. */
  own(): readonly { readonly name: string; readonly isIssued: boolean }[];
  /** One that an endpoint needs stays. */
  delete(accountId: number, id: string): Promise<"deleted" | "missing" | "in-use">;
  find(accountId: number, id: string): Certificate | undefined;
  /** In order of creation. */
  page(
    accountId: number,
    filter: CertificateFilter,
    offset: number,
    limit: number,
  ): Listed<Certificate>;
  /** The latest of its story, in order. */
  events(id: string): readonly CertificateEvent[];
  counts(): CertificateCounts;
}
