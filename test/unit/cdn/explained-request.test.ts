import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseExplained } from "#cdn/explained-request.ts";

describe("a request that is to be explained", () => {
  test("is what a browser sends for its URL", () => {
    assert.deepEqual(
      parseExplained({
        url: "https://Static.Example:443/a b/../ü?q=1#part",
        method: "HEAD",
        headers: { "Accept-Encoding": " br " },
      }),
      {
        isTls: true,
        host: "static.example",
        target: "/%C3%BC?q=1",
        method: "HEAD",
        fields: ["accept-encoding", "br"],
      },
    );
    const plain = parseExplained({ url: "http://127.0.0.1:8081" });
    assert.deepEqual(plain, {
      isTls: false,
      host: "127.0.0.1:8081",
      target: "/",
      method: "GET",
      fields: [],
    });
  });

  const url = "http://a.example/";
  const refused = [
    { what: "no URL", described: { url: "a.example/a" }, says: /^url: / },
    { what: "another scheme", described: { url: "ftp://a.example/" }, says: /^url: / },
    { what: "credentials", described: { url: "http://u:p@a.example/" }, says: /^url: / },
    { what: "a long URL", described: { url: url + "a".repeat(20_000) }, says: /^url: / },
    { what: "a method that is none", described: { url, method: "GE T" }, says: /^method: / },
    { what: "a long method", described: { url, method: "A".repeat(33) }, says: /^method: / },
    { what: "a name that is none", described: { url, headers: { "a b": "" } }, says: /names/ },
    { what: "Host", described: { url, headers: { Host: "b.example" } }, says: /in the URL/ },
    { what: "a line break", described: { url, headers: { a: "b\r\nc: d" } }, says: /values/ },
    { what: "what is no octet", described: { url, headers: { a: "\u2028" } }, says: /values/ },
    { what: "too much", described: { url, headers: { a: "b".repeat(40_000) } }, says: /32 KiB/ },
    {
      what: "too many",
      described: {
        url,
        headers: Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`a${i}`, ""])),
      },
      says: /100 at most/,
    },
  ];
  for (const { what, described, says } of refused) {
    test(`is refused with ${what}`, () => {
      assert.throws(() => parseExplained(described), { id: "unprocessable_entity", message: says });
    });
  }
});
