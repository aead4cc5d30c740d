import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { startAtoll } from "../support/atoll.ts";
import { createProfessional, createRegistry, oci, push, type Tenant } from "../support/registry.ts";
import { assertProblem, createToken } from "../support/world.ts";

const atoll = await startAtoll();
after(() => atoll[Symbol.asyncDispose]());

const FOREVER = 1_576_800_000;

/** What docker would make of a reply: the e-mail and the token, the same for each host. */
function credentialOf(auths: Readonly<Record<string, { readonly auth: string }>>) {
  const [first = "", ...others] = Object.values(auths).map(({ auth }) => auth);
  assert(others.every((auth) => auth === first));
  const parts = Buffer.from(first, "base64").toString("utf8").split(":");
  assert.equal(parts.length, 2, "there is exactly one colon");
  const [user = "", token = ""] = parts;
  return { user, token };
}

/** Asks the API with that token. */
function as(token: string): Tenant["api"] {
  return (method, target) => atoll.api(method, target, { token });
}

async function mint(tenant: Tenant, target: string) {
  const reply = await tenant.api("GET", target);
  assert.equal(reply.status, 200, reply.text);
  assert.equal(reply.headers["cache-control"], "no-store");
  return { ...credentialOf(reply.json.auths), hosts: Object.keys(reply.json.auths) };
}

