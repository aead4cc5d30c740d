import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { describe, test } from "node:test";
import { locate } from "#edge/origin/locate.ts";
import { endpoint } from "./support.ts";

const embedded = { port: 9_999, secret: "s3cret" };
const NOW = Date.UTC(2026, 10, 22, 12);
const credentials = { accessKeyId: "AKID", secretAccessKey: "SECRET", region: "us-east-1" };

function at(target: string, upstream?: (typeof endpoint)["upstream"]): ReturnType<typeof locate> {
  const wanted = upstream === undefined ? endpoint : { ...endpoint, upstream };
  return locate({ endpoint: wanted, method: "GET", target }, embedded, NOW);
}

/** SigV4 by the book, of a path that is canonical already. */
function signatureOf(path: string): string {
  const hmac = (key: string | Buffer, text: string): Buffer =>
    createHmac("sha256", key).update(text).digest();
  const hash = (text: string): string => createHash("sha256").update(text).digest("hex");
  const names = "host;x-amz-content-sha256;x-amz-date";
  const fields = `host:store.test\nx-amz-content-sha256:${hash("")}\nx-amz-date:20261122T120000Z\n`;
  const request = ["GET", path, "", fields, names, hash("")].join("\n");
  const scope = "20261122/us-east-1/s3/aws4_request";
  const text = ["AWS4-HMAC-SHA256", "20261122T120000Z", scope, hash(request)].join("\n");
  return hmac(scope.split("/").reduce<string | Buffer>(hmac, "AWS4SECRET"), text).toString("hex");
}

describe("the location of an object", () => {
  test("of an embedded Space is the control plane's, under its secret", () => {
    assert.deepEqual(at("/a%20b?c"), {
      kind: "location",
      origin: "http://127.0.0.1:9999",
      path: "/static.nyc3/a%20b?c",
      fields: { "x-atoll-secret": "s3cret" },
    });
  });

  test("of an upstream Space is its base URL and the raw target", () => {
    assert.deepEqual(at("/a%2Fb?c", { url: "https://store.test:8443/static/" }), {
      kind: "location",
      origin: "https://store.test:8443",
      path: "/static/a%2Fb?c",
      fields: {},
    });
  });

  test("is signed for an object when there are credentials, and leaves its query behind", () => {
    const found = at("/a%20b?acl", { url: "https://store.test", credentials });
    assert(found.kind === "location");
    assert.equal(found.path, "/a%20b");
    assert.equal(found.fields["x-amz-date"], "20261122T120000Z");
    assert.match(
      found.fields["authorization"] ?? "",
      /^AWS4-HMAC-SHA256 Credential=AKID\/20261122\/us-east-1\/s3\/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=[\da-f]{64}$/,
    );
  });

  test("is signed for the path that is sent, in which all that S3 escapes is escaped", () => {
    // One key in each of the ways in which a client may write it.
    for (const target of [
      "/a+b!'()*;:@&=,$~/%C3%A9",
      "/a%2Bb%21%27%28%29%2A%3B%3A%40%26%3D%2C%24~/%C3%A9",
    ]) {
      const found = at(target, { url: "https://store.test/x+y", credentials });
      assert(found.kind === "location");
      const path = "/x%2By/a%2Bb%21%27%28%29%2A%3B%3A%40%26%3D%2C%24~/%C3%A9";
      assert.equal(found.path, path);
      assert.equal(found.fields["authorization"]?.split("Signature=")[1], signatureOf(path));
    }
  });

  test("keeps a raw plus where nothing is signed", () => {
    const found = at("/a+b", { url: "https://store.test" });
    assert.equal(found.kind === "location" && found.path, "/a+b");
  });

  const unsigned = ["/", "/?list-type=2", "/a?X-Amz-Credential=k&X-Amz-Signature=s"];
  for (const target of unsigned) {
    test(`is not signed for ${target}`, () => {
      const found = at(target, { url: "https://store.test", credentials });
      assert(found.kind === "location");
      assert.deepEqual(found.fields, {});
      assert.equal(found.path, target);
    });
  }

  test("does not exist for dot segments, nor, signed, for malformed escapes", () => {
    assert.equal(at("/../other.nyc3/a").kind, "unusable");
    assert.equal(at("/%E0%A4%A", { url: "https://store.test", credentials }).kind, "unusable");
  });
});
