import assert from "node:assert/strict";
import type { FeedEntry } from "#feed/entry.ts";
import type { KeptPurge, SnapshotContent } from "#feed/message.ts";
import { unreachable } from "#unreachable.ts";
import { ChallengeDirectory } from "./challenges/challenge-directory.ts";
import { EndpointDirectory } from "./names.ts";
import { CertificateDirectory } from "./wire/tls/certificate-directory.ts";

/** The state of the feed in this worker: a snapshot, and every entry after it, in order. */
export class FeedFollower {
  readonly endpoints = new EndpointDirectory();
  readonly certificates = new CertificateDirectory();
  readonly challenges = new ChallengeDirectory();
  #number = 0;
  #snapshotPurges: KeptPurge[] = [];

  /** Everything up to and including this number is in force. */
  get number(): number {
    return this.#number;
  }

  /** One part of the snapshot, in any order. */
  load({ endpoints, purges, certificates, challenges }: SnapshotContent): void {
    for (const endpoint of endpoints) this.endpoints.put(endpoint);
    for (const certificate of certificates) this.certificates.put(certificate);
    for (const challenge of challenges) this.challenges.put(challenge);
    this.#snapshotPurges.push(...purges);
  }

  /** The snapshot is whole. */
  loaded(number: number): void {
    for (const kept of this.#snapshotPurges.toSorted((a, b) => a.number - b.number)) {
      const { pattern, ...purge } = kept;
      this.endpoints.purge({ ...purge, patterns: [pattern] });
    }
    this.#snapshotPurges = [];
    this.#number = number;
  }

  /** Brings entries into force at once; those that the snapshot had already are skipped. */
  apply(entries: readonly FeedEntry[]): void {
    for (const entry of entries) {
      if (entry.number <= this.#number) continue;
      this.#apply(entry);
      this.#number = entry.number;
    }
  }

  #apply(entry: FeedEntry): void {
    switch (entry.kind) {
      case "endpoint-put":
        return this.endpoints.put(entry.endpoint);
      case "endpoint-delete":
        return this.endpoints.delete(entry.id);
      case "purge":
        assert(entry.patterns.length > 0);
        return this.endpoints.purge(entry);
      case "certificate-put":
        return this.certificates.put(entry.certificate);
      case "certificate-delete":
        return this.certificates.delete(entry.id);
      case "challenge-put":
        return this.challenges.put(entry.challenge);
      case "challenge-delete":
        return this.challenges.delete(entry.id);
      default:
        return unreachable(entry);
    }
  }
}
