import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { allPages, type ClientKind, type Seen } from "./client.ts";

interface DotsEndpoint {
  readonly id: string;
  readonly origin: string;
  readonly ttl: number;
  readonly customDomain?: string | null;
}
type One = Promise<{ readonly endpoint: DotsEndpoint }>;

/** As much of @digitalocean/dots as is used here. */
interface Dots {
  readonly DigitalOceanApiKeyAuthenticationProvider: new (token: string) => object;
  readonly createDigitalOceanClient: (adapter: object) => {
    readonly v2: {
      readonly cdn: {
        readonly endpoints: {
          post(members: { readonly origin: string; readonly ttl: number }): One;
          get(request: {
            readonly queryParameters: { readonly page: number; readonly perPage: number };
          }): Promise<{ readonly endpoints: readonly DotsEndpoint[] }>;
          byCdn_id(id: string): {
            get(): One;
            put(members: { readonly ttl?: number; readonly customDomain?: string }): One;
            delete(): Promise<void>;
            readonly cache: { delete(body: { readonly files: string[] }): Promise<void> };
          };
        };
      };
    };
  };
}

interface FetchLibrary {
  readonly FetchRequestAdapter: new (provider: object) => { baseUrl: string };
}

const PER_PAGE = 50;

export async function dots(folder: string): Promise<ClientKind> {
  const { resolve } = createRequire(join(folder, "package.json"));
  const load = async (name: string): Promise<unknown> => import(pathToFileURL(resolve(name)).href);
  const { createDigitalOceanClient, DigitalOceanApiKeyAuthenticationProvider } = (await load(
    "@digitalocean/dots",
  )) as Dots;
  const { FetchRequestAdapter } = (await load(
    "@microsoft/kiota-http-fetchlibrary",
  )) as FetchLibrary;
  return {
    name: "@digitalocean/dots",
    whenLimited: "waits",
    open: async ({ url, token }) => {
      const adapter = new FetchRequestAdapter(new DigitalOceanApiKeyAuthenticationProvider(token));
      adapter.baseUrl = url;
      const { endpoints } = createDigitalOceanClient(adapter).v2.cdn;
      const put = async (id: string, members: { ttl?: number; customDomain?: string }) =>
        seen((await told(endpoints.byCdn_id(id).put(members))).endpoint);
      return {
        create: async (origin, ttl) => seen((await told(endpoints.post({ origin, ttl }))).endpoint),
        get: async (id) => seen((await told(endpoints.byCdn_id(id).get())).endpoint),
        list: () =>
          allPages(PER_PAGE, async (page) => {
            const queryParameters = { page, perPage: PER_PAGE };
            return (await told(endpoints.get({ queryParameters }))).endpoints.map(seen);
          }),
        update: (id, ttl) => put(id, { ttl }),
        setDomain: (id, domain) => put(id, { customDomain: domain }),
        clearDomain: (id) => put(id, { customDomain: "" }),
        flush: async (id, files) =>
          told(endpoints.byCdn_id(id).cache.delete({ files: [...files] })),
        delete: async (id) => told(endpoints.byCdn_id(id).delete()),
        [Symbol.asyncDispose]: async () => {},
      };
    },
  };
}

function seen({ id, origin, ttl, customDomain }: DotsEndpoint): Seen {
  return { id, origin, ttl, customDomain: customDomain ?? undefined };
}

/** Its errors have the API's message beside their own. */
async function told<T>(reply: Promise<T>): Promise<T> {
  try {
    return await reply;
  } catch (cause) {
    const { messageEscaped } = cause as { readonly messageEscaped?: string };
    throw new Error(messageEscaped ?? String(cause), { cause });
  }
}
