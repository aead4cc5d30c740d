import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseDigest } from "#oci/digest.ts";
import { parseName, parseReference } from "#oci/name.ts";
import { parseTarget } from "#oci/target.ts";

describe("a repository's name", () => {
  const names = ["acme/app", "a/b/c", "acme/a-b_c.d__e--f", `a/${"b".repeat(253)}`];
  for (const name of names) {
    test(`may be ${name.slice(0, 30)}`, () => {
      const parsed = parseName(name);
      assert(parsed.kind === "name" && parsed.name.full === name);
      assert.equal(`${parsed.name.registry}/${parsed.name.repository}`, name);
    });
  }

  test("has a repository after the registry", () => {
    assert.deepEqual(parseName("acme"), { kind: "registry-only", registry: "acme" });
  });

  const invalid = ["", "/", "a/", "/a", "A/b", "a/b_", "a/___b", "a/..", "a/b..c", "a/b\n"];
  for (const name of [...invalid, `a/${"b".repeat(254)}`]) {
    test(`is never ${JSON.stringify(name.slice(0, 30))}`, () => {
      assert.equal(parseName(name).kind, "invalid");
    });
  }
});

describe("a reference", () => {
  test("with a colon is a digest, or nothing", () => {
    const digest = `sha256:${"a".repeat(64)}`;
    assert.deepEqual(parseReference(digest), { kind: "digest", digest });
    assert.equal(parseReference(`sha256:${"a".repeat(63)}`), undefined);
    assert.equal(parseReference("a:b"), undefined);
  });

  test("without is a tag of 128 characters at most", () => {
    assert.deepEqual(parseReference("_V1.0-x"), { kind: "tag", tag: "_V1.0-x" });
    for (const tag of ["", ".a", "-a", "a/b", "a b", "a".repeat(129)]) {
      assert.equal(parseReference(tag), undefined, tag);
    }
  });
});

describe("a digest", () => {
  test("is of sha256 or sha512, in lower case and as long as it should be", () => {
    const good = [`sha256:${"0f".repeat(32)}`, `sha512:${"0f".repeat(64)}`];
    for (const text of good) assert.equal(parseDigest(text), text);
    const hex = "a".repeat(64);
    const bad = [
      hex,
      `sha256:${hex}a`,
      `sha512:${hex}`,
      `SHA256:${hex}`,
      `sha256:${"A".repeat(64)}`,
    ];
    for (const text of [...bad, `md5:${hex}`, "constructor:a", `sha256:${hex}\n`, "sha256:"]) {
      assert.equal(parseDigest(text), undefined, text);
    }
  });
});

describe("a request's target", () => {
  const table = [
    ["/v2", { kind: "base" }],
    ["/v2/", { kind: "base" }],
    ["/v2/_catalog", { kind: "catalog" }],
    ["/v2/a/b/tags/list", { kind: "tags", name: "a/b" }],
    ["/v2/a/tags/tags/list", { kind: "tags", name: "a/tags" }],
    ["/v2/a/b/manifests/v1", { kind: "manifest", name: "a/b", reference: "v1" }],
    ["/v2/a%2Fb/manifests/v1", { kind: "manifest", name: "a/b", reference: "v1" }],
    ["/v2/a/b/blobs/sha256%3Aaa", { kind: "blob", name: "a/b", digest: "sha256:aa" }],
    ["/v2/a/b/blobs/uploads/", { kind: "uploads", name: "a/b" }],
    ["/v2/a/b/blobs/uploads", { kind: "uploads", name: "a/b" }],
    ["/v2/a/blobs/uploads/x", { kind: "upload", name: "a", id: "x" }],
    ["/v2/a/b/referrers/d", { kind: "referrers", name: "a/b", digest: "d" }],
    ["/token", { kind: "token" }],
    ["/v2/%zz/tags/list", { kind: "unknown" }],
    ["/", { kind: "unknown" }],
    ["/v2/a/b", { kind: "unknown" }],
  ] as const;
  for (const [path, target] of table) {
    test(`of ${path} is ${target.kind}`, () => assert.deepEqual(parseTarget(path), target));
  }
});
