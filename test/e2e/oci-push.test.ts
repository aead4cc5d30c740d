import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { after, describe, test } from "node:test";
import { type OciReply, sha256, startOci } from "../support/oci.ts";

const oci = await startOci();
after(() => oci[Symbol.asyncDispose]());

const UPLOADS = "/v2/acme/app/blobs/uploads/";

async function begin(query = ""): Promise<string> {
  const reply = await oci.ask("POST", UPLOADS + query);
  assert.equal(reply.status, 202, reply.text);
  return reply.headers.location ?? "";
}

function withDigest(location: string, digest: string): string {
  return `${location}${location.includes("?") ? "&" : "?"}digest=${digest}`;
}

async function chunk(location: string, body: string | Uint8Array, range: string) {
  const headers = { "content-type": "application/octet-stream", "content-range": range };
  return oci.ask("PATCH", location, { body, headers });
}

function assertPushed(reply: OciReply, digest: string): void {
  assert.equal(reply.status, 201, reply.text);
  assert.equal(reply.headers.location, `/v2/acme/app/blobs/${digest}`);
  assert.equal(reply.headers["docker-content-digest"], digest);
}

describe("pushing a blob monolithically", () => {
  test("POST then PUT: 202 with a Location that MUST be unique, then 201 with the blob's", async () => {
    const content = randomBytes(100_000);
    const digest = sha256(content);
    const [one, other] = [await begin(), await begin()];
    assert.notEqual(one, other);
    const reply = await oci.ask("PUT", withDigest(one, digest), { body: content });
    assertPushed(reply, digest);
    const pulled = await oci.ask("GET", reply.headers.location ?? "");
    assert.deepEqual(pulled.body, content);
  });

  test("a single POST with the digest: 201", async () => {
    const digest = sha256("at once");
    assertPushed(await oci.ask("POST", `${UPLOADS}?digest=${digest}`, { body: "at once" }), digest);
  });

  test("a blob of nothing is a blob", async () => {
    const digest = sha256("");
    assertPushed(await oci.ask("PUT", withDigest(await begin(), digest)), digest);
    const pulled = await oci.ask("GET", `/v2/acme/app/blobs/${digest}`);
    assert.equal(pulled.status, 200);
    assert.equal(pulled.headers["content-length"], "0");
  });

  test("a wrong digest is refused with DIGEST_INVALID, and nothing of it is left", async () => {
    const wrong = sha256("something else");
    const location = await begin();
    const reply = await oci.ask("PUT", withDigest(location, wrong), { body: "this" });
    assert.deepEqual([reply.status, reply.code], [400, "DIGEST_INVALID"]);
    assert.equal((await oci.ask("GET", location)).code, "BLOB_UPLOAD_UNKNOWN");
    assert.equal((await oci.ask("HEAD", `/v2/acme/app/blobs/${wrong}`)).status, 404);
    assert.equal((await oci.ask("HEAD", `/v2/acme/app/blobs/${sha256("this")}`)).status, 404);
    const atOnce = await oci.ask("POST", `${UPLOADS}?digest=${wrong}`, { body: "this" });
    assert.equal(atOnce.code, "DIGEST_INVALID");
  });

  for (const digest of ["", "sha256:abc", `sha256:${"A".repeat(64)}`, `md5:${"a".repeat(32)}`]) {
    test(`${digest || "no digest"} is DIGEST_INVALID`, async () => {
      const reply = await oci.ask("PUT", withDigest(await begin(), digest), { body: "x" });
      assert.deepEqual([reply.status, reply.code], [400, "DIGEST_INVALID"]);
    });
  }

  test("a digest may be sha512", async () => {
    const digest = `sha512:${createHash("sha512").update("long").digest("hex")}`;
    const location = await begin("?digest-algorithm=sha512");
    assertPushed(await oci.ask("PUT", withDigest(location, digest), { body: "long" }), digest);
    assert.equal((await oci.ask("GET", `/v2/acme/app/blobs/${digest}`)).text, "long");
  });

  test("a digest may be of another algorithm than was said at the beginning", async () => {
    const digest = `sha512:${createHash("sha512").update("changed").digest("hex")}`;
    assertPushed(
      await oci.ask("PUT", withDigest(await begin(), digest), { body: "changed" }),
      digest,
    );
  });

  test("an algorithm that is not known is a 400", async () => {
    const reply = await oci.ask("POST", `${UPLOADS}?digest-algorithm=md5`);
    assert.equal(reply.status, 400);
  });
});

