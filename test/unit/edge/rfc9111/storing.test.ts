import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { outdatesStored } from "#edge/cache/storage-decision.ts";
import { partFields } from "#edge/cache/withheld.ts";
import { DATE, dateIn, type Received, stored, storedPart, withheldOf } from "./received.ts";

type Case = readonly [
  what: string,
  cacheControl: string | undefined,
  verdict: string,
  received?: Received,
];

const PROXY = { role: "proxy" } as const;
const BARE = { bare: true };
const FAILED = { status: 503, replaces: true };
const CLOSE_DELIMITED = { length: "close-delimited" } as const;
const EMPTY = { ...PROXY, status: 204, ...CLOSE_DELIMITED };
const WEAK = "weak-validator";

/** Each case is a response with this Cache-Control. */
function check(cases: readonly Case[], others: readonly string[] = []): void {
  for (const [what, cacheControl, verdict, received = {}] of cases) {
    const fields = [
      ...(cacheControl === undefined ? [] : ["cache-control", cacheControl]),
      ...others,
    ];
    test(`${what}: ${verdict}`, () => assert.equal(stored(fields, received), verdict));
  }
}

describe("RFC 9111 §3: a response is stored if its status is final and says how long", () => {
  const lasting = [
    200, 201, 202, 203, 204, 205, 226, 299, 300, 301, 302, 303, 307, 308, 399, 400, 401, 403, 404,
    405, 410, 414, 418, 451, 499, 500, 501, 502, 503, 504, 599, 999,
  ];
  check(lasting.map((status) => [`${status}`, "max-age=60", "store", { ...PROXY, status }]));
  check([
    ["206, which is a part", "max-age=60", "status", { ...PROXY, status: 206 }],
    ["304, which is an update", "max-age=60", "status", { ...PROXY, status: 304 }],
    ["199, which is not final", "max-age=60", "status", { ...PROXY, status: 199 }],
  ]);
  check(
    [428, 429, 431, 511].map((status) => [
      `RFC 6585: ${status}, which is about one client`,
      "max-age=60",
      "status",
      { ...PROXY, status },
    ]),
  );

  test("by Expires", () => {
    assert.equal(stored(["expires", dateIn(60)], { ...PROXY, status: 302 }), "store");
  });
});

describe("RFC 9111 §3, §4.2.2: without a lifetime a proxy stores", () => {
  const heuristic = [200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 451, 501];
  check(heuristic.map((status) => [`${status}`, undefined, "store", { ...PROXY, status }]));
  const others = [201, 202, 302, 303, 307, 400, 403, 500, 502, 503, 504, 599];
  check(others.map((status) => [`${status}`, undefined, "status", { ...PROXY, status }]));
  check([
    ["302, which public marks as cacheable", "public", "store", { ...PROXY, status: 302 }],
    ["404, with a default TTL", undefined, "status", { ...PROXY, ttl: 60, status: 404 }],
    ["301, with a default TTL", undefined, "store", { ...PROXY, ttl: 60, status: 301 }],
  ]);
});

describe("RFC 9111 §3: a Space's endpoint stores", () => {
  check([200, 203, 301, 308].map((status) => [`${status}`, undefined, "store", { status }]));
  check([302, 303, 307, 300].map((status) => [`${status}`, undefined, "status", { status }]));
  check([
    ["302 that says how long", "max-age=60", "store", { status: 302 }],
    ["400, whatever it says", "max-age=60", "status", { status: 400 }],
    ["405, whatever it says", "max-age=60", "status", { status: 405 }],
    ["416, whatever it says", "max-age=60", "status", { status: 416 }],
  ]);
  const failures = [403, 404, 410, 500, 501, 502, 503, 504];
  check(failures.map((status) => [`${status}, for a moment`, undefined, "store", { status }]));
  check([
    ["§4.3.3: no 5xx in place of what is stored", undefined, "server-error", FAILED],
    ["nor one that says how long", "max-age=60", "server-error", FAILED],
    ["but a 404, which is an answer", undefined, "store", { status: 404, replaces: true }],
  ]);
});

