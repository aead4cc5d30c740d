import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { digestOfBytes } from "#oci/digest.ts";
import { TIERS } from "#registry/tier.ts";
import type { Home } from "./home.ts";
import { type Layout, writeLayout } from "./layout.ts";
import { ask, credentials, newHome, type Setting } from "./setting.ts";

const FILLING_BYTES = 125_000_000;
const SECOND =
  /denied: registry contains 1 repositories, limit is 1; push into one that is there, delete one, or change to a tier above starter/;
const FULL =
  /denied: registry contains 524288000 bytes, limit is 524288000.*; delete images and start a garbage collection, or change to a tier above starter/;

/** The tier's limits, as podman and skopeo show them to their users. */
export function limitSuite(setting: Setting): void {
  const { host, layout, small } = setting;

  describe("an account on the starter tier", () => {
    let home: Home;
    before(async () => {
      home = newHome(setting);
      home.signIn(await credentials(small, "read_write=true"));
    });
    after(() => home[Symbol.dispose]());

    const podman = (...args: readonly string[]) => home.run("podman", [...home.storage, ...args]);
    const pushes: Readonly<Record<string, (source: Layout, image: string) => Promise<unknown>>> = {
      skopeo: async ({ images }, image) => {
        const trust = ["--dest-cert-dir", home.certificates];
        await home.run("skopeo", ["copy", ...trust, `oci:${images}:one`, `docker://${image}`]);
      },
      podman: async ({ images }, image) => {
        const id = await podman("pull", "--quiet", `oci:${images}:one`);
        await podman("push", "--cert-dir", home.certificates, id, `docker://${image}`);
      },
    };

    test("pushes its first repository", async () => {
      await pushes["skopeo"]?.(layout, `${host}/${small.name}/first:v1`);
      const path = `/v2/registries/${small.name}/repositories/first/tags`;
      const [tag] = (await small.api("GET", path)).json.tags;
      assert.equal(tag?.manifest_digest, layout.one.digest);
    });

    for (const [name, push] of Object.entries(pushes)) {
      test(`is told by ${name} why there is no second one, and what to do`, async () => {
        await assert.rejects(push(layout, `${host}/${small.name}/second:v1`), SECOND);
      });
    }

    test("still pushes into the first one", async () => {
      await pushes["skopeo"]?.(layout, `${host}/${small.name}/first:v2`);
    });

    for (const [name, push] of Object.entries(pushes)) {
      test(`is told by ${name} that a push does not fit into its storage`, async () => {
        await fill(setting);
        const larger = await writeLayout(home.path(`larger-${name}`));
        await assert.rejects(push(larger, `${host}/${small.name}/first:larger`), FULL);
      });
    }

    test("pushes what adds nothing all the same", async () => {
      await pushes["skopeo"]?.(layout, `${host}/${small.name}/first:v3`);
    });
  });
}

/** Up to the tier's last octet. */
async function fill(setting: Setting): Promise<void> {
  const { small } = setting;
  const place = `/v2/${small.name}/first/blobs/uploads/`;
  for (;;) {
    const { registry } = (await small.api("GET", `/v2/registries/${small.name}`)).json;
    const left = TIERS.starter.storageBytes - registry.storage_usage_bytes;
    if (left === 0) return;
    const body = randomBytes(Math.min(left, FILLING_BYTES));
    const target = `${place}?digest=${digestOfBytes("sha256", body)}`;
    const reply = await ask(setting, small, { method: "POST", target, body });
    assert.equal(reply.status, 201, reply.text);
  }
}
