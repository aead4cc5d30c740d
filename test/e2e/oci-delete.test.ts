import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { pushImage, sha256, startOci } from "../support/oci.ts";

const oci = await startOci();
after(() => oci[Symbol.asyncDispose]());

const MANIFESTS = "/v2/acme/app/manifests/";

async function tags(): Promise<unknown> {
  return (await oci.ask("GET", "/v2/acme/app/tags/list")).json["tags"];
}

describe("deleting", () => {
  test("a tag: 202, and what it pointed at stays", async () => {
    const digest = await pushImage(oci, "acme/app", "one", { layers: ["x"] });
    await pushImage(oci, "acme/app", "two", { layers: ["x"] });
    const reply = await oci.ask("DELETE", `${MANIFESTS}one`);
    assert.deepEqual([reply.status, reply.headers["docker-content-digest"]], [202, digest]);
    assert.equal((await oci.ask("GET", `${MANIFESTS}one`)).status, 404);
    assert.equal((await oci.ask("GET", MANIFESTS + digest)).status, 200);
    assert.deepEqual(await tags(), ["two"]);
  });

  test("a manifest: 202, and every tag of it goes, too", async () => {
    const digest = await pushImage(oci, "acme/app", "three", { layers: ["y"] });
    await pushImage(oci, "acme/app", "four", { layers: ["y"] });
    assert.equal((await oci.ask("DELETE", MANIFESTS + digest)).status, 202);
    for (const reference of ["three", "four", digest]) {
      assert.equal((await oci.ask("GET", MANIFESTS + reference)).status, 404, reference);
    }
  });

  test("a blob: 202, and its repository has it no more, though others do", async () => {
    const digest = await oci.push("acme/app", "blob");
    await oci.push("acme/other", "blob");
    assert.equal((await oci.ask("DELETE", `/v2/acme/app/blobs/${digest}`)).status, 202);
    assert.equal((await oci.ask("GET", `/v2/acme/app/blobs/${digest}`)).status, 404);
    assert.equal((await oci.ask("GET", `/v2/acme/other/blobs/${digest}`)).text, "blob");
    await oci.push("acme/app", "blob");
    assert.equal((await oci.ask("GET", `/v2/acme/app/blobs/${digest}`)).text, "blob");
  });

  test("what is not there: 404 with the code that says what", async () => {
    const table = [
      [`${MANIFESTS}never`, "MANIFEST_UNKNOWN"],
      [MANIFESTS + sha256("never"), "MANIFEST_UNKNOWN"],
      [`/v2/acme/app/blobs/${sha256("never")}`, "BLOB_UNKNOWN"],
      ["/v2/nobody/app/manifests/never", "NAME_UNKNOWN"],
    ] as const;
    for (const [target, code] of table) {
      const reply = await oci.ask("DELETE", target);
      assert.deepEqual([reply.status, reply.code], [404, code], target);
    }
  });
});

describe("names and paths", () => {
  test("a name that is none is NAME_INVALID", async () => {
    for (const name of ["acme/UPPER", "acme/-a", "acme/a--", "acme/a..b", "acme//b", "acme/%20"]) {
      const reply = await oci.ask("GET", `/v2/${name}/tags/list`);
      assert.deepEqual([reply.status, reply.code], [400, "NAME_INVALID"], name);
    }
  });

  test("a name without a repository says how names are", async () => {
    const reply = await oci.ask("GET", "/v2/acme/tags/list");
    assert.deepEqual([reply.status, reply.code], [404, "NAME_UNKNOWN"]);
    assert.match(reply.message, /<registry>\/<repository>/);
  });

  test("a repository may be called as a part of the API is", async () => {
    for (const name of ["acme/blobs", "acme/manifests/tags", "acme/blobs/uploads"]) {
      await pushImage(oci, name, "list");
      assert.equal((await oci.ask("GET", `/v2/${name}/manifests/list`)).status, 200, name);
    }
  });

  test("a method that a resource has not is a 405 that names those that it has", async () => {
    const reply = await oci.ask("POST", `${MANIFESTS}v1`, { body: "" });
    assert.deepEqual([reply.status, reply.code], [405, "UNSUPPORTED"]);
    assert.equal(reply.headers.allow, "GET, HEAD, PUT, DELETE");
    assert.equal((await oci.ask("GET", "/v1/search")).status, 404);
  });

  test("HEAD is a method of everything that GET lists (RFC 9110 §9.1)", async () => {
    const lists = [
      "/v2/_catalog",
      "/v2/acme/app/tags/list",
      `/v2/acme/app/referrers/${sha256("")}`,
    ];
    await pushImage(oci, "acme/app", "v1");
    for (const target of lists) {
      const get = await oci.ask("GET", target);
      const head = await oci.ask("HEAD", target);
      assert.deepEqual([head.status, head.text], [200, ""], target);
      assert.equal(head.headers["content-length"], get.headers["content-length"]);
    }
  });
});

describe("limits of the account's tier", () => {
  test("a second repository on starter is DENIED in DigitalOcean's words", async () => {
    const { token } = await oci.newOwner("small", "starter");
    const digest = sha256("x");
    const push = (name: string) =>
      oci.ask("POST", `/v2/small/${name}/blobs/uploads/?digest=${digest}`, { body: "x", token });
    assert.equal((await push("one")).status, 201);
    assert.equal((await push("one")).status, 201);
    const reply = await push("two");
    assert.deepEqual([reply.status, reply.code], [403, "DENIED"]);
    assert.match(reply.message, /^registry contains 1 repositories, limit is 1\b/);
    const manifest = await oci.ask("PUT", "/v2/small/two/manifests/v1", {
      body: '{"schemaVersion":2,"manifests":[]}',
      headers: { "content-type": "application/vnd.oci.image.index.v1+json" },
      token,
    });
    assert.equal(manifest.code, "DENIED");
  });
});