describe("RFC 9111 §5.2.2.5: no-store", () => {
  check([
    ["alone", "no-store", "no-store"],
    ["beside a lifetime", "max-age=60, no-store", "no-store", PROXY],
    ["in another case", "No-Store", "no-store"],
    ["with an argument that it has not", 'no-store="a"', "no-store"],
    ["in another directive's argument", 'x="no-store"', "store"],
  ]);
});

describe("RFC 9111 §5.2.2.3: must-understand", () => {
  check([
    ["of a 200, which no-store is beside", "must-understand, no-store, max-age=60", "store"],
    [
      "of a 404, through a proxy",
      "no-store, must-understand, max-age=60",
      "store",
      { ...PROXY, status: 404 },
    ],
    [
      "of a status with rules elsewhere",
      "must-understand, max-age=60",
      "must-understand",
      { ...PROXY, status: 226 },
    ],
    [
      "of a status that nobody knows",
      "must-understand, no-store, max-age=60",
      "must-understand",
      { ...PROXY, status: 599 },
    ],
    ["beside private", "must-understand, no-store, private", "private"],
  ]);
});

describe("RFC 9111 §5.2.2.7: private", () => {
  check([
    ["alone", "private", "private"],
    ["beside a lifetime, through a proxy", "private, max-age=60", "private", PROXY],
    ["beside public", "public, private", "private"],
    ["with a field's name", 'private="x-a"', "store"],
    ["with a name, and again without", 'private="x-a", private', "private"],
    ["with an empty argument", 'private=""', "private"],
    ["with what is no name", 'private="x a"', "private"],
    ["without its closing quote", 'private="x-a', "private"],
    ["with a field that the cache needs", 'private="vary"', "private"],
  ]);

  test("with names keeps those fields from being stored, and nothing else", () => {
    const fields = ["cache-control", 'private="X-A, x-b", no-cache=x-c', "x-a", "1", "x-c", "3"];
    assert.deepEqual(withheldOf(fields), ["x-c", "x-a"]);
    assert.deepEqual(partFields(["x-a", "1", "x-d", "4", "x-c", "3"], withheldOf(fields)), {
      shared: ["x-d", "4"],
      withheld: ["x-a", "1", "x-c", "3"],
    });
  });
});

describe("RFC 9111 §5.2.2.4: no-cache", () => {
  check([
    ["can be validated", "no-cache", "store"],
    ["is of no use without a validator", "no-cache, max-age=60", "no-validator", { bare: true }],
    ["with a field's name is as fresh as any", 'no-cache="x-a"', "store", { bare: true }],
    ["with what is no name", 'no-cache="x a"', "no-validator", { bare: true }],
  ]);
});

describe("a cookie", () => {
  const cookie = ["set-cookie", "a=b"];
  check(
    [
      ["of a Space", "max-age=60", "set-cookie"],
      ["of a Space, withheld", 'max-age=60, no-cache="set-cookie"', "store"],
      ["through a proxy that may guess", undefined, "set-cookie", PROXY],
      ["through a proxy, said to be fresh", "max-age=60", "store", PROXY],
      ["through a proxy, to be validated", "no-cache, max-age=60", "set-cookie", PROXY],
      ["through a proxy, withheld", 'private="Set-Cookie"', "store", PROXY],
    ],
    cookie,
  );

  test("that is withheld is not stored", () => {
    const fields = ["cache-control", 'no-cache="Set-Cookie"', ...cookie];
    assert.deepEqual(withheldOf(fields, PROXY), ["set-cookie"]);
  });
});

describe("RFC 9111 §3.5: the answer to a request with Authorization", () => {
  const authorized = { ...PROXY, authorized: true };
  check([
    ["that says nothing", undefined, "authorization", authorized],
    ["with max-age", "max-age=60", "authorization", authorized],
    ["with public", "public, max-age=60", "store", authorized],
    ["with s-maxage", "s-maxage=60", "store", authorized],
    ["with must-revalidate", "must-revalidate, max-age=60", "store", authorized],
    ["with proxy-revalidate", "proxy-revalidate, max-age=60", "authorization", authorized],
    ["with public and private", "public, private", "private", authorized],
  ]);
});