describe("pushing a blob in chunks", () => {
  test("in order: each PATCH is a 202 with Location and Range, the closing PUT a 201", async () => {
    const digest = sha256("abcdefghij");
    const location = await begin();
    const first = await chunk(location, "abcd", "0-3");
    assert.equal(first.status, 202, first.text);
    assert.equal(first.headers.range, "0-3");
    assert.equal(first.headers.location, location);
    const second = await chunk(location, "efgh", "4-7");
    assert.equal(second.headers.range, "0-7");
    assertPushed(
      await oci.ask("PUT", withDigest(location, digest), {
        body: "ij",
        headers: { "content-range": "8-9" },
      }),
      digest,
    );
  });

  test("a chunk out of order MUST be a 416, and the upload goes on where it was", async () => {
    const location = await begin();
    await chunk(location, "abcd", "0-3");
    for (const range of ["5-8", "0-3", "3-6"]) {
      const reply = await chunk(location, "efgh", range);
      assert.deepEqual([reply.status, reply.headers.range], [416, "0-3"], range);
      assert.equal(reply.headers.location, location);
    }
    assert.equal((await chunk(location, "efgh", "4-7")).status, 202);
  });

  for (const range of ["abc", "0", "3-1", "bytes 0-3", "0-3/4", "-1-2", "0-"]) {
    test(`a Content-Range of ${range} is malformed`, async () => {
      const reply = await chunk(await begin(), "abcd", range);
      assert.deepEqual([reply.status, reply.code], [400, "BLOB_UPLOAD_INVALID"]);
    });
  }

  test("a Content-Range that is not as long as the content is refused, and adds nothing", async () => {
    const location = await begin();
    assert.equal((await chunk(location, "abcd", "0-9")).status, 400);
    const streamed = await oci.ask("PATCH", location, {
      body: "abcdef",
      headers: { "content-range": "0-3", "transfer-encoding": "chunked" },
    });
    assert.deepEqual([streamed.status, streamed.code], [400, "SIZE_INVALID"]);
    const digest = sha256("abcd");
    assert.equal((await chunk(location, "abcd", "0-3")).headers.range, "0-3");
    assertPushed(await oci.ask("PUT", withDigest(location, digest)), digest);
  });

  test("without Content-Range, as docker streams it, what comes is appended", async () => {
    const digest = sha256("onetwo");
    const location = await begin();
    const headers = { "transfer-encoding": "chunked" };
    const first = await oci.ask("PATCH", location, { body: "one", headers });
    assert.deepEqual([first.status, first.headers.range], [202, "0-2"]);
    await oci.ask("PATCH", location, { body: "two", headers });
    assertPushed(await oci.ask("PUT", withDigest(location, digest)), digest);
  });

  test("GET of an upload: 204 with what has arrived", async () => {
    const location = await begin();
    await chunk(location, "abcd", "0-3");
    const reply = await oci.ask("GET", location);
    assert.deepEqual([reply.status, reply.headers.range], [204, "0-3"]);
    assert.equal(reply.headers.location, location);
    assert.equal(reply.headers["docker-upload-uuid"], location.split("/").at(-1));
  });

  test("HEAD of an upload has what GET has", async () => {
    const location = await begin();
    await chunk(location, "abcd", "0-3");
    const reply = await oci.ask("HEAD", location);
    assert.deepEqual([reply.status, reply.headers.range], [204, "0-3"]);
  });

  test("DELETE of an upload: 204, and it is gone", async () => {
    const location = await begin();
    assert.equal((await oci.ask("DELETE", location)).status, 204);
    for (const method of ["GET", "PATCH", "DELETE"]) {
      const reply = await oci.ask(method, location);
      assert.deepEqual([reply.status, reply.code], [404, "BLOB_UPLOAD_UNKNOWN"], method);
    }
  });

  test("an upload is its repository's, and its account's", async () => {
    const location = await begin();
    const elsewhere = location.replace("/app/", "/other/");
    assert.equal((await oci.ask("GET", elsewhere)).code, "BLOB_UPLOAD_UNKNOWN");
    const { token } = await oci.newOwner("stranger");
    assert.equal((await oci.ask("GET", location, { token })).code, "NAME_UNKNOWN");
  });
});

describe("mounting a blob from another repository", () => {
  test("201 with the blob's Location when the source has it", async () => {
    const digest = await oci.push("acme/source", "shared");
    const reply = await oci.ask("POST", `${UPLOADS}?mount=${digest}&from=acme/source`);
    assertPushed(reply, digest);
    assert.equal((await oci.ask("GET", `/v2/acme/app/blobs/${digest}`)).text, "shared");
  });

  test("202 and an upload when the source has it not, or is none", async () => {
    const digest = await oci.push("acme/source", "only there");
    for (const from of ["acme/empty", "nobody/none", "UPPER", ""]) {
      const reply = await oci.ask("POST", `${UPLOADS}?mount=${digest}&from=${from}`);
      assert.equal(reply.status, 202, from);
      assert.match(reply.headers.location ?? "", /^\/v2\/acme\/app\/blobs\/uploads\/./);
    }
  });

  test("without `from`, whichever of the caller's repositories has it", async () => {
    const digest = await oci.push("acme/source", "anywhere");
    assertPushed(await oci.ask("POST", `${UPLOADS}?mount=${digest}`), digest);
    const unknown = sha256("nowhere");
    assert.equal((await oci.ask("POST", `${UPLOADS}?mount=${unknown}`)).status, 202);
  });

  test("never another account's, named or not", async () => {
    const { token } = await oci.newOwner("others");
    const content = "not yours";
    const digest = sha256(content);
    await oci.ask("POST", `/v2/others/secret/blobs/uploads/?digest=${digest}`, {
      body: content,
      token,
    });
    for (const query of [`mount=${digest}&from=others/secret`, `mount=${digest}`]) {
      assert.equal((await oci.ask("POST", `${UPLOADS}?${query}`)).status, 202, query);
    }
    assert.equal((await oci.ask("GET", `/v2/acme/app/blobs/${digest}`)).status, 404);
  });
});
