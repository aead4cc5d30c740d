import type { EdgeEndpoint, FeedEntry } from "./entry.ts";

/** A purge that something stored may still need: kept until a later purge of everything. */
export interface KeptPurge {
  readonly number: number;
  readonly id: string;
  readonly pattern: string;
}

/** What an edge worker is started with. It travels over IPC: never argv, never the environment. */
export interface EdgeSettings {
  readonly host: string;
  readonly port: number;
  /** Other workers listen on the same port: SO_REUSEPORT, which not every system has. */
  readonly sharePort: boolean;
  readonly memoryBytesMax: number;
  /** The control plane's origin server for embedded Spaces, and the secret that it asks for. */
  readonly embedded: { readonly port: number; readonly secret: string };
  readonly logLevel: string;
}

/** Control plane → worker, in this order: start, snapshot parts, then entries as they come. */
export type ToWorker =
  | { readonly kind: "start"; readonly settings: EdgeSettings }
  | {
      readonly kind: "snapshot";
      readonly endpoints: readonly EdgeEndpoint[];
      readonly purges: readonly KeptPurge[];
    }
  /** The snapshot is whole and is the state at `number`. */
  | { readonly kind: "snapshot-end"; readonly number: number }
  /** Every change whose reply did not wait for this worker has been sent: it may listen. */
  | { readonly kind: "serve" }
  | { readonly kind: "entries"; readonly entries: readonly FeedEntry[] }
  /** Answered by an acknowledgement: a worker that does not is stuck. */
  | { readonly kind: "ping" }
  /** Finish what is in flight within `graceMs`, then exit 0. */
  | { readonly kind: "stop"; readonly graceMs: number };

/** Worker → control plane. */
export type FromWorker =
  | { readonly kind: "loaded" }
  | { readonly kind: "listening"; readonly port: number }
  /** Everything up to and including `number` is in force in this worker. */
  | { readonly kind: "ack"; readonly number: number }
  /** Cannot go on, and why: the port is taken. */
  | { readonly kind: "failed"; readonly message: string };
