import assert from "node:assert/strict";
import { join } from "node:path";
import { type Atoll, startAtoll } from "../support/atoll.ts";
import { exchange, type Reply } from "../support/exchange.ts";
import {
  createProfessional,
  createRegistry,
  createTenant,
  type Tenant,
} from "../support/registry.ts";
import { Home } from "./home.ts";
import { type Content, type Layout, writeLayout } from "./layout.ts";

/** A started Atoll, one account that may do everything, one on the smallest tier, and images. */
export interface Setting {
  readonly atoll: Atoll;
  /** Host and port over TLS, as images' names have it. */
  readonly host: string;
  readonly owner: Tenant;
  readonly small: Tenant;
  readonly layout: Layout;
  /** Signed in as the owner, by credentials that may write. */
  readonly home: Home;
}

export async function openSetting(stack: AsyncDisposableStack): Promise<Setting> {
  const atoll = stack.use(await startAtoll());
  const owner = await createProfessional(atoll, "acme");
  const small = await createTenant(atoll, "tiny");
  await createRegistry(small, { subscription_tier_slug: "starter" });
  const setting = { atoll, owner, small };
  const home = stack.use(newHome(setting));
  home.signIn(await credentials(owner, "read_write=true"));
  const layout = await writeLayout(home.path("layouts"));
  return { ...setting, host: new URL(atoll.runtime.registry_tls).host, layout, home };
}

/** A home where nobody is signed in yet. */
export function newHome({ atoll }: Pick<Setting, "atoll">): Home {
  return new Home(join(atoll.dataDir, "ca/ca.pem"));
}

/** What the API answers to write into a docker config.json. */
export async function credentials(tenant: Tenant, query = ""): Promise<string> {
  const path = `/v2/registries/${tenant.name}/docker-credentials`;
  const reply = await tenant.api("GET", `${path}?${query}`);
  assert.equal(reply.status, 200, reply.text);
  return reply.text;
}

/** A request to the registry as an account, with any octets. */
export async function ask(
  { atoll }: Pick<Setting, "atoll">,
  tenant: Tenant,
  request: {
    readonly method: string;
    readonly target: string;
    readonly body?: Uint8Array;
    readonly type?: string;
  },
): Promise<Reply> {
  const { method, target, body, type = "application/octet-stream" } = request;
  const authorization = `Basic ${Buffer.from(`docker:${tenant.token}`).toString("base64")}`;
  return exchange(atoll.runtime.registry + target, {
    method,
    headers: { authorization, ...(body === undefined ? {} : { "content-type": type }) },
    ...(body === undefined ? {} : { body }),
  });
}

/** What the registry answers to a name and a reference, tag or digest. */
export async function served(
  setting: Setting,
  repository: string,
  reference: string,
): Promise<Reply> {
  const { owner } = setting;
  const target = `/v2/${owner.name}/${repository}/manifests/${reference}`;
  return ask(setting, owner, { method: "GET", target });
}

/** Puts both images of the layout into a repository, as tags `one` and `many`. */
export async function publish(setting: Setting, repository: string): Promise<void> {
  const { layout, owner } = setting;
  const place = `/v2/${owner.name}/${repository}`;
  const put = async (method: string, target: string, body: Uint8Array, type?: string) => {
    const request = {
      method,
      target: place + target,
      body,
      ...(type === undefined ? {} : { type }),
    };
    const reply = await ask(setting, owner, request);
    assert.equal(reply.status, 201, reply.text);
  };
  const { one, many } = layout;
  for (const { digest } of many.blobs) {
    await put("POST", `/blobs/uploads/?digest=${digest}`, octetsOf(layout, digest));
  }
  for (const { digest, mediaType } of platformsOf(many)) {
    await put("PUT", `/manifests/${digest}`, octetsOf(layout, digest), mediaType);
  }
  await put("PUT", "/manifests/one", one.octets, one.mediaType);
  await put("PUT", "/manifests/many", many.octets, many.mediaType);
}

type Platforms = { readonly manifests?: readonly Pick<Content, "digest" | "mediaType">[] };

/** The manifests that an index lists; an image has none. */
export function platformsOf({ octets }: Content): readonly Pick<Content, "digest" | "mediaType">[] {
  return (JSON.parse(octets.toString()) as Platforms).manifests ?? [];
}

export function octetsOf({ octets }: Layout, digest: Content["digest"]): Buffer {
  const content = octets.get(digest);
  assert(content !== undefined, `The layout has no ${digest}`);
  return content;
}
