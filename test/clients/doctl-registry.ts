import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { Atoll } from "../support/atoll.ts";
import { digestOf, manifestText } from "../support/images.ts";
import {
  createProfessional,
  createRegistry,
  createTenant,
  oci,
  push,
} from "../support/registry.ts";
import { DoctlHome } from "./doctl.ts";

interface GodoRegistry {
  readonly name: string;
  readonly region: string;
}

interface GodoTag {
  readonly tag: string;
  readonly manifest_digest: string;
}

interface GodoCollection {
  readonly uuid: string;
  readonly status: string;
  readonly blobs_deleted: number;
}

type Doctl = (...args: readonly string[]) => Promise<string>;

/** What both commands can do: `doctl registry` goes by the only one, `doctl registries` by name. */
export function doctlRegistries(program: string, atoll: Atoll): void {
  const signedIn = (home: DoctlHome, token: string): Doctl => {
    const env = { DIGITALOCEAN_API_URL: atoll.url, DIGITALOCEAN_ACCESS_TOKEN: token };
    return (...args) => home.run(args, env);
  };
  const json = async <T>(text: Promise<string>): Promise<T> => JSON.parse(await text) as T;

  for (const command of ["registry", "registries"] as const) {
    const name = `doctl-${command}`;
    /** The name comes before a command's own arguments, where it is asked for. */
    const named = command === "registries" ? [name] : [];

    describe(`doctl ${command}`, () => {
      test("creates a registry, gets it and deletes it", async () => {
        using home = new DoctlHome(program);
        const { token } = await createTenant(atoll, name);
        const doctl = signedIn(home, token);
        const create = ["create", name, "--subscription-tier", "basic", "--region", "fra1"];
        await doctl(command, ...create);
        const [got] = await json<GodoRegistry[]>(doctl(command, "get", ...named, "-o", "json"));
        assert.deepEqual([got?.name, got?.region], [name, "fra1"]);
        await assert.rejects(doctl(command, ...create), /user already has a registry/);
        assert.match(await doctl(command, "options", "available-regions"), /nyc3[^]*fra1/);
        const tiers = await doctl(command, "options", "subscription-tiers");
        assert.match(tiers, /Professional +professional +0 +107\.37 GB +true/);
        await doctl(command, "delete", ...named, "--force");
        await assert.rejects(doctl(command, "get", ...named), /404 .*registry does not exist/);
      });

      test("signs docker in and out", async () => {
        using home = new DoctlHome(program);
        const tenant = await createTenant(atoll, `${name}-login`);
        await createRegistry(tenant);
        const doctl = signedIn(home, tenant.token);
        const own = command === "registries" ? [tenant.name] : [];
        await doctl(command, "login", ...own);
        const config = readFileSync(join(home.folder, "config.json"), "utf8");
        const { auths } = JSON.parse(config) as { auths: Record<string, { auth: string }> };
        const host = new URL(atoll.runtime.registry).host;
        const { auth = "" } = auths[host] ?? {};
        const [user, token = ""] = Buffer.from(auth, "base64").toString().split(":");
        assert.equal(user, `${tenant.name}@example.test`);
        await push(atoll, { ...tenant, token }, "app", { tags: ["v1"] });
        const minted = JSON.parse(await doctl(command, "docker-config", ...own)) as object;
        assert.deepEqual(Object.keys(minted), ["auths"]);
        const revoke = `${atoll.url}/v1/oauth/revoke`;
        await doctl(command, "logout", ...own, "--authorization-server-endpoint", revoke);
        assert.equal((await oci(atoll, "GET", "/v2/", { token })).status, 401);
      });

      test("lists what was pushed, and deletes tags and manifests", async () => {
        using home = new DoctlHome(program);
        const tenant = await createProfessional(atoll, `${name}-content`);
        const own = command === "registries" ? [tenant.name] : [];
        const doctl = signedIn(home, tenant.token);
        const repository: Doctl = (sub, ...args) =>
          doctl(command, "repository", sub, ...own, ...args);
        const first = await push(atoll, tenant, "my/app", { layers: ["1"], tags: ["v1"] });
        const second = await push(atoll, tenant, "my/app", { layers: ["2"], tags: ["v2", "v3"] });
        await push(atoll, tenant, "bare", {});
        if (command === "registry") {
          const list = await repository("list");
          assert.match(list, /my\/app +v3 +3/);
          assert.doesNotMatch(list, /bare/);
        }
        assert.match(await repository("list-v2"), /my\/app +sha256:\w{64} +v3 +3 +2/);
        const tags = await json<GodoTag[]>(repository("list-tags", "my/app", "-o", "json"));
        assert.deepEqual(
          tags.map(({ tag, manifest_digest: digest }) => [tag, digest]),
          [
            ["v1", first],
            ["v2", second],
            ["v3", second],
          ],
        );
        assert.match(await repository("list-manifests", "my/app"), new RegExp(second));
        await repository("delete-tag", "my/app", "v3", "--force");
        await repository("delete-manifest", "my/app", first, "--force");
        assert.doesNotMatch(await repository("list-tags", "my/app"), /v1|v3/);
        const again = repository("delete-tag", "my/app", "v3", "--force");
        await assert.rejects(again, /404 .*tag not found/);
      });

      test("starts a garbage collection, sees it, cancels it and lists them all", async () => {
        using home = new DoctlHome(program);
        const tenant = await createProfessional(atoll, `${name}-gc`);
        const own = command === "registries" ? [tenant.name] : [];
        const gc: Doctl = (sub, ...args) =>
          signedIn(home, tenant.token)(command, "garbage-collection", sub, ...own, ...args);
        await push(atoll, tenant, "app", { layers: ["layer"], tags: ["v1"] });
        const digest = digestOf(manifestText({ layers: ["layer"] }));
        await tenant.api(
          "DELETE",
          `/v2/registry/${tenant.name}/repositories/app/digests/${digest}`,
        );
        const options = ["--include-untagged-manifests", "--force", "-o", "json"];
        const [started] = await json<GodoCollection[]>(gc("start", ...options));
        const [active] = await json<GodoCollection[]>(gc("get-active", "-o", "json"));
        assert.equal(active?.uuid, started?.uuid);
        await gc("cancel", String(started?.uuid));
        await collected(gc);
        await gc("start", ...options);
        const collections = await collected(gc);
        assert.deepEqual(
          collections.map(({ status, blobs_deleted: blobs }) => [status, blobs]),
          [
            ["succeeded", 2],
            ["cancelled", 0],
          ],
        );
      });
    });
  }

  test("doctl registry names the registries when there are several", async () => {
    using home = new DoctlHome(program);
    const tenant = await createProfessional(atoll, "doctl-one");
    await createRegistry(tenant, { name: "doctl-two" });
    const doctl = signedIn(home, tenant.token);
    await assert.rejects(doctl("registry", "get"), /multiple registries|doctl-one/);
    assert.match(await doctl("registries", "list"), /doctl-one[^]*doctl-two/);
  });

  /** Its collections, once none is active. */
  async function collected(gc: Doctl): Promise<readonly GodoCollection[]> {
    for (;;) {
      const list = await json<GodoCollection[]>(gc("list", "-o", "json"));
      if (list.every(({ status }) => ["succeeded", "cancelled"].includes(status))) return list;
    }
  }
}
