import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import {
  imageManifest,
  OCI_INDEX,
  OCI_MANIFEST,
  pushImage,
  sha256,
  startOci,
} from "../support/oci.ts";

const oci = await startOci();
after(() => oci[Symbol.asyncDispose]());
const subject = await pushImage(oci, "acme/signed", "v1", { layers: ["image"] });

describe("listing tags", () => {
  const LIST = "/v2/acme/tags/tags/list";
  const tags = ["v10", "v1", "beta", "Alpha", "v2", "alpha", "_x"];
  const ordered = ["_x", "Alpha", "alpha", "beta", "v1", "v10", "v2"];

  async function list(query = "") {
    const reply = await oci.ask("GET", LIST + query);
    assert.equal(reply.status, 200, reply.text);
    return { ...reply, tags: reply.json["tags"] };
  }

  test("MUST be in lexical order, which is without regard to case", async () => {
    for (const tag of tags) await pushImage(oci, "acme/tags", tag);
    const reply = await list();
    assert.deepEqual(reply.json, { name: "acme/tags", tags: ordered });
    assert.equal(reply.headers["link"], undefined);
  });

  test("n limits them, last is where they go on, and Link says where the next page is", async () => {
    const seen: unknown[] = [];
    for (let target: string | undefined = `${LIST}?n=2`; target !== undefined; ) {
      const reply = await oci.ask("GET", target);
      seen.push(...(reply.json["tags"] as string[]));
      target = /^<(.+)>; rel="next"$/.exec(String(reply.headers["link"] ?? ""))?.[1];
    }
    assert.deepEqual(seen, ordered);
    assert.deepEqual((await list("?last=alpha")).tags, ordered.slice(3));
    assert.deepEqual((await list("?last=b&n=2")).tags, ["beta", "v1"], "last need not be there");
  });

  test("n=0 MUST be an empty list, without a Link", async () => {
    const reply = await list("?n=0");
    assert.deepEqual(reply.tags, []);
    assert.equal(reply.headers["link"], undefined);
  });

  test("fewer than n when there are no more", async () => {
    assert.deepEqual((await list("?n=100")).tags, ordered);
  });

  for (const n of ["-1", "x", "1.5", "9".repeat(40)]) {
    test(`n=${n} is PAGINATION_NUMBER_INVALID`, async () => {
      const reply = await oci.ask("GET", `${LIST}?n=${n}`);
      assert.deepEqual([reply.status, reply.code], [400, "PAGINATION_NUMBER_INVALID"]);
    });
  }

  test("of a repository that is not there: 404 with NAME_UNKNOWN", async () => {
    const reply = await oci.ask("GET", "/v2/acme/never/tags/list");
    assert.deepEqual([reply.status, reply.code], [404, "NAME_UNKNOWN"]);
  });
});

describe("listing repositories", () => {
  test("shows the caller's own, page by page", async () => {
    const { token } = await oci.newOwner("catalog");
    for (const name of ["b", "a/deep", "a"]) {
      const target = `/v2/catalog/${name}/blobs/uploads/?digest=${sha256("x")}`;
      await oci.ask("POST", target, { body: "x", token });
    }
    const reply = await oci.ask("GET", "/v2/_catalog", { token });
    assert.deepEqual(reply.json, { repositories: ["catalog/a", "catalog/a/deep", "catalog/b"] });
    const page = await oci.ask("GET", "/v2/_catalog?n=1&last=catalog/a", { token });
    assert.deepEqual(page.json, { repositories: ["catalog/a/deep"] });
    assert.match(String(page.headers["link"]), /^<\/v2\/_catalog\?n=1&last=catalog%2Fa%2Fdeep>;/);
  });
});

