import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { rmSync, truncateSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, describe, test } from "node:test";
import type { Digest } from "#oci/digest.ts";
import { scrub } from "#oci/scrub.ts";
import { NOON, OCI_MANIFEST, pushImage, sha256, startOci } from "../support/oci.ts";

const oci = await startOci();
after(() => oci[Symbol.asyncDispose]());

const content = randomBytes(700_000);
const digest = await oci.push("acme/app", content);
const BLOB = `/v2/acme/app/blobs/${digest}`;

function fileOf(of: string): string {
  const blobs = join(dirname(oci.storage.database), "registry", "blobs");
  return join(blobs, oci.storage.blobs.relativePath(of as Digest));
}

describe("pulling a blob", () => {
  test("GET MUST be a 200 with its octets and digest, cacheable for ever by its reader", async () => {
    const reply = await oci.ask("GET", BLOB);
    assert.equal(reply.status, 200);
    assert.deepEqual(reply.body, content);
    const { headers } = reply;
    assert.equal(headers["docker-content-digest"], digest);
    assert.equal(headers.etag, `"${digest}"`);
    assert.equal(headers["cache-control"], "private, max-age=31536000, immutable");
    assert.equal(headers["content-type"], "application/octet-stream");
  });

  test("HEAD MUST be a 200 with its length and digest, and no content", async () => {
    const reply = await oci.ask("HEAD", BLOB);
    assert.equal(reply.status, 200);
    assert.equal(reply.headers["content-length"], String(content.byteLength));
    assert.equal(reply.headers["docker-content-digest"], digest);
    assert.equal(reply.body.byteLength, 0);
  });

  test("one that is not there MUST be a 404 with BLOB_UNKNOWN", async () => {
    const reply = await oci.ask("GET", `/v2/acme/app/blobs/${sha256("nothing")}`);
    assert.deepEqual([reply.status, reply.code], [404, "BLOB_UNKNOWN"]);
    const head = await oci.ask("HEAD", `/v2/acme/app/blobs/${sha256("nothing")}`);
    assert.deepEqual([head.status, head.body.byteLength], [404, 0]);
    const elsewhere = await oci.ask("GET", BLOB.replace("/app/", "/other/"));
    assert.equal(elsewhere.status, 404, "a blob is its repositories'");
  });

  test("Range SHOULD be served, as RFC 9110 has it", async () => {
    const ranges = [
      ["bytes=0-9", 0, 10],
      ["bytes=699990-", 699_990, 700_000],
      ["bytes=-5", 699_995, 700_000],
      ["bytes=10-9999999", 10, 700_000],
    ] as const;
    for (const [range, first, end] of ranges) {
      const reply = await oci.ask("GET", BLOB, { headers: { range } });
      assert.equal(reply.status, 206, range);
      assert.equal(reply.headers["content-range"], `bytes ${first}-${end - 1}/700000`);
      assert.deepEqual(reply.body, content.subarray(first, end));
    }
    const beyond = await oci.ask("GET", BLOB, { headers: { range: "bytes=700000-" } });
    assert.deepEqual([beyond.status, beyond.headers["content-range"]], [416, "bytes */700000"]);
    const several = await oci.ask("GET", BLOB, { headers: { range: "bytes=0-1,5-6" } });
    assert.equal(several.status, 200);
  });

  test("a client that has it is told so, and one with a part gets the rest of the same", async () => {
    const same = { "if-none-match": `"${digest}"` };
    const reply = await oci.ask("GET", BLOB, { headers: same });
    assert.deepEqual([reply.status, reply.body.byteLength], [304, 0]);
    const head = await oci.ask("HEAD", BLOB, { headers: same });
    assert.deepEqual([head.status, head.headers.etag], [304, `"${digest}"`]);
    for (const method of ["GET", "HEAD"]) {
      const failed = await oci.ask(method, BLOB, { headers: { "if-match": '"other"' } });
      assert.equal(failed.status, 412, method);
    }
    const rest = { range: "bytes=5-9", "if-range": `"${digest}"` };
    assert.equal((await oci.ask("GET", BLOB, { headers: rest })).status, 206);
    const other = { range: "bytes=5-9", "if-range": '"other"' };
    assert.equal((await oci.ask("GET", BLOB, { headers: other })).status, 200);
  });

  test("a digest that is none is DIGEST_INVALID", async () => {
    const reply = await oci.ask("GET", "/v2/acme/app/blobs/sha256:xyz");
    assert.deepEqual([reply.status, reply.code], [400, "DIGEST_INVALID"]);
  });
});

