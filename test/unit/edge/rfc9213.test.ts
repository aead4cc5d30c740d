import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { cachingPolicy } from "#edge/cache/cache-control.ts";
import { dateIn, NOW, reused, stored } from "./rfc9111/received.ts";

/** What is read of a CDN-Cache-Control of these lines, beside a Cache-Control and an Expires. */
function policy(...lines: string[]) {
  const fields = ["cache-control", "max-age=60", "expires", dateIn(90)];
  return cachingPolicy([...fields, ...lines.flatMap((line) => ["cdn-cache-control", line])], NOW);
}

describe("RFC 9213 §2.1: CDN-Cache-Control is ignored if it", () => {
  const ignored: readonly (readonly [string, ...(readonly string[])])[] = [
    ["is empty", ""],
    ["has white space only", "  "],
    ["ends with a comma", "max-age=5,"],
    ["has an empty member", "max-age=5,,no-cache"],
    ["has an empty line", "", "max-age=5"],
    ["has what is no member", "max-age=5, &&&&&"],
    ["has a name in upper case", "MaX-aGe=5"],
    ["has space before an equals sign", "max-age =5"],
    ["has space behind one", "max-age= 5"],
    ["has a quote that is not closed", 'x="a, max-age=5'],
    ["has a number that is too long", "max-age=9999999999999999"],
    ["has a token that begins like a number", "max-age=5a"],
  ];
  for (const [what, ...lines] of ignored) {
    test(what, () => assert.equal(policy(...lines).lifetimeSeconds, 60));
  }
});

describe("RFC 9213 §2.1: a value of the type that a directive has not", () => {
  const cases: readonly (readonly [string, number | undefined])[] = [
    ["max-age=5", 5],
    ['max-age="5"', 0],
    ["max-age=5.5", 0],
    ["max-age=5.0", 0],
    ["max-age", 0],
    ["max-age=a", 0],
    ["max-age=-5", 0],
    ["max-age=(5)", 0],
    ["max-age=@5", 0],
    ["max-age=:NQ==:", 0],
    ["s-maxage=5.5, max-age=9", 0],
    ["max-age=999999999999999", 2 ** 31],
    ['x="max-age=5.0", max-age=5', 5],
    ["max-age=5.0, max-age=5", 5],
  ];
  for (const [value, seconds] of cases) {
    test(`is no lifetime: ${value}: ${seconds}`, () => {
      assert.equal(policy(value).lifetimeSeconds, seconds);
    });
  }

  for (const value of ["=1", "=(a)", "=@1", '=""', "=:YQ==:"]) {
    test(`does not make it say less: private${value}`, () => {
      assert.equal(policy(`private${value}`).private, true);
      assert.equal(policy(`no-cache${value}`).noCache, true);
    });
  }

  test("counts as a permission no more than one that is missing", () => {
    assert.equal(policy('max-age=5, stale-while-revalidate="9"').staleWhileRevalidateSeconds, 0);
  });
});

describe("RFC 9213 §2.1: CDN-Cache-Control is read", () => {
  test("without the parameters of its members", () => {
    const read = policy("no-store;x=1, max-age=5;y");
    assert.equal(read.noStore, true);
    assert.equal(read.lifetimeSeconds, 5);
  });

  test("RFC 8941 §3.2: by the last of equal members", () => {
    assert.equal(policy("max-age=5, max-age=6").lifetimeSeconds, 6);
    assert.equal(policy("max-age=5", "max-age=6").lifetimeSeconds, 6);
    assert.equal(policy("no-store, no-store=?0, max-age=5").noStore, false);
  });

  test("with the names of fields as a String or a Token", () => {
    assert.deepEqual(policy('no-cache="Set-Cookie, x-a"').withheld, ["set-cookie", "x-a"]);
    assert.deepEqual(policy("private=set-cookie").withheld, ["set-cookie"]);
  });
});

describe("RFC 9213 §2.2: a CDN-Cache-Control that is valid", () => {
  test("replaces Cache-Control and Expires as a whole", () => {
    assert.equal(policy("max-age=5").lifetimeSeconds, 5);
    assert.equal(policy("public").lifetimeSeconds, undefined);
    assert.equal(policy("none").lifetimeSeconds, undefined);
  });

  const cases: readonly (readonly [string, string, string, string])[] = [
    ["allows what Cache-Control forbids", "max-age=600", "no-store", "store"],
    ["allows by saying nothing that is known", "none", "no-store", "store"],
    ["allows by denying it", "no-store=?0", "no-store", "store"],
    ["forbids what it allows", "no-store", "max-age=600", "no-store"],
    ["keeps from others what it shares", "private", "max-age=600", "private"],
    ["leaves it to Cache-Control when it is empty", "", "no-store", "no-store"],
    ["leaves it to it when it is malformed", "max-age=10000, &&&&&", "no-store", "no-store"],
  ];
  for (const [what, targeted, untargeted, verdict] of cases) {
    test(what, () => {
      const fields = ["cdn-cache-control", targeted, "cache-control", untargeted];
      assert.equal(stored(fields), verdict);
    });
  }
});

describe("RFC 9213 §2.2: in CDN-Cache-Control a cache obeys", () => {
  const kind = (value: string, seconds: number) =>
    reused(["cache-control", "max-age=600", "cdn-cache-control", value], seconds);

  test("max-age", () => {
    assert.equal(kind("max-age=5", 4).kind, "fresh");
    assert.equal(kind("max-age=5", 5).kind, "revalidate");
  });

  test("no-cache, which makes max-age inoperative", () => {
    assert.equal(kind("no-cache, max-age=5", 0).kind, "revalidate");
  });

  test("must-revalidate", () => {
    const reuse = kind("max-age=5, must-revalidate, stale-while-revalidate=60", 6);
    assert.deepEqual(reuse, {
      kind: "revalidate",
      reason: "stale",
      ttlSeconds: -1,
      ifError: "never",
    });
  });

  test("no-store and private, which make max-age inoperative", () => {
    assert.equal(stored(["cdn-cache-control", "no-store, max-age=5"]), "no-store");
    assert.equal(stored(["cdn-cache-control", "private, max-age=5"]), "private");
  });

  test("what it knows of Cache-Control's others", () => {
    assert.equal(kind("max-age=5, stale-while-revalidate=60", 6).kind, "stale-while-revalidate");
    const shared = { role: "proxy", authorized: true } as const;
    assert.equal(stored(["cdn-cache-control", "public, max-age=5"], shared), "store");
  });
});

describe("RFC 9213 §2.2: a field for others than CDNs", () => {
  test("is not looked at", () => {
    const fields = ["surrogate-control", "no-store", "other-cdn-cache-control", "no-store"];
    assert.equal(stored(fields), "store");
  });
});
