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

/** What the owner of an endpoint has settled for it beside its TTL. Absent members are off. */
export interface EndpointSettings {
  /** GET and HEAD in the clear are sent to https (308). */
  readonly httpsRedirect?: boolean;
  /** Strict-Transport-Security (RFC 6797) over TLS. */
  readonly hsts?: {
    readonly maxAgeSeconds: number;
    readonly includeSubdomains: boolean;
    readonly preload: boolean;
  };
  /** A key of the Space whose content stands in for the body of a 403, 404 or 5xx. */
  readonly errorPage?: string;
  /** br, zstd or gzip for types that become smaller by it. */
  readonly compression?: boolean;
  /** Which query parameters are in the cache key, and are forwarded. Absent: all, as they came. */
  readonly query?:
    | { readonly kind: "none" }
    | { readonly kind: "only"; readonly names: readonly string[] };
  /** Only URLs that one of these secrets has signed are answered. Travel over IPC only. */
  readonly signedUrls?: { readonly secrets: readonly string[] };
}

/** A rule of a Space for requests from other origins, as S3 has them. */
export interface CorsRule {
  readonly id?: string;
  /** With `*` once at most in each. */
  readonly allowedOrigins: readonly string[];
  readonly allowedMethods: readonly ("GET" | "HEAD" | "PUT" | "POST" | "DELETE")[];
  /** In lower case; with `*` once at most in each. */
  readonly allowedHeaders: readonly string[];
  readonly exposeHeaders: readonly string[];
  readonly maxAgeSeconds?: number;
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
  readonly settings?: EndpointSettings;
  /** Of the Space, in order. Absent: there are none, and the origin's own answers stand. */
  readonly cors?: readonly CorsRule[];
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

/** A CA's challenge as the workers answer it, until it is taken back. */
export type EdgeChallenge = {
  readonly id: string;
  /** The host name that is proved to be ours: in lower case, without a trailing dot. */
  readonly name: string;
} & (
  | { readonly kind: "http-01"; readonly token: string; readonly keyAuthorization: string }
  /** PEM. Travels over IPC only. */
  | { readonly kind: "tls-alpn-01"; readonly certPem: string; readonly keyPem: string }
);

export type FeedEntry =
  | { readonly number: number; readonly kind: "endpoint-put"; readonly endpoint: EdgeEndpoint }
  | { readonly number: number; readonly kind: "endpoint-delete"; readonly id: string }
  | {
      readonly number: number;
      readonly kind: "purge";
      readonly id: string;
      /** In canonical form (`cdn/purge-pattern.ts`), or `tag:` and a tag. */
      readonly patterns: readonly string[];
      /** What matches is stale from now on, and not gone. */
      readonly soft?: boolean;
    }
  | {
      readonly number: number;
      readonly kind: "certificate-put";
      readonly certificate: EdgeCertificate;
    }
  | { readonly number: number; readonly kind: "certificate-delete"; readonly id: string }
  | { readonly number: number; readonly kind: "challenge-put"; readonly challenge: EdgeChallenge }
  | { readonly number: number; readonly kind: "challenge-delete"; readonly id: string };