describe("a blob whose file is damaged", () => {
  const repaired = async (text: string): Promise<void> => {
    await oci.push("acme/app", text);
    assert.equal((await oci.ask("GET", `/v2/acme/app/blobs/${sha256(text)}`)).text, text);
  };

  test("is not served when it is cut short, and comes back with the next push", async () => {
    const cut = await oci.push("acme/app", "will be cut");
    truncateSync(fileOf(cut), 4);
    const reply = await oci.ask("GET", `/v2/acme/app/blobs/${cut}`);
    assert.deepEqual([reply.status, reply.code], [404, "BLOB_UNKNOWN"]);
    assert.equal((await oci.ask("HEAD", `/v2/acme/app/blobs/${cut}`)).status, 404);
    const mount = await oci.ask("POST", `/v2/acme/b/blobs/uploads/?mount=${cut}&from=acme/app`);
    assert.equal(mount.status, 202);
    await repaired("will be cut");
  });

  test("is not said to be there when it is lost", async () => {
    const lost = await oci.push("acme/app", "will be lost");
    rmSync(fileOf(lost));
    assert.equal((await oci.ask("HEAD", `/v2/acme/app/blobs/${lost}`)).status, 404);
    await repaired("will be lost");
  });

  test("is found by the scrub when other octets are in it", async () => {
    const rotten = await oci.push("acme/app", "sound");
    writeFileSync(fileOf(rotten), "rotte");
    const { content: store, blobs: files } = oci.storage;
    const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
    const wait = async (): Promise<void> => undefined;
    const result = await scrub({ store, files, log, wait }, new AbortController().signal);
    assert.equal(result.corrupt, 1);
    assert(result.sound >= 1);
    assert.equal((await oci.ask("GET", `/v2/acme/app/blobs/${rotten}`)).status, 404);
    await repaired("sound");
  });
});

describe("pulling a manifest", () => {
  const MANIFESTS = "/v2/acme/app/manifests/";

  test("by tag and by digest MUST be a 200 with its own media type, whatever Accept says", async () => {
    const image = await pushImage(oci, "acme/app", "pulled", { layers: ["a layer"] });
    for (const reference of ["pulled", image]) {
      const headers = { accept: "application/json" };
      const reply = await oci.ask("GET", MANIFESTS + reference, { headers });
      assert.equal(reply.status, 200);
      assert.equal(reply.headers["content-type"], OCI_MANIFEST);
      assert.equal(reply.headers["docker-content-digest"], image);
      assert.equal(sha256(reply.body), image);
      const head = await oci.ask("HEAD", MANIFESTS + reference);
      assert.equal(head.status, 200);
      assert.equal(head.headers["content-length"], reply.headers["content-length"]);
      assert.equal(head.headers["docker-content-digest"], image);
      const same = { "if-none-match": `"${image}"` };
      assert.equal((await oci.ask("GET", MANIFESTS + reference, { headers: same })).status, 304);
      const other = { "if-match": '"other"' };
      assert.equal((await oci.ask("GET", MANIFESTS + reference, { headers: other })).status, 412);
    }
  });

  test("one that is not there MUST be a 404 with MANIFEST_UNKNOWN", async () => {
    for (const reference of ["never", ".INVALID_MANIFEST_NAME", sha256("never")]) {
      const reply = await oci.ask("GET", MANIFESTS + reference);
      assert.deepEqual([reply.status, reply.code], [404, "MANIFEST_UNKNOWN"], reference);
      assert.equal((await oci.ask("HEAD", MANIFESTS + reference)).status, 404);
    }
  });

  test("with its digest's colon escaped is the same", async () => {
    const image = await pushImage(oci, "acme/app", "escaped");
    const reply = await oci.ask("GET", MANIFESTS + image.replace(":", "%3A"));
    assert.equal(reply.status, 200);
  });
});

describe("what a client was told is there", () => {
  const protection = async (of: string) => {
    const { content: store } = oci.storage;
    const place = { registry: "acme", repository: "kept", full: "acme/kept" };
    const id = store.findRepository(oci.owner.accountId, place) ?? 0;
    return store.findBlob(id, of as Digest);
  };

  test("is kept for a manifest to come for an hour, or until one has used it", async () => {
    const waits = await oci.push("acme/kept", "waits");
    assert(((await protection(waits))?.protectedUntil ?? 0) > 0);
    await pushImage(oci, "acme/kept", "v1", { layers: ["kept"] });
    const kept = sha256("kept");
    assert.equal((await protection(kept))?.protectedUntil, 0);
    await oci.ask("HEAD", `/v2/acme/kept/blobs/${kept}`);
    assert.equal((await protection(kept))?.protectedUntil, NOON + 3_600_000);
  });

  test("is kept on for others than the one whose manifest came first", async () => {
    const shared = await oci.push("acme/kept", "shared");
    const other = await oci.newToken(["write"]);
    await oci.ask("HEAD", `/v2/acme/kept/blobs/${shared}`, { token: other.text });
    await pushImage(oci, "acme/kept", "v2", { layers: ["shared"] });
    assert((await protection(shared))?.protectedUntil);
  });
});