describe("RFC 9111 §4.1: what never is selected again is not stored", () => {
  const varies: readonly (readonly [string, ...(readonly string[])])[] = [
    ["*", "*"],
    ["* behind an empty member", ", *"],
    ["* among others", "accept, *"],
    ["* on a second line", "accept", "*"],
    ["a member that is no name", "accept foo"],
  ];
  for (const [what, ...lines] of varies) {
    test(`Vary: ${what}`, () => {
      const fields = ["cache-control", "max-age=60", ...lines.flatMap((line) => ["vary", line])];
      assert.equal(stored(fields, PROXY), "vary");
      assert.equal(stored(fields), "vary");
    });
  }

  test("a name that has an asterisk in it is a name", () => {
    assert.equal(stored(["vary", "x*"], PROXY), "store");
  });
});

describe("RFC 9111 §3: what can neither be fresh nor be validated is not stored", () => {
  const bare = { ...PROXY, bare: true };
  check([
    ["nothing said", undefined, "no-validator", bare],
    ["max-age=0", "max-age=0", "no-validator", bare],
    ["a lifetime that cannot be read", "max-age=1.5", "no-validator", bare],
    ["max-age=1", "max-age=1", "store", bare],
    ["a TTL", undefined, "store", { ...bare, ttl: 60 }],
    ["RFC 5861 §3: a moment after it", "max-age=0, stale-while-revalidate=9", "store", bare],
    [
      "unless it must not be",
      "max-age=0, proxy-revalidate, stale-while-revalidate=9",
      "no-validator",
      bare,
    ],
  ]);
});

describe("what would not be whole, or too much, is not stored", () => {
  check([
    ["RFC 9112 §8: until the connection closes", undefined, "close-delimited", CLOSE_DELIMITED],
    ["RFC 9110 §15.3.5: a 204 ends with its head", undefined, "store", EMPTY],
    ["chunked", undefined, "store", { length: "chunked" }],
    ["as large as may be", undefined, "store", { length: 100 }],
    ["larger", undefined, "too-large", { length: 101 }],
  ]);
});

describe("RFC 9111 §3.3, §3.4: a 206", () => {
  const part = ["content-range", "bytes 0-9/100"];
  const modified = ["last-modified", dateIn(-60), "date", DATE];
  const cases: readonly (readonly [string, readonly string[], string, Received?])[] = [
    ["is stored as a part of the 200", part, "store"],
    ["of unknown length too", ["content-range", "bytes 0-9/*"], "store"],
    ["with a weak tag is never joined", ["etag", 'W/"a"', ...part], "weak-validator", BARE],
    ["with a date long before it is", [...modified, ...part], "store", BARE],
    ["with the date of its change", ["last-modified", DATE, "date", DATE, ...part], WEAK, BARE],
    ["without any validator", part, WEAK, BARE],
    ["in a unit that is not understood", ["content-range", "lines 0-9/100"], "content-range"],
    ["of many parts", ["content-type", "multipart/byteranges; boundary=a"], "content-range"],
    ["that must not be stored", ["cache-control", "no-store", ...part], "no-store"],
    ["is none with another status", part, "status", { status: 200 }],
  ];
  for (const [what, fields, verdict, received] of cases) {
    test(`${what}: ${verdict}`, () => assert.equal(storedPart(fields, received), verdict));
  }
});

describe("RFC 9111 §4.3.3: what is stored", () => {
  const cases = [
    { answer: "a 404", status: 404, storage: { kind: "store" }, outdated: true },
    {
      answer: "a 503",
      status: 503,
      storage: { kind: "pass", reason: "no-store" },
      outdated: false,
    },
    {
      answer: "what is private",
      status: 200,
      storage: { kind: "pass", reason: "private" },
      outdated: true,
    },
    {
      answer: "what is for the bearer of a credential",
      status: 200,
      storage: { kind: "pass", reason: "authorization" },
      outdated: false,
    },
  ] as const;
  for (const { answer, status, storage, outdated } of cases) {
    test(`is ${outdated ? "" : "not "}outdated by ${answer}`, () => {
      assert.equal(outdatesStored(status, storage), outdated);
    });
  }
});
