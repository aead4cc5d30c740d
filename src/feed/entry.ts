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

export type EndpointRole = "space" | "proxy";

/** An endpoint as an edge needs it: names, lifetime, and where the bytes are. */
export interface EdgeEndpoint {
  readonly id: string;
  /** The Space's name and region: `static-images` and `nyc3`. Unique together. */
  readonly space: string;
  readonly region: string;
  /** The Spaces domain of the origin: `digitaloceanspaces.com`. */
  readonly domain: string;
  readonly customDomain?: string;
  /**
   * A Space's content, read by anyone; or whatever an origin does, for all who ask: `atoll edge`,
   * which answers on every Host, passes every method, and goes by RFC 9111 alone. Absent: a Space.
   */
  readonly role?: EndpointRole;
  /**
   * Freshness lifetime in seconds of what the origin gives none. Absent, for a proxy only: what RFC
   * 9111 §4.2.2 makes of Last-Modified.
   */
  readonly ttl?: number;
  /** Absent: the Space is embedded, and the control plane's own origin server has its objects. */
  readonly upstream?: UpstreamOrigin;
}

/**
 * Among a certificate's names: it is shown for every name that no other certificate has, and to who
 * names nobody, and is good for all of them. No certificate can have it by itself.
 */
export const EVERY_NAME = "(every name)";

/** A certificate as an edge serves it. Travels over IPC only: a private key is in it. */
export interface EdgeCertificate {
  /** The same for all its life: one that is renewed takes the place of the one before. */
  readonly id: string;
  /** Lower case: host names, wildcards as `*.nyc3.cdn.example.net`, or `EVERY_NAME`. */
  readonly names: readonly string[];
  /** PEM: the leaf, then what leads from it to its root. */
  readonly certPem: string;
  readonly keyPem: string;
  /** Milliseconds since the epoch: of two that cover a name, the one that lasts longer is shown. */
  readonly notAfter: number;
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
    }
  | {
      readonly number: number;
      readonly kind: "certificate-put";
      readonly certificate: EdgeCertificate;
    }
  | { readonly number: number; readonly kind: "certificate-delete"; readonly id: string };