describe("docker's credentials", () => {
  test("are for our host and for DigitalOcean's, as the account's e-mail", async () => {
    const tenant = await createProfessional(atoll, "hosts");
    const ours = new URL(atoll.runtime.registry).host;
    for (const base of ["/v2/registry", "/v2/registries/hosts"]) {
      const { user, hosts } = await mint(tenant, `${base}/docker-credentials`);
      assert.equal(user, "hosts@example.test");
      assert(hosts.includes(ours), hosts.join());
      assert(hosts.includes("registry.digitalocean.com"), hosts.join());
    }
  });

  test("are a new token each time, listed by its purpose", async () => {
    const tenant = await createProfessional(atoll, "minted");
    const target = "/v2/registries/minted/docker-credentials";
    const [one, two] = [await mint(tenant, target), await mint(tenant, target)];
    assert.notEqual(one.token, two.token);
    const { json } = await tenant.api("GET", "/atoll/v1/tokens?per_page=200");
    const names = json.tokens.map(({ name }) => name);
    const minted = names.filter((name) => /^container-registry-minted-\d{10}$/.test(name));
    assert.equal(minted.length, 2, names.join());
  });

  test("answer at /v2/account until they are revoked, and can do nothing else there", async () => {
    const tenant = await createProfessional(atoll, "revoked");
    const { token } = await mint(tenant, "/v2/registry/docker-credentials?read_write=true");
    assert.equal((await atoll.api("GET", "/v2/account", { token })).status, 200);
    assertProblem(await atoll.api("GET", "/v2/cdn/endpoints", { token }), 403, "forbidden");
    const create = { token, body: { name: "stolen" } };
    assertProblem(await atoll.api("POST", "/v2/registries", create), 403, "forbidden");
    await atoll.api("POST", "/v1/oauth/revoke", {
      token,
      raw: `token=${token}`,
      headers: { "content-type": "application/x-www-form-urlencoded" },
    });
    assert.equal((await atoll.api("GET", "/v2/account", { token })).status, 401);
    assert.equal((await oci(atoll, "GET", "/v2/", { token })).status, 401);
  });

  test("pull, and push only with read_write", async () => {
    const tenant = await createProfessional(atoll, "pushed");
    await push(atoll, tenant, "app", { tags: ["v1"] });
    const target = "/v2/registries/pushed/docker-credentials";
    const reader = await mint(tenant, target);
    const pulled = await oci(atoll, "GET", "/v2/pushed/app/manifests/v1", reader);
    assert.equal(pulled.status, 200);
    const refused = await oci(atoll, "POST", "/v2/pushed/app/blobs/uploads/", {
      ...reader,
      body: "",
    });
    assert.equal(refused.status, 403, refused.text);
    const writer = await mint(tenant, `${target}?read_write=true`);
    await push(atoll, { ...tenant, token: writer.token }, "app", { layers: ["x"], tags: ["v2"] });
    for (const no of ["false", "0", ""]) {
      const { token } = await mint(tenant, `${target}?read_write=${no}`);
      const info = await atoll.api("GET", "/v1/oauth/token/info", { token });
      assert.deepEqual(info.json.scopes, ["account:read", "registry:read"]);
    }
  });

  test("expire after so many seconds, or never", async () => {
    const tenant = await createProfessional(atoll, "expiring");
    const target = "/v2/registry/docker-credentials";
    const lifetime = async (query: string) => {
      const { token } = await mint(tenant, target + query);
      return (await atoll.api("GET", "/v1/oauth/token/info", { token })).json.expires_in_seconds;
    };
    const asked = (await lifetime("?expiry_seconds=3600")) ?? 0;
    assert(asked > 3_500 && asked <= 3_600, String(asked));
    for (const query of ["", "?expiry_seconds=0", "?expiry_seconds="]) {
      assert.equal(await lifetime(query), null, query);
    }
    assert((await lifetime(`?expiry_seconds=${FOREVER}`)) !== null);
    for (const bad of ["-1", "1.5", "soon", String(FOREVER + 1)]) {
      const reply = await tenant.api("GET", `${target}?expiry_seconds=${bad}`);
      assertProblem(reply, 422, "unprocessable_entity", "expiry_seconds");
    }
    const reply = await tenant.api("GET", `${target}?read_write=maybe`);
    assertProblem(reply, 422, "unprocessable_entity", "read_write");
  });

  test("to push are for those who may write themselves", async () => {
    const tenant = await createProfessional(atoll, "escalation");
    const account = "escalation@example.test";
    const target = "/v2/registries/escalation/docker-credentials";
    const status = async (scopes: readonly string[], query: string): Promise<number> => {
      const { secret } = await createToken(atoll, { account, scopes });
      return (await atoll.api("GET", target + query, { token: secret })).status;
    };
    for (const scopes of [["read"], ["registry:read"]]) {
      assert.equal(await status(scopes, ""), 200, scopes.join());
      assert.equal(await status(scopes, "?read_write=true"), 403, scopes.join());
      assert.equal(await status(scopes, "?read_write=false&read_write=true"), 403, scopes.join());
    }
    assert.equal(await status(["registry:read", "registry:update"], "?read_write=true"), 200);
    assert.equal(await status(["registry:update"], "?read_write=true"), 403);
    assert.equal((await tenant.api("GET", `${target}?read_write=true`)).status, 200);
  });

  test("can do no more than the token that they were asked for with", async () => {
    const tenant = await createProfessional(atoll, "bounded");
    const account = "bounded@example.test";
    const target = "/v2/registries/bounded/docker-credentials";
    const scopesFor = async (scopes: readonly string[], query = ""): Promise<unknown> => {
      const { secret } = await createToken(atoll, { account, scopes });
      const { token } = await mint({ ...tenant, api: as(secret) }, target + query);
      return (await atoll.api("GET", "/v1/oauth/token/info", { token })).json.scopes;
    };
    assert.deepEqual(await scopesFor(["registry:read"]), ["registry:read"]);
    assert.deepEqual(await scopesFor(["read"]), ["account:read", "registry:read"]);
    assert.deepEqual(await scopesFor(["registry:read", "registry:update"], "?read_write=true"), [
      "registry:read",
      "registry:update",
    ]);
  });

  test("end with a token that could not have made them itself, and else do not", async () => {
    const tenant = await createProfessional(atoll, "mortal");
    const account = "mortal@example.test";
    const target = "/v2/registries/mortal/docker-credentials";
    const statusAfterwards = async (scopes: readonly string[]): Promise<number> => {
      const { id, secret } = await createToken(atoll, { account, scopes });
      const first = await mint({ ...tenant, api: as(secret) }, target);
      // A credential may ask for another one, which is no way out.
      const { token } = await mint({ ...tenant, api: as(first.token) }, target);
      assert.equal((await oci(atoll, "GET", "/v2/", { token })).status, 200);
      const revoked = await tenant.api("DELETE", `/atoll/v1/tokens/${id}`);
      assert.equal(revoked.status, 204, revoked.text);
      return (await oci(atoll, "GET", "/v2/", { token })).status;
    };
    assert.equal(await statusAfterwards(["registry:read"]), 401);
    assert.equal(await statusAfterwards(["read"]), 401);
    assert.equal(await statusAfterwards(["write"]), 200);
    const { secret } = await createToken(atoll, {
      account,
      scopes: ["registry:read"],
      expires_in_seconds: 600,
    });
    for (const query of ["", "?expiry_seconds=86400"]) {
      const { token } = await mint({ ...tenant, api: as(secret) }, target + query);
      const { json } = await atoll.api("GET", "/v1/oauth/token/info", { token });
      assert((json.expires_in_seconds ?? Infinity) <= 600, query);
    }
  });

  test("are not minted by HEAD", async () => {
    const tenant = await createProfessional(atoll, "headless");
    const count = async () => (await tenant.api("GET", "/atoll/v1/tokens")).json.meta.total;
    const before = await count();
    for (const base of ["/v2/registry", "/v2/registries/headless"]) {
      const reply = await tenant.api("HEAD", `${base}/docker-credentials`);
      assert.equal(reply.status, 200);
      assert.equal(reply.headers["content-type"], "application/json; charset=utf-8");
      assert.equal(reply.headers["cache-control"], "no-store");
    }
    assert.equal(await count(), before);
  });

  test("need a registry", async () => {
    const tenant = await createProfessional(atoll, "left");
    await tenant.api("DELETE", "/v2/registry");
    for (const target of ["/v2/registry", "/v2/registries/left"]) {
      const reply = await tenant.api("GET", `${target}/docker-credentials`);
      assertProblem(reply, 404, "not_found", /^registry does not exist$/);
    }
    await createRegistry(tenant);
  });
});
