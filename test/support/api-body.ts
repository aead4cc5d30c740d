/** A CDN endpoint, as the API shows it. */
export interface Endpoint {
  readonly id: string;
  readonly origin: string;
  readonly endpoint: string;
  readonly created_at: string;
  readonly ttl: number;
  readonly certificate_id?: string;
  readonly custom_domain?: string;
}

/** A certificate, as the API shows it. */
interface Certificate {
  readonly id: string;
  readonly name: string;
  readonly not_after?: string;
  readonly sha1_fingerprint?: string;
  readonly created_at: string;
  readonly dns_names: readonly string[];
  readonly state: string;
  readonly type: string;
}

/** A registry, as the API shows it. */
export interface Registry {
  readonly name: string;
  readonly region: string;
  readonly created_at: string;
  readonly storage_usage_bytes: number;
  readonly storage_usage_bytes_updated_at: string;
  readonly subscription?: Subscription;
}

interface Subscription {
  readonly tier: Readonly<Record<string, unknown>> & { readonly slug: string };
  readonly created_at: string;
  readonly updated_at: string;
}

interface Tag {
  readonly registry_name: string;
  readonly repository: string;
  readonly tag: string;
  readonly manifest_digest: string;
  readonly compressed_size_bytes: number;
  readonly size_bytes: number;
  readonly updated_at: string;
}

interface Manifest {
  readonly digest: string;
  readonly compressed_size_bytes: number;
  readonly tags: readonly string[];
  readonly blobs: readonly { readonly digest: string; readonly compressed_size_bytes: number }[];
}

interface Repository {
  readonly name: string;
  readonly latest_tag: Tag;
  readonly latest_manifest?: Manifest;
  readonly tag_count: number;
  readonly manifest_count: number;
}

export interface Collection {
  readonly uuid: string;
  readonly registry_name: string;
  readonly status: string;
  readonly type: string;
  readonly blobs_deleted: number;
  readonly freed_bytes: number;
}

interface Links {
  readonly pages?: {
    readonly first?: string;
    readonly prev?: string;
    readonly next?: string;
    readonly last?: string;
  };
}

/** All that a reply of the API may hold; which of it does depends on the operation. */
export interface ApiBody {
  readonly id: string;
  readonly message: string;
  readonly request_id: string;
  readonly endpoint: Endpoint;
  readonly endpoints: readonly Endpoint[];
  readonly certificate: Certificate;
  readonly certificates: readonly Certificate[];
  readonly events: readonly { readonly kind: string; readonly message: string }[];
  readonly registry: Registry;
  readonly registries: readonly Registry[];
  readonly subscription: Subscription;
  readonly options: {
    readonly available_regions: readonly string[];
    readonly subscription_tiers: readonly Readonly<Record<string, unknown>>[];
  };
  readonly auths: Readonly<Record<string, { readonly auth: string }>>;
  readonly repositories: readonly Repository[];
  readonly tags: readonly Tag[];
  readonly manifests: readonly Manifest[];
  readonly garbage_collection: Collection;
  readonly garbage_collections: readonly Collection[];
  readonly settings: Readonly<Record<string, unknown>>;
  readonly total: number;
  readonly links: Links;
  readonly meta: { readonly total: number };
  readonly account: Readonly<Record<string, unknown>> & { readonly email: string };
  readonly accounts: readonly { readonly email: string }[];
  readonly token: { readonly id: string; readonly name: string };
  readonly tokens: readonly { readonly id: string; readonly name: string }[];
  readonly secret: string;
  readonly spaces: readonly { readonly name: string; readonly region: string }[];
  readonly objects: readonly { readonly key: string }[];
  readonly scopes: readonly string[];
  readonly expires_in_seconds: number | null;
  readonly resource_owner_id: number;
  readonly application: { readonly uid: string };
  readonly created_at: number;
}
