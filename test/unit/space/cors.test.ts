import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseBody } from "#api/body.ts";
import { Problem } from "#problem.ts";
import { CorsBody, corsRules, corsView, edgeCorsRules } from "#space/cors.ts";

const RULE = { AllowedOrigins: ["https://www.example.com"], AllowedMethods: ["GET"] };

/** The rules that a body says, or why it says none. */
function read(body: object): ReturnType<typeof corsRules> | string {
  try {
    return corsRules(parseBody(CorsBody, body));
  } catch (error) {
    assert(error instanceof Problem && error.status === 422);
    return error.message;
  }
}

function readRule(rule: object): ReturnType<typeof corsRules> | string {
  return read({ CORSRules: [{ ...RULE, ...rule }] });
}

/** Why rules are refused. */
function refusalOf(result: ReturnType<typeof corsRules> | string): string {
  assert(typeof result === "string", "they are taken");
  return result;
}

describe("the rules of a Space for other origins", () => {
  test("come and go in S3's shape, in order", () => {
    const body = {
      CORSRules: [
        {
          ID: "uploads",
          AllowedOrigins: ["https://*.example.com", "http://localhost:3000"],
          AllowedMethods: ["PUT", "POST", "DELETE"],
          AllowedHeaders: ["X-Amz-*", "Content-Type"],
          ExposeHeaders: ["ETag"],
          MaxAgeSeconds: 3_000,
        },
        { AllowedOrigins: ["*"], AllowedMethods: ["GET", "HEAD"] },
      ],
    };
    const rules = read(body);
    assert(typeof rules === "object");
    assert.deepEqual(corsView(rules), body);
  });

  test("are compared in lower case where case means nothing", () => {
    const rules = readRule({ AllowedHeaders: ["X-Amz-*"], ExposeHeaders: ["ETag"] });
    assert(typeof rules === "object");
    assert.deepEqual(edgeCorsRules(rules), [
      {
        allowedOrigins: RULE.AllowedOrigins,
        allowedMethods: ["GET"],
        allowedHeaders: ["x-amz-*"],
        exposeHeaders: ["ETag"],
      },
    ]);
  });

  const fine = [
    { AllowedOrigins: ["*"] },
    { AllowedOrigins: ["null"] },
    { AllowedHeaders: ["*"] },
    { AllowedHeaders: [] },
    { MaxAgeSeconds: 0 },
    { ID: "x".repeat(255) },
  ];
  for (const rule of fine) {
    test(`may have ${JSON.stringify(rule).slice(0, 60)}`, () => {
      assert.equal(typeof readRule(rule), "object");
    });
  }

  const mistakes = [
    { rule: { AllowedOrigins: [] }, says: "CORSRules[0].AllowedOrigins: expected" },
    { rule: { AllowedOrigins: undefined }, says: "CORSRules[0].AllowedOrigins: expected" },
    { rule: { AllowedOrigins: ["https://*.a.*"] }, says: "CORSRules[0].AllowedOrigins[0]: " },
    { rule: { AllowedOrigins: ["https://a, b"] }, says: "CORSRules[0].AllowedOrigins[0]: " },
    { rule: { AllowedOrigins: ["https://a\r\nx:y"] }, says: "CORSRules[0].AllowedOrigins[0]: " },
    { rule: { AllowedOrigins: ["", "*"] }, says: "CORSRules[0].AllowedOrigins[0]: " },
    { rule: { AllowedOrigins: ["a".repeat(513)] }, says: "CORSRules[0].AllowedOrigins[0]: " },
    { rule: { AllowedMethods: [] }, says: "CORSRules[0].AllowedMethods: expected" },
    {
      rule: { AllowedMethods: ["PATCH"] },
      says: "CORSRules[0].AllowedMethods[0]: expected one of",
    },
    { rule: { AllowedMethods: ["get"] }, says: "CORSRules[0].AllowedMethods[0]: expected one of" },
    { rule: { AllowedHeaders: ["x-*-*"] }, says: "CORSRules[0].AllowedHeaders[0]: " },
    { rule: { AllowedHeaders: ["a b"] }, says: "CORSRules[0].AllowedHeaders[0]: " },
    { rule: { AllowedHeaders: "*" }, says: "CORSRules[0].AllowedHeaders: expected a list" },
    { rule: { ExposeHeaders: ["x-*"] }, says: "CORSRules[0].ExposeHeaders[0]: " },
    { rule: { MaxAgeSeconds: -1 }, says: "CORSRules[0].MaxAgeSeconds: " },
    { rule: { MaxAgeSeconds: "60" }, says: "CORSRules[0].MaxAgeSeconds: " },
    { rule: { ID: "x".repeat(256) }, says: "CORSRules[0].ID: " },
    { rule: { AllowedOrigin: ["*"] }, says: "CORSRules[0]: no member is called AllowedOrigin" },
  ];
  for (const { rule, says } of mistakes) {
    test(`are refused by the member's name: ${JSON.stringify(rule).slice(0, 60)}`, () => {
      const reason = refusalOf(readRule(rule));
      assert(reason.includes(says), reason);
    });
  }

  test("are 1 to 100, and of 64 KiB together", () => {
    const rules = (count: number, rule: object = RULE) => ({
      CORSRules: Array.from({ length: count }, () => rule),
    });
    assert.equal(typeof read(rules(100)), "object");
    for (const body of [rules(0), rules(101), {}, { CORSRules: "none" }]) {
      assert.match(refusalOf(read(body)), /^CORSRules: expected a list of 1 to 100 rules/);
    }
    const large = { ...RULE, AllowedOrigins: [`https://${"a".repeat(500)}`, "*"] };
    assert.equal(typeof read(rules(99, large)), "object");
    const larger = { ...large, ID: "x".repeat(255) };
    assert.match(refusalOf(read(rules(99, larger))), /^CORSRules: \d+ bytes as JSON, .* 65536/);
  });

  test("are read in time that does not explode", () => {
    const text = `${"a".repeat(500_000)} ${"a".repeat(500_000)}`;
    assert.equal(typeof readRule({ AllowedOrigins: [text], AllowedHeaders: [text] }), "string");
  });
});
