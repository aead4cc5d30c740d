import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { decideChunk, receivedRange } from "#oci/chunk.ts";
import { grantable, grantsCover, parseScope, repositoryGrant, scopeText } from "#oci/scope.ts";

describe("a scope of docker's token flow", () => {
  test("is a type, a name and actions", () => {
    const grant = { type: "repository", name: "a/b", actions: ["pull", "push"] };
    assert.deepEqual(parseScope("repository:a/b:pull,push"), grant);
    assert.equal(scopeText(grant), "repository:a/b:pull,push");
    assert.deepEqual(parseScope("repository(plugin):a/b:pull"), repositoryGrant("a/b", ["pull"]));
    assert.equal(parseScope("nothing"), undefined);
  });

  test("is granted as far as the API token's scopes go", () => {
    const asked = [
      { type: "repository", name: "a/b", actions: ["pull", "push", "delete"] },
      { type: "registry", name: "catalog", actions: ["*"] },
      { type: "other", name: "thing", actions: ["pull"] },
    ];
    assert.deepEqual(grantable(asked, ["registry:read", "registry:update"]), [
      { type: "repository", name: "a/b", actions: ["pull", "push"] },
      { type: "registry", name: "catalog", actions: ["*"] },
    ]);
    assert.deepEqual(grantable(asked, ["cdn:read"]), []);
    const star = [{ type: "repository", name: "a/b", actions: ["*"] }];
    assert.deepEqual(grantable(star, ["read"]), [repositoryGrant("a/b", ["pull"])]);
  });

  test("covers its own repository's actions and no other's", () => {
    const grants = [repositoryGrant("a/b", ["pull"]), repositoryGrant("a/c", ["pull", "push"])];
    assert(grantsCover(grants, repositoryGrant("a/c", ["push", "pull"])));
    assert(!grantsCover(grants, repositoryGrant("a/b", ["push"])));
    assert(!grantsCover(grants, repositoryGrant("a", ["pull"])));
  });
});

describe("a chunk of an upload", () => {
  test("comes next, or is out of order", () => {
    assert.deepEqual(decideChunk("5-9", 5, 5), { kind: "append", bytes: 5 });
    assert.deepEqual(decideChunk("5-9", undefined, 5), { kind: "append", bytes: 5 });
    for (const has of [0, 4, 6]) assert.equal(decideChunk("5-9", 5, has).kind, "out-of-order");
  });

  test("without a position is what comes next", () => {
    assert.deepEqual(decideChunk(undefined, 7, 3), { kind: "append", bytes: 7 });
    assert.deepEqual(decideChunk(undefined, undefined, 3), { kind: "append", bytes: undefined });
  });

  test("is malformed when it is not as long as it says", () => {
    assert.equal(decideChunk("0-9", 5, 0).kind, "malformed");
    assert.equal(decideChunk("9-0", undefined, 9).kind, "malformed");
  });

  test("leaves an upload that says what it has, docker's way", () => {
    assert.deepEqual([0, 1, 10].map(receivedRange), ["0-0", "0-0", "0-9"]);
  });
});
