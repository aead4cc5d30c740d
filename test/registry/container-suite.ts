import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { before, describe, test } from "node:test";
import { type ApiBody } from "../support/api-body.ts";
import { publish, type Setting, served } from "./setting.ts";

const CONTAINERFILE = `FROM scratch
ARG TARGETARCH
COPY content /content
LABEL built-for=$TARGETARCH
`;
const PLATFORMS = ["linux/amd64", "linux/arm64"];

/** Images that buildah builds from nothing, and what podman and skopeo make of them. No daemon. */
export function containerSuite(setting: Setting): void {
  const { home, host, owner } = setting;
  const trust = ["--cert-dir", home.certificates];
  const buildah = (...args: readonly string[]) => home.run("buildah", [...home.storage, ...args]);
  const podman = (...args: readonly string[]) => home.run("podman", [...home.storage, ...args]);
  const skopeo = (...args: readonly string[]) => home.run("skopeo", args);
  const imageOf = (repository: string) => `${host}/${owner.name}/${repository}`;
  const idOf = (image: string) => podman("image", "inspect", "--format", "{{.Id}}", image);

  describe("an image that buildah builds from scratch", () => {
    const built = imageOf("built");
    let id: string;
    before(async () => {
      mkdirSync(home.path("context"));
      writeFileSync(home.path("context", "content"), "what is in it");
      writeFileSync(home.path("context", "Containerfile"), CONTAINERFILE);
      await buildah("build", "--tag", "single", home.path("context"));
      id = await idOf("localhost/single");
      await buildah("push", ...trust, "single", `docker://${built}:single`);
      const platforms = ["--platform", PLATFORMS.join(",")];
      await buildah("build", ...platforms, "--manifest", "multi", home.path("context"));
      const target = `docker://${built}:multi`;
      await buildah("manifest", "push", "--all", ...trust, "multi", target);
      await podman("rmi", "--all", "--force");
    });

    test("is pulled by podman by tag: the same image, from its content's hashes", async () => {
      await podman("pull", ...trust, `${built}:single`);
      assert.equal(await idOf(`${built}:single`), id);
    });

    test("is pulled by podman by the digest that the management API shows", async () => {
      const digest = (await manifestTagged(setting, "built", "single"))?.digest;
      await podman("pull", ...trust, `${built}@${digest}`);
      assert.equal(await idOf(`${built}@${digest}`), id);
    });

    test("has its files when a container is made of it", async () => {
      const container = await buildah("from", "--pull-always", ...trust, `${built}:single`);
      const folder = await buildah("mount", container);
      assert.equal(readFileSync(`${folder}/content`, "utf8"), "what is in it");
      await buildah("umount", container);
    });

    test("is for each platform what was built for it", async () => {
      for (const platform of PLATFORMS) {
        const [, architecture] = platform.split("/");
        await podman("pull", ...trust, "--platform", platform, `${built}:multi`);
        const format = '{{.Architecture}} {{index .Labels "built-for"}}';
        const inspected = await podman("image", "inspect", "--format", format, `${built}:multi`);
        assert.equal(inspected, `${architecture} ${architecture}`);
      }
    });

    test("is copied by skopeo with all its platforms", async () => {
      const certificates = [
        "--src-cert-dir",
        home.certificates,
        "--dest-cert-dir",
        home.certificates,
      ];
      const [from, to] = [`docker://${built}:multi`, `docker://${imageOf("built-copy")}:multi`];
      await skopeo("copy", "--all", ...certificates, from, to);
      const source = await served(setting, "built", "multi");
      assert((await served(setting, "built-copy", "multi")).body.equals(source.body));
    });
  });

  describe("podman", () => {
    test("signs in, and out", async () => {
      const authFile = ["--authfile", home.path("login.json")];
      const login = ["login", ...authFile, ...trust, "--username", "anybody"];
      const said = await podman(...login, "--password", owner.token, host);
      assert.match(said, /Login Succeeded/);
      await podman("logout", ...authFile, host);
      const wrong = podman(...login, "--password", "dop_v1_of-nobody", host);
      await assert.rejects(wrong, /invalid username\/password|unauthorized/);
    });

    test("pushes what the management API has by the same digest", async () => {
      await publish(setting, "for-podman");
      await podman("pull", ...trust, `${imageOf("for-podman")}:one`);
      const digestFile = home.path("pushed-digest");
      const target = `docker://${imageOf("by-podman")}:v1`;
      const options = [...trust, "--digestfile", digestFile];
      await podman("push", ...options, `${imageOf("for-podman")}:one`, target);
      const manifest = await manifestTagged(setting, "by-podman", "v1");
      assert.equal(manifest?.digest, readFileSync(digestFile, "utf8"));
    });

    test("pushes in docker's own format", async () => {
      const target = `docker://${imageOf("docker-format")}:v1`;
      const from = `${imageOf("for-podman")}:one`;
      await podman("pull", ...trust, from);
      await podman("push", ...trust, "--format", "v2s2", from, target);
      const { headers } = await served(setting, "docker-format", "v1");
      assert.equal(headers["content-type"], "application/vnd.docker.distribution.manifest.v2+json");
      await podman("pull", ...trust, `${imageOf("docker-format")}:v1`);
    });

    test("pushes and pulls over plain HTTP on the loopback, as docker does there", async () => {
      await publish(setting, "for-podman");
      const plain = `${new URL(setting.atoll.runtime.registry).host}/${owner.name}`;
      await podman("pull", "--tls-verify=false", `${plain}/for-podman:one`);
      const target = `docker://${plain}/over-http:v1`;
      await podman("push", "--tls-verify=false", `${plain}/for-podman:one`, target);
      assert.equal((await served(setting, "over-http", "v1")).status, 200);
    });

    test("pulls for another platform when told to", async () => {
      await publish(setting, "for-podman");
      const image = `${imageOf("for-podman")}:many`;
      await podman("pull", ...trust, "--platform", "linux/arm64", image);
      const format = "{{.Architecture}}";
      assert.equal(await podman("image", "inspect", "--format", format, image), "arm64");
    });
  });
}

async function manifestTagged(
  { owner }: Setting,
  repository: string,
  tag: string,
): Promise<ApiBody["manifests"][number] | undefined> {
  const path = `/v2/registries/${owner.name}/repositories/${repository}/digests`;
  const reply = await owner.api("GET", path);
  return reply.json.manifests.find(({ tags }) => tags.includes(tag));
}
