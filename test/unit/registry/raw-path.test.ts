import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { escapeRepository } from "#registry/raw-path.ts";

describe("a repository's name with raw slashes", () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ["GET", "my/repo/tags", "my%2Frepo/tags"],
    ["HEAD", "my/deep/repo/digests", "my%2Fdeep%2Frepo/digests"],
    ["DELETE", "my/repo/tags/v1", "my%2Frepo/tags/v1"],
    ["DELETE", "my/repo/digests/sha256:ab", "my%2Frepo/digests/sha256:ab"],
    ["DELETE", "my/repo", "my%2Frepo"],
    // Parts of a name that are like the routes' own.
    ["GET", "my/tags/tags", "my%2Ftags/tags"],
    ["GET", "tags/tags", "tags/tags"],
    ["DELETE", "my/tags/tags/v1", "my%2Ftags/tags/v1"],
    ["DELETE", "my/tags/v1", "my/tags/v1"],
    ["DELETE", "repo/tags/tags", "repo/tags/tags"],
    // A tag that was left out is no repository.
    ["DELETE", "my/repo/tags", "my%2Frepo/tags"],
    ["DELETE", "repo/digests", "repo/digests"],
    // As every other client writes it.
    ["GET", "my%2Frepo/tags", "my%2Frepo/tags"],
    ["DELETE", "my%2Frepo/tags/v1", "my%2Frepo/tags/v1"],
    ["DELETE", "repo", "repo"],
  ];
  for (const [method, written, routed] of cases) {
    test(`${method} ${written} is ${routed}`, () => {
      for (const base of ["/v2/registry", "/v2/registries"]) {
        const before = `${base}/images/repositories/`;
        assert.equal(escapeRepository(method, before + written), before + routed);
      }
    });
  }

  test("is looked for nowhere else", () => {
    for (const path of [
      "/v2/registries/images/garbage-collection/a/b",
      "/v2/registries/images/repositories",
      "/v2/cdn/endpoints/a/repositories/b/c",
      "/",
    ]) {
      assert.equal(escapeRepository("GET", path), path);
    }
  });
});
