import type {
  Certificate,
  CertificateEvent,
  CertificateState,
  IssuedWithKey,
} from "./certificate.ts";
import type { Failing } from "./failure.ts";
import type { Renewal } from "./renewal.ts";

/** An order at a CA that has begun: with it, the next attempt goes on where this one ended. */
export interface OpenOrder {
  /** The directory that it is at. */
  readonly issuer: string;
  readonly url: string;
  /** The new certificate's private key, sealed for `nextKeyPurpose(id)`. */
  readonly sealedKey: Uint8Array;
}

/** One that nobody goes on with. */
type AbandonedOrder = Omit<OpenOrder, "sealedKey">;

/** How far a managed certificate is. */
export interface JobProgress extends Failing {
  /** When it is looked at next; absent: not before somebody asks. */
  readonly dueAt?: number;
  /** Challenges that have failed: the next one is of another type. */
  readonly rotation: number;
  readonly order?: OpenOrder;
  readonly renewal?: Renewal;
}

export interface Job extends JobProgress {
  readonly certificate: Certificate;
}

/** What the key of an order is sealed for, until its certificate is there. */
export function nextKeyPurpose(id: string): string {
  return `certificate/${id}/next-key`;
}

/** What has happened, as it is noted in the certificate's story. */
export type Happened = Omit<CertificateEvent, "at">;

/**
 * Port: managed certificates that are worked on. Each write is one transaction, and says whether the
 * certificate is still there.
 */
export interface JobStore {
  /** The one that is due first is first. */
  due(now: number, limit: number): readonly Job[];
  /** When the next one is due; `undefined` when none is. */
  nextDue(): number | undefined;
  find(id: string): Job | undefined;
  /** Orders that were open when their certificate went, until they are forgotten. */
  abandoned(limit: number): readonly AbandonedOrder[];
  forget(url: string): Promise<void>;
  save(
    id: string,
    progress: JobProgress,
    more?: { readonly happened?: Happened; readonly state?: CertificateState },
  ): Promise<"saved" | "gone">;
  /**
   * Puts what was issued in the place of what was before, everywhere at once. The change's number,
   * where an edge has to know.
   */
  issued(
    id: string,
    issued: IssuedWithKey,
    progress: JobProgress,
    happened: Happened,
  ): Promise<{ readonly number?: number } | "gone">;
}
