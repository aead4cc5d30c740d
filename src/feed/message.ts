import type { UsageSnapshot } from "#usage/edge-counters.ts";
import type { LogFormat } from "#usage/log-line.ts";
import type { EdgeCertificate, EdgeChallenge, EdgeEndpoint, FeedEntry } from "./entry.ts";
import type { ExplainAnswer, ExplainQuery } from "./explained.ts";

/** A purge that something stored may still need: kept until a later purge of everything. */
export interface PurgeInForce {
  readonly number: number;
  /** As in a purge's `patterns`. */
  readonly pattern: string;
  /** As in a purge: absent is a hard one. */
  readonly soft?: boolean;
}

/** The same, and the endpoint that it is of. */
export interface KeptPurge extends PurgeInForce {
  readonly id: string;
}

/** Where an edge has something stored. */
export type StoredTier = "memory" | "disk";

/** Something that an edge has stored: all variants and pieces of a path together. */
export interface StoredEntry {
  /** With its query, in canonical form (`cdn/purge-pattern.ts`). */
  readonly path: string;
  readonly bytes: number;
  /** Octets of it that are there, where some of it is kept in slices. */
  readonly storedBytes?: number;
  /** The fastest of those that have it. */
  readonly tier: StoredTier;
}

/** A question for what an edge has stored. */
export interface StoredQuery {
  readonly endpointId: string;
  /** As in a purge. */
  readonly patterns: readonly string[];
  /** Paths that the answer may name. */
  readonly limit: number;
}

/** What one edge has found. */
export interface StoredAnswer {
  readonly entries: readonly StoredEntry[];
  /** There may be more. */
  readonly truncated: boolean;
  /** What the endpoint's purges have dropped is not found, whether it has gone by now or not. */
  readonly purges: readonly PurgeInForce[];
}

/** What all edges have found together. */
export interface StoredFound {
  /** In the order of their paths, each once. */
  readonly matches: readonly StoredEntry[];
  /** Paths that were found, those beyond the limit too. */
  readonly total: number;
  /** There may be more: a limit was reached, or an edge did not answer in time. */
  readonly truncated: boolean;
}

/** What an edge worker is started with. It travels over IPC: never argv, never the environment. */
export interface EdgeSettings {
  readonly host: string;
  readonly port: number;
  /** Other workers listen on the same port: SO_REUSEPORT, which not every system has. */
  readonly sharePort: boolean;
  /** HTTP/2 may begin on the plain port, from clients that know it (RFC 9113 §3.3). */
  readonly priorKnowledge: boolean;
  /** Absent: nothing over TLS. */
  readonly tls?: { readonly port: number };
  readonly memoryBytesMax: number;
  /** What responses are kept in beside memory, by all workers. Absent: nothing. */
  readonly disk?: { readonly folder: string };
  /** Names this installation in CDN-Loop (RFC 8586). */
  readonly loopToken: string;
  /** Hosts whose requests are handed to the control plane. Absent: there are none. */
  readonly platform?: readonly PlatformName[];
  /** The control plane's origin server for embedded Spaces, and the secret that it asks for. */
  readonly embedded: { readonly port: number; readonly secret: string };
  readonly logLevel: string;
  /** Absent: none is kept. */
  readonly accessLog?: EdgeAccessLog;
}

/** A name of the platform's own, and where its requests are handed over. */
export interface PlatformName {
  /** In lower case: `api.example.net`. */
  readonly name: string;
  /** On 127.0.0.1. */
  readonly port: number;
  /** Asked for there: nobody else on this machine says who a request is from. */
  readonly secret: string;
}

/** The access log, which all workers write to. */
export interface EdgeAccessLog {
  /** A file, or `-` for standard output. */
  readonly path: string;
  readonly format: LogFormat;
}

/** Where a worker listens for the others of its host. */
export interface SiblingAddress {
  /** Its place among them. */
  readonly slot: number;
  /** On 127.0.0.1. */
  readonly port: number;
}

/** What a snapshot is made of, some of it in each part. */
export interface SnapshotContent {
  readonly endpoints: readonly EdgeEndpoint[];
  readonly purges: readonly KeptPurge[];
  readonly certificates: readonly EdgeCertificate[];
  readonly challenges: readonly EdgeChallenge[];
}

/** Control plane → worker, in this order: start, snapshot parts, then entries as they come. */
export type ToWorker =
  | {
      readonly kind: "start";
      readonly settings: EdgeSettings;
      /** The worker's place among the others: below their number. */
      readonly slot: number;
      /** What workers know one another by. Absent: there is one worker. */
      readonly siblingSecret?: string;
    }
  /** All workers that listen: each time that one comes or goes. Answered by the same round. */
  | {
      readonly kind: "siblings";
      readonly round: number;
      readonly addresses: readonly SiblingAddress[];
    }
  /** The disk is too full, or is no more: nothing is written, or is again. */
  | { readonly kind: "disk-hold"; readonly held: boolean }
  /**
   * Session tickets are sealed under these 48 octets by all workers, so that a session that one has
   * begun goes on at another. The first comes before "serve"; each one ends those before it.
   */
  | { readonly kind: "ticket-keys"; readonly keys: Uint8Array }
  | ({ readonly kind: "snapshot" } & SnapshotContent)
  /** The snapshot is whole and is the state at `number`. */
  | { readonly kind: "snapshot-end"; readonly number: number }
  /** Every change whose reply did not wait for this worker has been sent: it may listen. */
  | { readonly kind: "serve" }
  | { readonly kind: "entries"; readonly entries: readonly FeedEntry[] }
  /** Answered by an acknowledgement: a worker that does not is stuck. */
  | { readonly kind: "ping" }
  /** Answered by what was counted so far. */
  | { readonly kind: "usage" }
  /** Answered by "stored", which has the same id. */
  | ({ readonly kind: "list-stored"; readonly id: number } & StoredQuery)
  /** Answered by "explained", which has the same id. */
  | ({ readonly kind: "explain"; readonly id: number } & ExplainQuery)
  /** Finish what is in flight within `graceMs`, then exit 0. */
  | { readonly kind: "stop"; readonly graceMs: number };

/** Worker → control plane. */
export type FromWorker =
  | { readonly kind: "loaded" }
  | {
      readonly kind: "listening";
      readonly port: number;
      readonly tlsPort?: number;
      readonly siblingPort?: number;
    }
  /** It knows its siblings as they were in this round. */
  | { readonly kind: "siblings"; readonly round: number }
  /** By how many bytes more, or less, it has the disk used. */
  | { readonly kind: "disk-grew"; readonly bytes: number }
  /** Everything up to and including `number` is in force in this worker. */
  | { readonly kind: "ack"; readonly number: number }
  | { readonly kind: "usage"; readonly usage: UsageSnapshot }
  | ({ readonly kind: "stored"; readonly id: number } & StoredAnswer)
  | ({ readonly kind: "explained"; readonly id: number } & ExplainAnswer)
  /** Cannot go on, and why: the port is taken. */
  | { readonly kind: "failed"; readonly message: string };
