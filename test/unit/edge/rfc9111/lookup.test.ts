import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { decideLookup } from "#edge/cache/lookup-decision.ts";

const SPACE = {};
const PROXY = { role: "proxy" } as const;

function looked(
  endpoint: typeof SPACE | typeof PROXY,
  { method = "GET", target = "/a", contentLength = 0, fields = [] as readonly string[] } = {},
): string {
  const lookup = decideLookup({ method, target, contentLength, fields }, endpoint);
  if (lookup.kind === "bypass") return lookup.reason;
  return lookup.onlyIfCached ? "lookup only" : "lookup";
}

describe("RFC 9111 §4: a request is looked up", () => {
  for (const endpoint of [SPACE, PROXY]) {
    const role = endpoint === PROXY ? "a proxy" : "a Space";
    for (const method of ["GET", "HEAD"]) {
      test(`to ${role}, if it is a ${method}`, () => {
        assert.equal(looked(endpoint, { method }), "lookup");
      });
    }

    for (const method of ["POST", "PUT", "DELETE", "OPTIONS", "QUERY", "get"]) {
      test(`to ${role}, but not if it is a ${method}, which is written through`, () => {
        assert.equal(looked(endpoint, { method }), "method");
      });
    }

    test(`to ${role}, but not with content, which no key has`, () => {
      assert.equal(looked(endpoint, { contentLength: 1 }), "content");
    });

    for (const query of ["X-Amz-Signature=a", "x%2damz-credential=a", "b&AWSAccessKeyId=a"]) {
      test(`to ${role}, but not presigned: ${query}`, () => {
        assert.equal(looked(endpoint, { target: `/a?${query}` }), "presigned");
      });
    }

    // RFC 9111 §5.2.1: advisory; each of these would make the edge fetch.
    for (const directive of ["no-cache", "no-store", "max-age=0", "min-fresh=9", "max-stale"]) {
      test(`to ${role}, whatever its Cache-Control: ${directive}`, () => {
        assert.equal(looked(endpoint, { fields: ["cache-control", directive] }), "lookup");
      });
    }
  }
});

describe("RFC 9111 §3.5: with Authorization", () => {
  const fields = ["authorization", "Basic YTpi"];

  test("a proxy is asked as without: what is for its bearer is never stored", () => {
    assert.equal(looked(PROXY, { fields }), "lookup");
  });

  test("a Space's store judges it, and not the edge", () => {
    assert.equal(looked(SPACE, { fields }), "authorization");
  });
});

describe("RFC 9111 §5.2.1.7: only-if-cached", () => {
  for (const value of ["only-if-cached", "max-age=0, Only-If-Cached"]) {
    test(`is for a proxy to honour: ${value}`, () => {
      assert.equal(looked(PROXY, { fields: ["cache-control", value] }), "lookup only");
      assert.equal(looked(SPACE, { fields: ["cache-control", value] }), "lookup");
    });
  }

  test("is not read out of another directive", () => {
    assert.equal(looked(PROXY, { fields: ["cache-control", 'x="only-if-cached"'] }), "lookup");
  });
});