describe("listing referrers", () => {
  const REPOSITORY = "/v2/acme/signed";

  async function refer(more: Record<string, unknown>, type = OCI_MANIFEST) {
    const descriptor = { mediaType: OCI_MANIFEST, digest: subject, size: 2 };
    const body =
      type === OCI_INDEX
        ? JSON.stringify({
            schemaVersion: 2,
            mediaType: type,
            manifests: [],
            subject: descriptor,
            ...more,
          })
        : await imageManifest(oci, "acme/signed", { more: { subject: descriptor, ...more } });
    const reply = await oci.ask("PUT", `${REPOSITORY}/manifests/${sha256(body)}`, {
      body,
      headers: { "content-type": type },
    });
    return { reply, digest: sha256(body), size: body.length };
  }

  async function referrers(query = "") {
    const reply = await oci.ask("GET", `${REPOSITORY}/referrers/${subject}${query}`);
    assert.equal(reply.status, 200, reply.text);
    assert.equal(reply.headers["content-type"], OCI_INDEX);
    return { ...reply, manifests: reply.json["manifests"] as Record<string, unknown>[] };
  }

  test("MUST be an empty index, and no 404, when nothing refers to the subject", async () => {
    assert.deepEqual((await referrers()).json, {
      schemaVersion: 2,
      mediaType: OCI_INDEX,
      manifests: [],
    });
    const unknown = await oci.ask("GET", `${REPOSITORY}/referrers/${sha256("unknown")}`);
    assert.equal(unknown.status, 200);
    const nowhere = await oci.ask("GET", `/v2/acme/nowhere/referrers/${subject}`);
    assert.equal(nowhere.status, 200);
  });

  test("a push with a subject MUST answer with OCI-Subject, and is listed with type and annotations", async () => {
    const annotations = { "org.example": "yes" };
    const pushed = await refer({ artifactType: "application/vnd.example.signature", annotations });
    assert.equal(pushed.reply.status, 201, pushed.reply.text);
    assert.equal(pushed.reply.headers["oci-subject"], subject);
    assert.deepEqual((await referrers()).manifests, [
      {
        digest: pushed.digest,
        mediaType: OCI_MANIFEST,
        artifactType: "application/vnd.example.signature",
        annotations,
        size: pushed.size,
      },
    ]);
  });

  test("without artifactType an image's config says its type, an index has none", async () => {
    const image = await refer({ annotations: { which: "image" } });
    const index = await refer({ annotations: { which: "index" } }, OCI_INDEX);
    const { manifests } = await referrers();
    const typeOf = (digest: string) => manifests.find((each) => each["digest"] === digest);
    assert.equal(
      typeOf(image.digest)?.["artifactType"],
      "application/vnd.oci.image.config.v1+json",
    );
    assert(typeOf(index.digest) && !("artifactType" in (typeOf(index.digest) ?? {})));
  });

  test("artifactType filters, and OCI-Filters-Applied MUST say so", async () => {
    await refer({ artifactType: "application/vnd.example.sbom" });
    const reply = await referrers("?artifactType=application/vnd.example.sbom");
    assert.equal(reply.headers["oci-filters-applied"], "artifactType");
    assert.deepEqual(
      reply.manifests.map((each) => each["artifactType"]),
      ["application/vnd.example.sbom"],
    );
    assert.deepEqual((await referrers("?artifactType=none")).manifests, []);
    const unfiltered = await referrers("?artifactType=");
    assert.equal(unfiltered.headers["oci-filters-applied"], undefined, "of no type");
    assert.deepEqual(unfiltered.manifests, (await referrers("")).manifests);
  });

  test("a subject that is not there MUST be accepted", async () => {
    const missing = { mediaType: OCI_MANIFEST, digest: sha256("later"), size: 2 };
    const body = await imageManifest(oci, "acme/signed", { more: { subject: missing } });
    const reply = await oci.ask("PUT", `${REPOSITORY}/manifests/early`, {
      body,
      headers: { "content-type": OCI_MANIFEST },
    });
    assert.deepEqual([reply.status, reply.headers["oci-subject"]], [201, sha256("later")]);
  });

  test("a deleted referrer is listed no more", async () => {
    const gone = await refer({ artifactType: "application/gone" });
    await oci.ask("DELETE", `${REPOSITORY}/manifests/${gone.digest}`);
    assert.deepEqual((await referrers("?artifactType=application/gone")).manifests, []);
  });

  test("a subject that is none is DIGEST_INVALID", async () => {
    const reply = await oci.ask("GET", `${REPOSITORY}/referrers/latest`);
    assert.deepEqual([reply.status, reply.code], [400, "DIGEST_INVALID"]);
  });

  test("clients that keep a list under the fallback tag may do so", async () => {
    const tag = subject.replace(":", "-");
    const body = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [] });
    const headers = { "content-type": OCI_INDEX };
    const put = await oci.ask("PUT", `${REPOSITORY}/manifests/${tag}`, { body, headers });
    assert.equal(put.status, 201);
    assert.equal((await oci.ask("GET", `${REPOSITORY}/manifests/${tag}`)).text, body);
  });

  test("more than a page has a Link to the rest", async () => {
    const many = await pushImage(oci, "acme/many", "v1");
    const body = (index: number): string =>
      JSON.stringify({
        schemaVersion: 2,
        mediaType: OCI_INDEX,
        manifests: [],
        subject: { mediaType: OCI_MANIFEST, digest: many, size: 2 },
        annotations: { index: String(index) },
      });
    for (let index = 0; index < 501; index += 1) {
      const content = body(index);
      const target = `/v2/acme/many/manifests/${sha256(content)}`;
      await oci.ask("PUT", target, { body: content, headers: { "content-type": OCI_INDEX } });
    }
    const first = await oci.ask("GET", `/v2/acme/many/referrers/${many}`);
    assert.equal((first.json["manifests"] as unknown[]).length, 500);
    const next = /^<(.+)>; rel="next"$/.exec(String(first.headers["link"]))?.[1] ?? "";
    const rest = await oci.ask("GET", next);
    assert.equal((rest.json["manifests"] as unknown[]).length, 1);
    assert.equal(rest.headers["link"], undefined);
  });
});

describe("an index", () => {
  test("of manifests that are there is taken, and one that is not MANIFEST_BLOB_UNKNOWN", async () => {
    const child = await pushImage(oci, "acme/multi", "amd64");
    const index = (digest: string): string =>
      JSON.stringify({
        schemaVersion: 2,
        mediaType: OCI_INDEX,
        manifests: [{ mediaType: OCI_MANIFEST, digest, size: 2 }],
      });
    const put = (body: string) =>
      oci.ask("PUT", "/v2/acme/multi/manifests/all", {
        body,
        headers: { "content-type": OCI_INDEX },
      });
    assert.equal((await put(index(child))).status, 201);
    const reply = await put(index(sha256("absent")));
    assert.deepEqual([reply.status, reply.code], [400, "MANIFEST_BLOB_UNKNOWN"]);
    assert.match(reply.text, new RegExp(sha256("absent")));
  });
});
