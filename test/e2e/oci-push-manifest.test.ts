import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, describe, test } from "node:test";
import { imageManifest, OCI_MANIFEST, sha256, startOci } from "../support/oci.ts";

const oci = await startOci();
after(() => oci[Symbol.asyncDispose]());

describe("pushing a manifest", () => {
  const MANIFESTS = "/v2/acme/app/manifests/";
  const headers = { "content-type": OCI_MANIFEST };

  test("201 with Location and digest; the registry MUST store it in the exact octets given", async () => {
    const compact = await imageManifest(oci, "acme/app", { layers: ["layer"] });
    const body = `${JSON.stringify(JSON.parse(compact), undefined, 3)}\n\n`;
    const reply = await oci.ask("PUT", `${MANIFESTS}v1`, { body, headers });
    assert.equal(reply.status, 201, reply.text);
    const digest = sha256(body);
    assert.equal(reply.headers.location, MANIFESTS + digest);
    assert.equal(reply.headers["docker-content-digest"], digest);
    assert.equal((await oci.ask("GET", `${MANIFESTS}v1`)).text, body);
  });

  test("by digest, which has to be its own", async () => {
    const body = await imageManifest(oci, "acme/app", { layers: ["by digest"] });
    const wrong = await oci.ask("PUT", MANIFESTS + sha256("other"), { body, headers });
    assert.deepEqual([wrong.status, wrong.code], [400, "DIGEST_INVALID"]);
    const reply = await oci.ask("PUT", MANIFESTS + sha256(body), { body, headers });
    assert.equal(reply.status, 201);
    const long = `sha512:${createHash("sha512").update(body).digest("hex")}`;
    const sha512 = await oci.ask("PUT", MANIFESTS + long, { body, headers });
    assert.equal(sha512.headers["docker-content-digest"], long);
    assert.equal((await oci.ask("GET", MANIFESTS + long)).text, body);
  });

  test("several tags in one push by digest, named by OCI-Tag", async () => {
    const body = await imageManifest(oci, "acme/app", { layers: ["tags"] });
    const target = `${MANIFESTS}${sha256(body)}?tag=one&tag=two&tag=one`;
    const reply = await oci.ask("PUT", target, { body, headers });
    assert.equal(reply.status, 201, reply.text);
    assert.equal(reply.headers["oci-tag"], "one, two");
    for (const tag of ["one", "two"]) {
      assert.equal((await oci.ask("GET", MANIFESTS + tag)).text, body);
    }
    const bad = await oci.ask("PUT", `${MANIFESTS}${sha256(body)}?tag=.no`, { body, headers });
    assert.deepEqual([bad.status, bad.code], [400, "TAG_INVALID"]);
    const many = Array.from({ length: 60 }, (_, index) => `tag=t${index}`).join("&");
    const tooMany = await oci.ask("PUT", `${MANIFESTS}${sha256(body)}?${many}`, { body, headers });
    assert.equal(tooMany.status, 414);
  });

  test("a blob that it refers to and that is not there: MANIFEST_BLOB_UNKNOWN, with its digest", async () => {
    const manifest = JSON.parse(await imageManifest(oci, "acme/app")) as Record<string, unknown>;
    const missing = sha256("not pushed");
    const layers = [{ mediaType: "application/x", digest: missing, size: 10 }];
    const body = JSON.stringify({ ...manifest, layers });
    const reply = await oci.ask("PUT", `${MANIFESTS}broken`, { body, headers });
    assert.deepEqual([reply.status, reply.code], [400, "MANIFEST_BLOB_UNKNOWN"]);
    assert.match(reply.text, new RegExp(missing));
    assert.equal((await oci.ask("GET", `${MANIFESTS}broken`)).status, 404);
  });

  test("whatever it lacks is an error of its own, with the digest as its detail", async () => {
    const manifest = JSON.parse(await imageManifest(oci, "acme/app")) as Record<string, unknown>;
    const missing = [sha256("not pushed"), sha256("nor this")];
    const layers = missing.map((digest) => ({ mediaType: "application/x", digest, size: 10 }));
    const body = JSON.stringify({ ...manifest, layers });
    const reply = await oci.ask("PUT", `${MANIFESTS}broken`, { body, headers });
    const errors = reply.json["errors"] as { code: string; detail: unknown }[];
    assert.deepEqual(
      errors.map(({ code, detail }) => [code, detail]),
      missing.map((digest) => ["MANIFEST_BLOB_UNKNOWN", { digest }]),
    );
  });

  test("layers that are had elsewhere need not be there", async () => {
    const manifest = JSON.parse(await imageManifest(oci, "acme/app")) as Record<string, unknown>;
    const digest = sha256("foreign");
    const urls = ["https://example.net/layer"];
    const body = JSON.stringify({
      ...manifest,
      layers: [
        { mediaType: "application/x", digest, size: 1, urls },
        {
          mediaType: "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
          digest,
          size: 1,
        },
      ],
    });
    assert.equal((await oci.ask("PUT", `${MANIFESTS}foreign`, { body, headers })).status, 201);
  });

  const invalid = {
    "is not JSON": ["{", OCI_MANIFEST],
    "is not an object": ["[]", OCI_MANIFEST],
    "is not UTF-8": [Buffer.from([0x22, 0xff, 0x22]), OCI_MANIFEST],
    "has no config": ['{"schemaVersion":2}', OCI_MANIFEST],
    "says another media type than its Content-Type": [
      `{"schemaVersion":2,"mediaType":"${OCI_MANIFEST}","manifests":[]}`,
      "application/vnd.oci.image.index.v1+json",
    ],
    "is of schema 1": [
      '{"schemaVersion":1}',
      "application/vnd.docker.distribution.manifest.v1+prettyjws",
    ],
    "has a digest that is none": [
      '{"schemaVersion":2,"config":{"digest":"sha256:../../x","size":1}}',
      OCI_MANIFEST,
    ],
  } as const;
  for (const [what, [body, type]] of Object.entries(invalid)) {
    test(`one that ${what} is MANIFEST_INVALID`, async () => {
      const reply = await oci.ask("PUT", `${MANIFESTS}invalid`, {
        body,
        headers: { "content-type": type },
      });
      assert.deepEqual([reply.status, reply.code], [400, "MANIFEST_INVALID"], reply.text);
    });
  }

  test("of 4 MiB it SHOULD be taken, above it is a 413", async () => {
    const manifest = JSON.parse(await imageManifest(oci, "acme/app")) as Record<string, unknown>;
    const bare = JSON.stringify({ ...manifest, annotations: { pad: "" } });
    const padded = (bytes: number): string =>
      bare.replace('"pad":""', `"pad":"${"x".repeat(bytes - bare.length)}"`);
    const limit = 4 * 1_048_576;
    const largest = await oci.ask("PUT", `${MANIFESTS}large`, { body: padded(limit), headers });
    assert.equal(largest.status, 201, largest.text);
    const reply = await oci.ask("PUT", `${MANIFESTS}large`, { body: padded(limit + 1), headers });
    assert.deepEqual([reply.status, reply.code], [413, "SIZE_INVALID"]);
    const streamed = await oci.ask("PUT", `${MANIFESTS}large`, {
      body: padded(limit + 1),
      headers: { ...headers, "transfer-encoding": "chunked" },
    });
    assert.deepEqual([streamed.status, streamed.code], [413, "SIZE_INVALID"]);
  });

  test("a tag that is none is TAG_INVALID", async () => {
    const body = await imageManifest(oci, "acme/app");
    for (const tag of [".dot", "-dash", "sp%20ace", "a".repeat(129)]) {
      const reply = await oci.ask("PUT", MANIFESTS + tag, { body, headers });
      assert.deepEqual([reply.status, reply.code], [400, "TAG_INVALID"], tag);
    }
  });
});
