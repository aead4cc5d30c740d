import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  effectiveRange,
  evaluateAtOrigin,
  evaluateInCache,
  type RequestField,
  type Validators,
} from "#http/precondition.ts";

const MODIFIED = "Sun, 22 Nov 2026 11:00:00 GMT";
const BEFORE = "Sun, 22 Nov 2026 10:59:59 GMT";
const AFTER = "Sun, 22 Nov 2026 11:00:01 GMT";
const MODIFIED_MS = Date.UTC(2026, 10, 22, 11);
const NOW = MODIFIED_MS + 3_600_000;

const STRONG: Validators = {
  etag: '"a,b"',
  lastModified: MODIFIED,
  modifiedMs: MODIFIED_MS,
  dateMs: NOW,
};
const WEAK: Validators = { ...STRONG, etag: 'W/"a,b"' };
const UNTAGGED: Validators = { ...STRONG, etag: undefined };
/** RFC 9111 §4.3.2: dated by when it came. */
const UNDATED: Validators = { ...STRONG, lastModified: undefined };

function fieldsOf(fields: Readonly<Record<string, string>>): RequestField {
  return (name) => fields[name];
}

interface Row {
  readonly clause: string;
  readonly fields: Readonly<Record<string, string>>;
  readonly of?: Validators;
  readonly is: "proceed" | "not-modified" | "failed";
}

const ifMatch = (value: string, is: Row["is"], clause: string, of = STRONG): Row => ({
  clause: `§13.1.1: ${clause}`,
  fields: { "if-match": value },
  of,
  is,
});
const ifNoneMatch = (value: string, is: Row["is"], clause: string, of = STRONG): Row => ({
  clause: `§13.1.2: ${clause}`,
  fields: { "if-none-match": value },
  of,
  is,
});

/** Alike in a cache and at the origin. */
const ANYWHERE: readonly Row[] = [
  ifNoneMatch('"a,b"', "not-modified", "a tag that matches, comma and all"),
  ifNoneMatch('"a"', "proceed", "a part of a tag is no tag"),
  ifNoneMatch('W/"a,b"', "not-modified", "the comparison is weak on their side"),
  ifNoneMatch('"a,b"', "not-modified", "and on ours", WEAK),
  ifNoneMatch('"x", ,\t"a,b" ,', "not-modified", "any of a list with empty members"),
  ifNoneMatch('"x,", "y"', "proceed", "none of a list"),
  ifNoneMatch("*", "not-modified", "any representation"),
  ifNoneMatch("*", "not-modified", "any representation, with a tag or without", UNTAGGED),
  ifNoneMatch('"", *', "proceed", "a star in a list means nothing"),
  ifNoneMatch('"a,b"', "proceed", "no tag matches what has none", UNTAGGED),
  ifNoneMatch("a,b", "proceed", "a tag has quotes"),
  ifNoneMatch("a", "proceed", "even where the origin's has none", { ...STRONG, etag: "a" }),
  ifNoneMatch('w/"a,b"', "proceed", "§8.8.3: W is in upper case"),
  ifNoneMatch('"x"a,b"', "proceed", "a quote too many makes a list of nothing"),
  ifNoneMatch("", "proceed", "an empty list matches nothing"),
  {
    clause: "§13.1.3: If-Modified-Since does not count beside If-None-Match",
    fields: { "if-none-match": '"x"', "if-modified-since": AFTER },
    is: "proceed",
  },
  {
    clause: "§13.1.3: nor beside one that is malformed",
    fields: { "if-none-match": "x", "if-modified-since": AFTER },
    is: "proceed",
  },
  {
    clause: "§13.1.3: modified at that second is not since then",
    fields: { "if-modified-since": MODIFIED },
    is: "not-modified",
  },
  {
    clause: "§13.1.3: modified before it",
    fields: { "if-modified-since": AFTER },
    is: "not-modified",
  },
  { clause: "§13.1.3: modified after it", fields: { "if-modified-since": BEFORE }, is: "proceed" },
  {
    clause: "§13.1.3, §5.6.7: in a format that is obsolete",
    fields: { "if-modified-since": "Sunday, 22-Nov-26 11:00:00 GMT" },
    is: "not-modified",
  },
  {
    clause: "§13.1.3: ignored if it is no date",
    fields: { "if-modified-since": "2026-11-22T12:00:00Z" },
    is: "proceed",
  },
  {
    clause: "§13.1.3: ignored if there are several",
    fields: { "if-modified-since": `${AFTER}, ${AFTER}` },
    is: "proceed",
  },
];

/** Where a cache and an origin differ. */
const ONLY_IN_CACHE: readonly Row[] = [
  {
    clause: "RFC 9111 §4.3.2: without Last-Modified a cache takes Date for it",
    fields: { "if-modified-since": AFTER },
    of: UNDATED,
    is: "not-modified",
  },
  {
    clause: "§13.1.1, §13.1.4: what is the origin's to judge is ignored in a cache",
    fields: { "if-match": '"x"', "if-unmodified-since": BEFORE },
    is: "proceed",
  },
];

