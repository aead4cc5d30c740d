import assert from "node:assert/strict";
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
