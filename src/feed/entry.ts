/**
 * What the control plane tells the edges: one ordered, numbered log. A number is given once, in
 * the transaction that makes the change, and never goes back.
 */

/** Where an S3-compatible or plain HTTP store keeps a Space's objects. */
export interface UpstreamOrigin {
  /** Base URL with `{space}` and `{region}` already filled in; a key is appended to its path. */
  readonly url: string;
  /** SigV4 credentials. Travel over IPC only. */
  readonly credentials?: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly region: string;
  };
}

/** An endpoint as an edge needs it: names, lifetime, and where the bytes are. */
export interface EdgeEndpoint {
  readonly id: string;
  /** The Space's name and region: `static-images` and `nyc3`. Unique together. */
  readonly space: string;
  readonly region: string;
  /** The Spaces domain of the origin: `digitaloceanspaces.com`. */
  readonly domain: string;
  readonly customDomain?: string;
  /** Freshness lifetime in seconds of what the origin gives none. */
  readonly ttl: number;
  /** Absent: the Space is embedded, and the control plane's own origin server has its objects. */
  readonly upstream?: UpstreamOrigin;
}

export type FeedEntry =
  | { readonly number: number; readonly kind: "endpoint-put"; readonly endpoint: EdgeEndpoint }
  | { readonly number: number; readonly kind: "endpoint-delete"; readonly id: string }
  | {
      readonly number: number;
      readonly kind: "purge";
      readonly id: string;
      /** In canonical form (`cdn/purge-pattern.ts`). */
      readonly patterns: readonly string[];
    };