const ONLY_AT_ORIGIN: readonly Row[] = [
  ifMatch('"x", "a,b"', "proceed", "a tag of a list that matches"),
  ifMatch('"x"', "failed", "none that does"),
  ifMatch('W/"a,b"', "failed", "the comparison is strong on their side"),
  ifMatch('"a,b"', "failed", "and on ours", WEAK),
  ifMatch('w/"a,b"', "failed", "and is not fooled by a w"),
  ifMatch("*", "proceed", "any representation"),
  ifMatch('"a,b"', "failed", "no tag matches what has none", UNTAGGED),
  ifMatch("", "failed", "an empty list matches nothing"),
  {
    clause: "§13.1.4: If-Unmodified-Since does not count beside If-Match",
    fields: { "if-match": '"a,b"', "if-unmodified-since": BEFORE },
    is: "proceed",
  },
  {
    clause: "§13.1.4: modified since",
    fields: { "if-unmodified-since": BEFORE },
    is: "failed",
  },
  {
    clause: "§13.1.4: not modified since",
    fields: { "if-unmodified-since": MODIFIED },
    is: "proceed",
  },
  {
    clause: "§13.1.4: ignored if it is no date",
    fields: { "if-unmodified-since": `${BEFORE}, ${BEFORE}` },
    is: "proceed",
  },
  {
    clause: "§13.1.4: ignored without a modification date",
    fields: { "if-unmodified-since": BEFORE },
    of: UNDATED,
    is: "proceed",
  },
  {
    clause: "§13.1.3: ignored without a modification date",
    fields: { "if-modified-since": AFTER },
    of: UNDATED,
    is: "proceed",
  },
  {
    clause: "§13.2.2: If-Match goes before If-None-Match",
    fields: { "if-match": '"x"', "if-none-match": '"a,b"' },
    is: "failed",
  },
  {
    clause: "§13.2.2: and, where it holds, after it",
    fields: { "if-match": '"a,b"', "if-none-match": '"a,b"' },
    is: "not-modified",
  },
];

describe("a condition in a cache (RFC 9110 §13)", () => {
  for (const { clause, fields, of = STRONG, is } of [...ANYWHERE, ...ONLY_IN_CACHE]) {
    test(`is ${is} by ${clause}: ${JSON.stringify(fields)}`, () => {
      assert.equal(evaluateInCache(fieldsOf(fields), of, NOW), is);
    });
  }
});

describe("a condition at the origin (RFC 9110 §13)", () => {
  for (const { clause, fields, of = STRONG, is } of [...ANYWHERE, ...ONLY_AT_ORIGIN]) {
    test(`is ${is} by ${clause}: ${JSON.stringify(fields)}`, () => {
      assert.equal(evaluateAtOrigin(fieldsOf(fields), of, NOW), is);
    });
  }

  test("takes no long time for a long list of nothing", () => {
    const list = `${" ".repeat(30_000)}x`;
    const started = performance.now();
    assert.equal(evaluateInCache(fieldsOf({ "if-none-match": list }), STRONG, NOW), "proceed");
    assert(performance.now() - started < 500);
  });
});

describe("If-Range (RFC 9110 §13.1.5)", () => {
  const cases = [
    { when: "its tag is that of the representation", value: '"a,b"', of: STRONG, holds: true },
    { when: "its tag is another", value: '"x"', of: STRONG, holds: false },
    { when: "its tag is weak", value: 'W/"a,b"', of: STRONG, holds: false },
    { when: "the representation's tag is weak", value: '"a,b"', of: WEAK, holds: false },
    { when: "both tags are weak", value: 'W/"a,b"', of: WEAK, holds: false },
    { when: "the representation has no tag", value: '"a,b"', of: UNTAGGED, holds: false },
    { when: "it is a list", value: '"a,b", "a,b"', of: STRONG, holds: false },
    {
      when: "it is a list, and so is the representation's tag",
      value: '"a", "b"',
      of: { ...STRONG, etag: '"a", "b"' },
      holds: false,
    },
    { when: "it is a star", value: "*", of: STRONG, holds: false },
    { when: "its date is Last-Modified", value: MODIFIED, of: STRONG, holds: true },
    { when: "its date is later", value: AFTER, of: STRONG, holds: false },
    { when: "its date is earlier", value: BEFORE, of: STRONG, holds: false },
    { when: "it is no date", value: "2026-11-22", of: STRONG, holds: false },
    { when: "there is no Last-Modified", value: MODIFIED, of: UNDATED, holds: false },
    {
      when: "Last-Modified is a second old (§8.8.2.2)",
      value: MODIFIED,
      of: { ...STRONG, dateMs: MODIFIED_MS + 1_000 },
      holds: true,
    },
    {
      when: "Last-Modified is less than a second old",
      value: MODIFIED,
      of: { ...STRONG, dateMs: MODIFIED_MS + 999 },
      holds: false,
    },
  ];
  for (const { when, value, of, holds } of cases) {
    test(`${holds ? "lets Range count" : "keeps Range from counting"} when ${when}`, () => {
      const field = fieldsOf({ range: "bytes=0-9", "if-range": value });
      assert.equal(effectiveRange("GET", field, of, NOW), holds ? "bytes=0-9" : undefined);
    });
  }

  test("counts for nothing without Range", () => {
    const field = fieldsOf({ "if-range": '"a,b"' });
    assert.equal(effectiveRange("GET", field, STRONG, NOW), undefined);
  });

  test("is for GET, as Range is (§14.2)", () => {
    const field = fieldsOf({ range: "bytes=0-9", "if-range": '"a,b"' });
    assert.equal(effectiveRange("HEAD", field, STRONG, NOW), undefined);
  });
});
