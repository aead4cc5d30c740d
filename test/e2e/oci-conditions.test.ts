import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { imageManifest, OCI_MANIFEST, sha256, startOci } from "../support/oci.ts";

const oci = await startOci();
after(() => oci[Symbol.asyncDispose]());

const MANIFESTS = "/v2/acme/app/manifests/";

/** Pushes a manifest of that layer by a tag or its digest. @returns the status and what it is */
async function put(reference: string, layer: string, conditions: Readonly<Record<string, string>>) {
  const body = await imageManifest(oci, "acme/app", { layers: [layer] });
  const digest = sha256(body);
  const target = MANIFESTS + (reference === "digest" ? digest : reference);
  const headers = { "content-type": OCI_MANIFEST, ...conditions };
  const reply = await oci.ask("PUT", target, { body, headers });
  return { status: reply.status, code: reply.code, digest, text: reply.text };
}

/** What a tag points at. */
async function at(tag: string): Promise<unknown> {
  return (await oci.ask("HEAD", MANIFESTS + tag)).headers["docker-content-digest"];
}

describe("a write with conditions (RFC 9110 §13.1)", () => {
  test("If-None-Match: * makes a tag, and moves none", async () => {
    const once = { "if-none-match": "*" };
    const first = await put("once", "1", once);
    assert.equal(first.status, 201);
    const second = await put("once", "2", once);
    assert.deepEqual([second.status, second.code], [412, "DENIED"]);
    assert.match(second.text, new RegExp(first.digest), "it says what is there");
    assert.equal(await at("once"), first.digest);
    const untagged = await oci.ask("HEAD", MANIFESTS + second.digest);
    assert.equal(untagged.status, 404, "nothing of it is kept");
  });

  test("If-Match moves a tag from what it names, and from nothing else", async () => {
    const first = await put("moved", "1", {});
    const second = await put("moved", "2", { "if-match": `"${first.digest}"` });
    assert.equal(second.status, 201);
    const late = await put("moved", "3", { "if-match": `"${first.digest}"` });
    assert.equal(late.status, 412);
    assert.equal(await at("moved"), second.digest);
    assert.equal((await put("never", "3", { "if-match": "*" })).status, 412);
    const weak = await put("moved", "3", { "if-match": `W/"${second.digest}"` });
    assert.equal(weak.status, 412, "the comparison is the strong one");
  });

  test("of several pushes that saw the same, one is taken", async () => {
    const seen = await put("raced", "0", {});
    const condition = { "if-match": `"${seen.digest}"` };
    const layers = Array.from({ length: 8 }, (_, index) => `raced-${index}`);
    const all = await Promise.all(layers.map((layer) => put("raced", layer, condition)));
    const taken = all.filter(({ status }) => status === 201);
    assert.equal(taken.length, 1);
    assert.equal(await at("raced"), taken[0]?.digest);
    assert(all.every(({ status }) => status === 201 || status === 412));
  });

  test("holds for a push by digest, too", async () => {
    assert.equal((await put("digest", "by digest", { "if-none-match": "*" })).status, 201);
    assert.equal((await put("digest", "by digest", { "if-none-match": "*" })).status, 412);
  });

  test("If-Match deletes a tag as it was seen; what is not there stays a 404", async () => {
    const first = await put("gone", "1", {});
    const second = await put("gone", "2", {});
    const remove = async (tag: string, digest: string): Promise<number> => {
      const headers = { "if-match": `"${digest}"` };
      return (await oci.ask("DELETE", MANIFESTS + tag, { headers })).status;
    };
    assert.equal(await remove("gone", first.digest), 412);
    assert.equal(await remove("gone", second.digest), 202);
    assert.equal(await remove("gone", second.digest), 404);
  });
});
