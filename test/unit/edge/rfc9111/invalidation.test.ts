import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { invalidatedTargets } from "#edge/cache/invalidation.ts";

const AUTHORITY = { scheme: "http", host: "a.test:8080" } as const;

/** What a request for /dir/a invalidates. */
function invalidated(method: string, status: number, fields: readonly string[] = []) {
  return invalidatedTargets({ method, target: "/dir/a?b=1" }, { status, fields }, AUTHORITY);
}

describe("RFC 9111 §4.4: the target is invalidated", () => {
  for (const method of ["POST", "PUT", "DELETE", "PATCH", "PROPFIND", "M-SEARCH", "FOO", "get"]) {
    test(`by ${method}`, () => {
      for (const status of [200, 201, 204, 299, 301, 303, 304, 399]) {
        assert.deepEqual(invalidated(method, status), ["/dir/a?b=1"]);
      }
    });

    test(`by no ${method} that failed`, () => {
      for (const status of [199, 400, 404, 500, 503, 599, 999]) {
        assert.deepEqual(invalidated(method, status), []);
      }
    });
  }

  for (const method of ["GET", "HEAD", "OPTIONS", "TRACE"]) {
    test(`not by ${method}, which is safe`, () => {
      assert.deepEqual(invalidated(method, 200, ["location", "/b"]), []);
    });
  }
});

describe("RFC 9111 §4.4: of the same origin, Location and Content-Location are invalidated", () => {
  const references: readonly (readonly [reference: string, targets: readonly string[]])[] = [
    ["/b", ["/b"]],
    ["/b?c=1#d", ["/b?c=1"]],
    ["b", ["/dir/b"]],
    ["../b", ["/b"]],
    ["?c", ["/dir/a?c"]],
    ["/x/../b", ["/b", "/x/../b"]],
    ["/%7Eb", ["/%7Eb"]],
    ["//a.test:8080/b", ["/b"]],
    ["http://a.test:8080/b", ["/b"]],
    ["HTTP://A.TEST:8080/b", ["/b"]],
    ["http://a.test:8080", ["/"]],
    ["http://a.test:8080?c", ["/?c"]],
  ];
  for (const [reference, targets] of references) {
    test(`${reference}: ${targets.join(" and ")}`, () => {
      for (const name of ["location", "content-location"]) {
        const found = invalidated("POST", 201, [name, reference]);
        assert.deepEqual(new Set(found), new Set(["/dir/a?b=1", ...targets]));
      }
    });
  }

  const foreign = [
    "http://a.test/b",
    "https://a.test:8080/b",
    "http://b.test:8080/b",
    "//b.test/b",
    "http://a.test:8080@b.test/b",
    "\\\\b.test/b",
    "///b.test/b",
    "mailto:a@a.test",
    "http://[",
  ];
  for (const reference of foreign) {
    test(`not ${reference}, which is of another`, () => {
      assert.deepEqual(invalidated("POST", 201, ["location", reference]), ["/dir/a?b=1"]);
    });
  }

  test("where a port is the default one, with and without it", () => {
    const authority = { scheme: "https", host: "a.test" } as const;
    const answer = { status: 200, fields: ["location", "https://a.test:443/b"] };
    const targets = invalidatedTargets({ method: "POST", target: "/a" }, answer, authority);
    assert.deepEqual(targets, ["/a", "/b"]);
  });

  test("both, each once", () => {
    const fields = ["location", "/b", "content-location", "/c"];
    assert.deepEqual(invalidated("POST", 201, fields), ["/dir/a?b=1", "/b", "/c"]);
    assert.deepEqual(invalidated("POST", 201, ["location", "/b", "content-location", "/b"]), [
      "/dir/a?b=1",
      "/b",
    ]);
  });

  test("also by OPTIONS' opposite, a method for the whole server", () => {
    const request = { method: "PURGE", target: "*" };
    const answer = { status: 200, fields: ["location", "/b"] };
    assert.deepEqual(invalidatedTargets(request, answer, AUTHORITY), ["*", "/b"]);
  });
});
