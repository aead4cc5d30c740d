import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isScope, scopesAllow } from "#account/scope.ts";

describe("a token's scopes", () => {
  const rows = [
    { granted: ["write"], needed: "cdn:delete", allowed: true },
    { granted: ["write"], needed: "read", allowed: true },
    { granted: ["read"], needed: "cdn:read", allowed: true },
    { granted: ["read"], needed: "account:read", allowed: true },
    { granted: ["read"], needed: "cdn:update", allowed: false },
    { granted: ["read"], needed: "registry:docker-credentials", allowed: true },
    { granted: ["cdn:read"], needed: "cdn:read", allowed: true },
    { granted: ["cdn:read"], needed: "cdn:delete", allowed: false },
    { granted: ["cdn:read"], needed: "read", allowed: false },
    { granted: [], needed: "cdn:read", allowed: false },
  ];
  for (const { granted, needed, allowed } of rows) {
    test(`${granted.join(", ") || "none"} ${allowed ? "cover" : "do not cover"} ${needed}`, () => {
      assert.equal(scopesAllow(granted, needed), allowed);
    });
  }

  test("are read, write, or a resource and a verb", () => {
    for (const text of ["read", "write", "cdn:create", "block_storage:read"]) assert(isScope(text));
    for (const text of ["", "admin", "cdn", "cdn:*", "cdn:read ", "CDN:read"]) {
      assert(!isScope(text), text);
    }
  });
});
