import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Cors, decideCors, withoutCorsFields } from "#edge/policy/cors.ts";
import { CorsAnswers } from "#edge/policy/cors-answers.ts";
import type { CorsRule } from "#feed/entry.ts";

const VARY = "vary: Origin, Access-Control-Request-Headers, Access-Control-Request-Method\r\n";
const NOTHING_ALLOWED: Cors = { kind: "actual", lines: VARY };

function rule(changes: Partial<CorsRule>): CorsRule {
  return {
    allowedOrigins: ["https://app.example.com"],
    allowedMethods: ["GET"],
    allowedHeaders: [],
    exposeHeaders: [],
    ...changes,
  };
}

function ask(rules: readonly CorsRule[], method: string, fields: Record<string, string>): Cors {
  return decideCors(rules, { method, fields: Object.entries(fields).flat() });
}

function get(rules: readonly CorsRule[], origin: string): Cors {
  return ask(rules, "GET", { host: "cdn.example.com", origin });
}

function preflight(rules: readonly CorsRule[], method: string, headers?: string): Cors {
  return ask(rules, "OPTIONS", {
    origin: "https://app.example.com",
    "access-control-request-method": method,
    ...(headers === undefined ? {} : { "access-control-request-headers": headers }),
  });
}

function allowOriginOf(cors: Cors): string | undefined {
  assert.equal(cors.kind, "actual");
  return /^access-control-allow-origin: (.*)\r\n/.exec("lines" in cors ? cors.lines : "")?.[1];
}

describe("a Space without rules", () => {
  test("leaves what the origin says of itself, in preflights too", () => {
    assert.deepEqual(get([], "https://app.example.com"), { kind: "none" });
    assert.deepEqual(preflight([], "GET"), { kind: "none" });
    assert.deepEqual(decideCors(undefined, { method: "GET", fields: [] }), { kind: "none" });
  });
});

describe("a reply under rules", () => {
  test("has all that S3 says to an origin that is allowed", () => {
    const rules = [
      rule({
        allowedMethods: ["GET", "HEAD"],
        allowedHeaders: ["*"],
        exposeHeaders: ["ETag", "x-amz-meta-owner"],
        maxAgeSeconds: 3_000,
      }),
    ];
    assert.deepEqual(get(rules, "https://app.example.com"), {
      kind: "actual",
      lines:
        "access-control-allow-origin: https://app.example.com\r\n" +
        "access-control-allow-methods: GET, HEAD\r\n" +
        "access-control-expose-headers: ETag, x-amz-meta-owner\r\n" +
        "access-control-max-age: 3000\r\n" +
        `access-control-allow-credentials: true\r\n${VARY}`,
    });
  });

  test("is without credentials where the rule is for all origins", () => {
    assert.deepEqual(get([rule({ allowedOrigins: ["*"] })], "null"), {
      kind: "actual",
      lines: `access-control-allow-origin: *\r\naccess-control-allow-methods: GET\r\n${VARY}`,
    });
  });

  test("says that it varies even to who sent no Origin, or one that is not allowed", () => {
    assert.deepEqual(ask([rule({})], "GET", { host: "h" }), NOTHING_ALLOWED);
    assert.deepEqual(get([rule({})], "https://evil.example"), NOTHING_ALLOWED);
  });

  test("goes by the method: HEAD is not allowed by a rule for GET, as in S3", () => {
    const origin = "https://app.example.com";
    assert.deepEqual(ask([rule({})], "HEAD", { origin }), NOTHING_ALLOWED);
    assert.equal(
      allowOriginOf(ask([rule({ allowedMethods: ["HEAD"] })], "HEAD", { origin })),
      origin,
    );
  });

  const origins = [
    { allowed: "https://*.example.com", origin: "https://a.b.example.com", fits: true },
    { allowed: "https://*.example.com", origin: "https://example.com", fits: false },
    { allowed: "https://*.example.com", origin: "https://a.example.com.evil", fits: false },
    { allowed: "https://*.example.com", origin: "http://a.example.com", fits: false },
    { allowed: "http*://example.com", origin: "https://example.com", fits: true },
    { allowed: "https://a*a", origin: "https://a", fits: false },
    { allowed: "https://a*", origin: "https://a", fits: true },
    { allowed: "https://example.com", origin: "https://example.com:8443", fits: false },
    { allowed: "https://example.com", origin: "https://EXAMPLE.com", fits: false },
    { allowed: "https://*", origin: `https://${"a".repeat(600)}`, fits: false },
  ];
  for (const { allowed, origin, fits } of origins) {
    const shown = origin.slice(0, 40);
    test(`is ${fits ? "for" : "not for"} ${shown} where ${allowed} is allowed`, () => {
      const cors = get([rule({ allowedOrigins: [allowed] })], origin);
      assert.equal(allowOriginOf(cors), fits ? origin : undefined);
    });
  }

  test("is by the first rule that allows it, and by the first origin in that", () => {
    const rules = [
      rule({ allowedMethods: ["PUT"], maxAgeSeconds: 1 }),
      rule({ allowedOrigins: ["https://app.example.com", "*"], maxAgeSeconds: 2 }),
      rule({ maxAgeSeconds: 3 }),
    ];
    const cors = get(rules, "https://app.example.com");
    assert(cors.kind === "actual");
    assert.equal(allowOriginOf(cors), "https://app.example.com");
    assert.match(cors.lines, /max-age: 2\r\n/);
  });

  test("is none of a preflight's: OPTIONS without a method that is asked for", () => {
    const cors = ask([rule({})], "OPTIONS", { origin: "https://app.example.com" });
    assert.deepEqual(cors, NOTHING_ALLOWED);
  });
});

