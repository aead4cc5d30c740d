import assert from "node:assert/strict";
import type { Registry } from "./api-body.ts";
import type { ApiReply, Atoll } from "./atoll.ts";
import { exchange, type Reply } from "./exchange.ts";
import { digestOf, manifestText, OCI_IMAGE, type TestImage } from "./images.ts";
import { createAccount } from "./world.ts";

/** An account with a registry of the same name as its e-mail's, and a token that may do everything. */
export interface Tenant {
  readonly name: string;
  readonly token: string;
  /** As this account. */
  api(method: string, target: string, body?: unknown): Promise<ApiReply>;
}

export async function createTenant(atoll: Atoll, name: string): Promise<Tenant> {
  const token = await createAccount(atoll, `${name}@example.test`);
  return {
    name,
    token,
    api: (method, target, body) =>
      atoll.api(method, target, { token, ...(body === undefined ? {} : { body }) }),
  };
}

export async function createRegistry(
  tenant: Tenant,
  members: Readonly<Record<string, unknown>> = {},
): Promise<Registry> {
  const reply = await tenant.api("POST", "/v2/registries", { name: tenant.name, ...members });
  assert.equal(reply.status, 201, reply.text);
  return reply.json.registry;
}

/** An account on the professional tier, with a registry. */
export async function createProfessional(atoll: Atoll, name: string): Promise<Tenant> {
  const tenant = await createTenant(atoll, name);
  await createRegistry(tenant, { subscription_tier_slug: "professional" });
  return tenant;
}

/** A request to the OCI registry, signed in as docker would by Basic. */
export async function oci(
  atoll: Atoll,
  method: string,
  target: string,
  request: { readonly token: string; readonly body?: string; readonly type?: string },
): Promise<Reply> {
  const auth = Buffer.from(`user:${request.token}`).toString("base64");
  return exchange(atoll.runtime.registry + target, {
    method,
    headers: {
      authorization: `Basic ${auth}`,
      ...(request.body === undefined
        ? {}
        : { "content-type": request.type ?? "application/octet-stream" }),
    },
    ...(request.body === undefined ? {} : { body: request.body }),
  });
}

/** Pushes blobs, and the manifest by each tag, or by its digest without any. @returns its digest */
export async function push(
  atoll: Atoll,
  { name, token }: Pick<Tenant, "name" | "token">,
  repository: string,
  image: TestImage,
): Promise<string> {
  const place = `/v2/${name}/${repository}`;
  for (const body of [image.config ?? "{}", ...(image.layers ?? [])]) {
    const target = `${place}/blobs/uploads/?digest=${digestOf(body)}`;
    const reply = await oci(atoll, "POST", target, { token, body });
    assert.equal(reply.status, 201, reply.text);
  }
  const body = manifestText(image);
  for (const reference of image.tags ?? [digestOf(body)]) {
    const target = `${place}/manifests/${reference}`;
    const reply = await oci(atoll, "PUT", target, { token, body, type: OCI_IMAGE });
    assert.equal(reply.status, 201, reply.text);
  }
  return digestOf(body);
}
