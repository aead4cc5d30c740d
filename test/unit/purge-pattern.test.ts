import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import {
  canonicalTarget,
  compilePurgePattern,
  EVERYTHING,
  matches,
  parsePurgePattern,
  tagOf,
} from "#cdn/purge-pattern.ts";

const ownHosts = ["static.nyc3.cdn.spaces.localhost", "Static.example.com"];

function parse(text: string): string {
  const parsed = parsePurgePattern(text, ownHosts);
  return parsed.kind === "pattern" ? parsed.pattern : `invalid: ${parsed.reason}`;
}

/** As a request for it comes off the wire: one character per octet. */
function drops(text: string, target: string): boolean {
  const wire = Buffer.from(target, "utf8").toString("latin1");
  return matches(compilePurgePattern(parse(text)), canonicalTarget(wire));
}

describe("a purge pattern", () => {
  const forms = [
    ["css/site.css", "/css/site.css"],
    ["/css/site.css", "/css/site.css"],
    ["*", EVERYTHING],
    ["/*", EVERYTHING],
    ["**", EVERYTHING],
    ["https://static.example.com/a.png", "/a.png"],
    ["http://STATIC.nyc3.cdn.spaces.localhost:8081/a.png?v=1", "/a.png?v=1"],
    ["https://static.example.com", "/"],
    ["https://static.example.com./a#top", "/a"],
    ["https://static.example.com?v=1", "/?v=1"],
    ["héllo.png", "/h%C3%A9llo.png"],
    ["h%c3%a9llo.png", "/h%C3%A9llo.png"],
    ["a b.png", "/a%20b.png"],
    ["%7Euser/%41", "/~user/A"],
    ["a%2Fb", "/a%2Fb"],
    ["100%.png", "/100%25.png"],
    ["a%2a", "/a%2A"],
    ["a#b", "/a%23b"],
    ["tag:Product-42*%41", "tag:Product-42*%41"],
    [`tag:${"t".repeat(128)}`, `tag:${"t".repeat(128)}`],
    ["/tag:a.png", "/tag:a.png"],
    ["Tag:a.png", "/Tag:a.png"],
    ["", "invalid: is empty"],
    ["https://example.org/a", "invalid: is a URL of another host"],
    ["https://user@static.example.com/a", "invalid: is a URL of another host"],
    ["\ud800", "invalid: is not valid Unicode"],
    ["x".repeat(4_097), "invalid: is longer than 4096 characters"],
  ] as const;
  for (const [text, canonical] of forms) {
    test(`${JSON.stringify(text.slice(0, 60))} is ${canonical}`, () => {
      assert.equal(parse(text), canonical);
    });
  }

  for (const tag of ["", "two words", "one,two", "caf\u00e9", "t".repeat(129)]) {
    test(`has no tag ${JSON.stringify(tag.slice(0, 20))}, and says what one is`, () => {
      assert.match(parse(`tag:${tag}`), /^invalid: is no tag: expected 1 to 128 visible ASCII/);
    });
  }

  test("is told from a tag in its canonical form", () => {
    assert.equal(tagOf(parse("tag:a")), "a");
    assert.equal(tagOf(parse("/tag:a")), undefined);
  });

  const comparisons = [
    { pattern: "a.png", target: "/a.png", dropped: true },
    { pattern: "a.png", target: "/a.png?v=1", dropped: true },
    { pattern: "a.png", target: "/A.png", dropped: false },
    { pattern: "a.png", target: "/b/a.png", dropped: false },
    { pattern: "a.png?v=1", target: "/a.png?v=1", dropped: true },
    { pattern: "a.png?v=1", target: "/a.png", dropped: false },
    { pattern: "a.png?v=1", target: "/a.png?v=2", dropped: false },
    { pattern: "a.png?", target: "/a.png", dropped: true },
    { pattern: "a.png?", target: "/a.png?", dropped: true },
    { pattern: "a.png?", target: "/a.png?v=1", dropped: false },
    { pattern: "a.png?*", target: "/a.png?v=2", dropped: true },
    { pattern: "a.png?*", target: "/a.png", dropped: false },
    { pattern: "css/*", target: "/css/deep/er/a.css?v=1", dropped: true },
    { pattern: "css/*", target: "/css", dropped: false },
    { pattern: "*.png", target: "/deep/a.png", dropped: true },
    { pattern: "a*b*c", target: "/aXbYc", dropped: true },
    { pattern: "a*b*c", target: "/acb", dropped: false },
    { pattern: "ab*ba", target: "/aba", dropped: false },
    { pattern: "*", target: "/", dropped: true },
    { pattern: "héllo.png", target: "/h%C3%A9llo.png", dropped: true },
    { pattern: "h%C3%A9llo.png", target: "/héllo.png", dropped: true },
    { pattern: "a b.png", target: "/a%20b.png", dropped: true },
    { pattern: "a%2Ab", target: "/a*b", dropped: true },
    { pattern: "a%2Ab", target: "/aXb", dropped: false },
    { pattern: "a/b", target: "/a%2Fb", dropped: false },
  ] as const;
  for (const { pattern, target, dropped } of comparisons) {
    test(`${pattern} ${dropped ? "drops" : "keeps"} ${target}`, () => {
      assert.equal(drops(pattern, target), dropped);
    });
  }

  test("agrees with a naive glob on any path", () => {
    const letters = fc.string({ unit: fc.constantFrom("a", "b", "/"), maxLength: 12 });
    const globs = fc.string({ unit: fc.constantFrom("a", "b", "/", "*"), maxLength: 8 });
    fc.assert(
      fc.property(globs, letters, (glob, path) => {
        const pattern = `/${glob}`;
        const oracle = new RegExp(`^${pattern.replaceAll("*", ".*")}$`).test(`/${path}`);
        assert.equal(drops(pattern, `/${path}`), oracle);
      }),
      { numRuns: 2_000 },
    );
  });

  test("drops the target that names the same key, however it is escaped", () => {
    const key = fc.string({ unit: "grapheme", minLength: 1 }).filter((text) => {
      return text.isWellFormed() && !/^https?:/i.test(text) && !/[?*%]/.test(text);
    });
    fc.assert(
      fc.property(key, (text) => {
        const target = `/${encodeURIComponent(text.replace(/^\//, ""))}`;
        // Reserved characters are not the same escaped and raw.
        fc.pre(!/[!$&'()+,;=:@/]/.test(text));
        assert(drops(text, target));
      }),
    );
  });

  test("has one canonical form", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", minLength: 1, maxLength: 100 }), (text) => {
        fc.pre(text.isWellFormed() && !/^\/?https?:/i.test(text));
        assert.equal(parse(parse(text)), parse(text));
      }),
    );
  });

  test("is compared in time that does not explode", () => {
    const pattern = parse(`${"a*".repeat(2_000)}b`);
    const target = canonicalTarget(`/${"a".repeat(16_000)}`);
    const matcher = compilePurgePattern(pattern);
    for (let i = 0; i < 100; i += 1) assert(!matches(matcher, target));
  });
});
