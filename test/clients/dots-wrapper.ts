import { createRequire } from "node:module";
import { join } from "node:path";
import type { Endpoint } from "../support/api-body.ts";
import { allPages, type ClientKind, type Seen } from "./client.ts";

type Reply<T> = Promise<{ readonly data: T }>;
type One = Reply<{ readonly endpoint: Endpoint }>;

/** As much of dots-wrapper as is used here. */
interface DotsWrapper {
  readonly createApiClient: (options: { readonly token: string; readonly endpoint: string }) => {
    readonly cdnEndpoint: {
      createCdnEndpoint(members: { readonly origin: string; readonly ttl: number }): One;
      getCdnEndpoint(of: { readonly cdn_endpoint_id: string }): One;
      listCdnEndpoints(page: {
        readonly page: number;
        readonly per_page: number;
      }): Reply<{ readonly endpoints: readonly Endpoint[] }>;
      updateCdnEndpoint(
        members: { readonly cdn_endpoint_id: string } & Partial<
          Pick<Endpoint, "ttl" | "custom_domain" | "certificate_id">
        >,
      ): One;
      purgeCache(of: {
        readonly cdn_endpoint_id: string;
        readonly files: readonly string[];
      }): Promise<unknown>;
      deleteCdnEndpoint(of: { readonly cdn_endpoint_id: string }): Promise<unknown>;
    };
  };
}

/** Its own default. */
const PER_PAGE = 25;

export function dotsWrapper(folder: string): ClientKind {
  const { createApiClient } = createRequire(join(folder, "package.json"))(
    "dots-wrapper",
  ) as DotsWrapper;
  return {
    name: "dots-wrapper",
    whenLimited: "fails",
    open: async ({ url, token }) => {
      const { cdnEndpoint: cdn } = createApiClient({ token, endpoint: `${url}/v2` });
      const update = async (id: string, members: object) =>
        seen((await told(cdn.updateCdnEndpoint({ cdn_endpoint_id: id, ...members }))).data);
      return {
        create: async (origin, ttl) =>
          seen((await told(cdn.createCdnEndpoint({ origin, ttl }))).data),
        get: async (id) => seen((await told(cdn.getCdnEndpoint({ cdn_endpoint_id: id }))).data),
        list: () =>
          allPages(PER_PAGE, async (page) => {
            const { data } = await told(cdn.listCdnEndpoints({ page, per_page: PER_PAGE }));
            return data.endpoints.map((endpoint) => seen({ endpoint }));
          }),
        update: (id, ttl) => update(id, { ttl }),
        setDomain: (id, domain) => update(id, { custom_domain: domain }),
        clearDomain: (id) => update(id, { custom_domain: "", certificate_id: "" }),
        flush: async (id, files) => {
          await told(cdn.purgeCache({ cdn_endpoint_id: id, files }));
        },
        delete: async (id) => {
          await told(cdn.deleteCdnEndpoint({ cdn_endpoint_id: id }));
        },
        [Symbol.asyncDispose]: async () => {},
      };
    },
  };
}

function seen({ endpoint }: { readonly endpoint: Endpoint }): Seen {
  const { id, origin, ttl, custom_domain } = endpoint;
  return { id, origin, ttl, customDomain: custom_domain };
}

/** Its errors are axios's, with the API's body inside. */
async function told<T>(reply: Promise<T>): Promise<T> {
  try {
    return await reply;
  } catch (cause) {
    const { response } = cause as { readonly response?: { readonly data: unknown } };
    throw new Error(JSON.stringify(response?.data), { cause });
  }
}