describe("a preflight", () => {
  test("is told which of a rule's methods and of its own headers are allowed", () => {
    const rules = [rule({ allowedMethods: ["GET", "PUT"], allowedHeaders: ["X-Amz-*", "range"] })];
    assert.deepEqual(preflight(rules, "PUT", "X-Amz-Date,  Range"), {
      kind: "preflight-allowed",
      lines:
        "access-control-allow-headers: x-amz-date, range\r\n" +
        "access-control-allow-origin: https://app.example.com\r\n" +
        "access-control-allow-methods: GET, PUT\r\n" +
        `access-control-allow-credentials: true\r\n${VARY}`,
    });
  });

  test("may ask for no headers", () => {
    const cors = preflight([rule({})], "GET");
    assert(cors.kind === "preflight-allowed");
    assert.doesNotMatch(cors.lines, /allow-headers/);
  });

  test("is answered by the first rule that allows all of it", () => {
    const rules = [
      rule({ allowedHeaders: ["range"], maxAgeSeconds: 1 }),
      rule({ allowedHeaders: ["*"], maxAgeSeconds: 2 }),
    ];
    const cors = preflight(rules, "GET", "range, if-match");
    assert(cors.kind === "preflight-allowed");
    assert.match(cors.lines, /max-age: 2\r\n/);
  });

  const many = Array.from({ length: 101 }, (_, i) => `x-${i}`).join();
  const refusals = [
    { rules: rule({ allowedOrigins: ["https://b.example"] }), says: /this origin/ },
    { rules: rule({ allowedMethods: ["PUT"] }), says: /this method/ },
    { rules: rule({ allowedHeaders: ["range"] }), headers: "range, cookie", says: /these headers/ },
    { rules: rule({ allowedHeaders: ["*"] }), headers: "a: b", says: /whose name is none/ },
    { rules: rule({ allowedHeaders: ["*"] }), headers: many, says: /too many/ },
  ];
  for (const { rules, headers, says } of refusals) {
    test(`is refused with 403, and why: ${says.source}`, () => {
      const cors = preflight([rules], "GET", headers);
      assert(cors.kind === "preflight-refused");
      assert.equal(cors.status, 403);
      assert.match(cors.reason, says);
    });
  }
});

describe("what is stored under rules", () => {
  test("has nothing of what the origin told one who asked", () => {
    const fields = Object.entries({
      "access-control-allow-origin": "https://a.example",
      etag: '"1"',
      vary: "Origin,Accept-Encoding, access-control-request-method",
      "access-control-expose-headers": "ETag",
    }).flat();
    fields.push("vary", "origin");
    assert.deepEqual(withoutCorsFields(fields), ["etag", '"1"', "vary", "Accept-Encoding"]);
  });
});

describe("answers to origins", () => {
  const rules = [rule({ allowedOrigins: ["https://*.example.com"] })];
  const request = (origin: string) => ({ method: "GET", fields: ["origin", origin] });

  test("are made once, and are those of the rules", () => {
    const answers = new CorsAnswers();
    const first = answers.decide(rules, request("https://a.example.com"));
    const other = answers.decide(rules, request("https://b.example.com"));
    assert.deepEqual(first, decideCors(rules, request("https://a.example.com")));
    assert.deepEqual(other, decideCors(rules, request("https://b.example.com")));
    assert.equal(answers.decide(rules, request("https://a.example.com")), first);
  });

  test("are of one method, and of these rules", () => {
    const answers = new CorsAnswers();
    answers.decide(rules, request("https://a.example.com"));
    const head = { ...request("https://a.example.com"), method: "HEAD" };
    assert.deepEqual(answers.decide(rules, head), NOTHING_ALLOWED);
    const others = [rule({})];
    assert.deepEqual(answers.decide(others, request("https://a.example.com")), NOTHING_ALLOWED);
  });

  test("are forgotten when they are too many", () => {
    const answers = new CorsAnswers();
    const first = answers.decide(rules, request("https://a.example.com"));
    for (let i = 0; i < 1_000; i += 1) {
      answers.decide(rules, request(`https://${i}.example.com`));
    }
    const again = answers.decide(rules, request("https://a.example.com"));
    assert.notEqual(again, first);
    assert.deepEqual(again, first);
  });
});
