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
