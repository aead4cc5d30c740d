import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import CachePolicy from "http-cache-semantics";
import { cachingPolicy } from "#edge/cache/cache-control.ts";
import { dateIn, NOW, reused, stored } from "./received.ts";

/** The answer to a GET through a proxy, received at `NOW` and looked at so many seconds later. */
interface Response {
  readonly status: number;
  readonly fields: Readonly<Record<string, string>>;
  readonly authorized: boolean;
  readonly seconds: number;
}

const seconds = fc.integer({ min: 0, max: 120 });
/** In steps of which a tenth is whole: a guess is counted in seconds, and there with its fraction. */
const date = fc.integer({ min: -6, max: 6 }).map((n) => dateIn(n * 10));

const directive = fc.oneof(
  { weight: 4, arbitrary: seconds.map((n) => `max-age=${n}`) },
  { weight: 2, arbitrary: seconds.map((n) => `s-maxage=${n}`) },
  { weight: 2, arbitrary: seconds.map((n) => `stale-while-revalidate=${n}`) },
  fc.constantFrom("max-age=a", "s-maxage=-1", 'max-age="60"', "x=y", 'z="a"', "no-transform"),
  fc.constantFrom("public", "private", "no-store", "no-cache", "must-revalidate"),
  fc.constantFrom("proxy-revalidate", "immutable", "must-understand"),
  fc.constantFrom('private="x-a"', 'no-cache="x-a"'),
);

/** Most of what is there, now and then: all at once would leave little to compare. */
function sometimes<T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.option(arbitrary, { nil: undefined, freq: 2 });
}

const fields: fc.Arbitrary<Response["fields"]> = fc
  .record({
    "cache-control": fc
      .uniqueArray(directive, { selector: nameOf, maxLength: 4 })
      .map((directives) => directives.join(", ")),
    expires: sometimes(fc.oneof(date, fc.constantFrom("0", "soon"))),
    date: sometimes(date),
    age: sometimes(seconds.map(String)),
    "last-modified": sometimes(fc.integer({ min: -200, max: 6 }).map((n) => dateIn(n * 10))),
    etag: sometimes(fc.constant('"a"')),
    "set-cookie": sometimes(fc.constant("a=b")),
    vary: sometimes(fc.constantFrom("*", "accept", "accept, accept-language")),
  })
  .map((all) => {
    const present = Object.entries(all).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value] as const],
    );
    return Object.fromEntries(present);
  });

const response: fc.Arbitrary<Response> = fc.record({
  status: fc.oneof(
    { weight: 3, arbitrary: fc.constant(200) },
    fc.constantFrom(203, 204, 206, 300, 301, 302, 308, 404, 405, 410, 414, 500, 501, 599),
  ),
  fields,
  authorized: fc.boolean(),
  seconds,
});

function nameOf(text: string): string {
  return text.split("=")[0] ?? "";
}

function has(one: Response, ...texts: readonly string[]): boolean {
  const directives = (one.fields["cache-control"] ?? "").split(", ");
  return directives.some((text) => texts.includes(text) || texts.includes(nameOf(text)));
}

function oracleFor({ status, authorized, seconds: after, ...one }: Response): CachePolicy {
  const headers = authorized ? { authorization: "Basic YTpi" } : {};
  const policy = new CachePolicy(
    { method: "GET", url: "/", headers },
    { status, headers: one.fields },
  );
  return Object.assign(policy, { _responseTime: NOW, now: () => NOW + after * 1_000 });
}

function linesOf(one: Response): readonly string[] {
  return Object.entries(one.fields).flat();
}

function about({ status, authorized }: Response) {
  return { role: "proxy", status, authorized, bare: true } as const;
}

function storedHere(one: Response): string {
  return stored(linesOf(one), about(one));
}

function isStoredByBoth(one: Response): boolean {
  return storedHere(one) === "store" && oracleFor(one).storable();
}

/** One way in which the two differ, and who is right: what is decided here, and for which responses. */
type Difference = readonly [
  what: string,
  ours: string | boolean | number,
  when: (one: Response, theirs: unknown) => boolean,
];

/** What both decide on a response. */
type Decide = (one: Response) => readonly [ours: string | boolean | number, theirs: unknown];

/** The two decide alike, but for what one of the differences says. */
function compare(
  isCompared: (one: Response) => boolean,
  decide: Decide,
  differences: readonly Difference[],
): void {
  /** `undefined` where they decide alike. */
  const differenceIn = (one: Response): Difference | undefined => {
    const [ours, theirs] = decide(one);
    if (ours === theirs) return undefined;
    const difference = differences.find(([, here, when]) => here === ours && when(one, theirs));
    assert(difference !== undefined, `${String(ours)} here, ${String(theirs)} there`);
    return difference;
  };
  fc.assert(
    fc.property(response.filter(isCompared), (one) => void differenceIn(one)),
    { numRuns: 5_000 },
  );
  // One that is not met in these, which are always the same, is no difference any more.
  const sample = fc.sample(response, { seed: 2, numRuns: 40_000 }).filter(isCompared);
  const met = new Set(sample.map(differenceIn));
  assert.deepEqual(met, new Set([...differences, undefined]));
}

function isOldByDate(one: Response): boolean {
  return NOW - Date.parse(one.fields["date"] ?? "") > Number(one.fields["age"] ?? 0) * 1_000;
}

function isStricterOfCookies(one: Response): boolean {
  return "set-cookie" in one.fields && !has(one, "public", "immutable");
}

describe("RFC 9111, as http-cache-semantics reads it", () => {
  test("§3: has the same responses stored", () => {
    const isStored: readonly Difference[] = [
      // Only must-understand asks that a status is understood (§3).
      ["a status it does not know", "store", ({ status }) => status === 500 || status === 599],
      // The rest of the response may be stored (§5.2.2.7).
      ["private with names", "store", (one) => has(one, 'private="x-a"')],
      // It lifts no-store from a status that is understood (§5.2.2.3).
      ["must-understand", "store", (one) => has(one, "must-understand") && has(one, "no-store")],
      // It may be stored, but there is nothing to reuse it by (§3, last paragraph).
      ["no lifetime and no validator", "no-validator", () => true],
      // It may be stored, but no request selects it (§4.1).
      ["Vary: *", "vary", (one) => one.fields["vary"] === "*"],
      // It may be stored, but without a lifetime it may be meant for one (§7.3).
      ["a cookie", "set-cookie", (one) => "set-cookie" in one.fields],
    ];
    compare(
      () => true,
      (one) => {
        const verdict = storedHere(one);
        const theirs = oracleFor(one).storable();
        return [(verdict === "store") === theirs ? theirs : verdict, theirs];
      },
      isStored,
    );
  });

  /** On how long a response is fresh, they differ in these. */
  const fresher: readonly Difference[] = [
    // Only once it is stale it has to be validated (§5.2.2.8).
    ["proxy-revalidate", "fresh", (one) => has(one, "proxy-revalidate")],
    // Without the fields that are named it may be reused (§5.2.2.4).
    ["no-cache with names", "fresh", (one) => has(one, 'no-cache="x-a"')],
    // Explicitly fresh means that others may have it (§7.3); the oracle says that it is stricter.
    ["a cookie", "fresh", isStricterOfCookies],
  ];
  const staler: readonly Difference[] = [
    // An age is no less than apparent_age (§4.2.3). The oracle counts from Age alone.
    ["an old Date", "wait", isOldByDate],
    // RFC 8246 §2: it is about a lifetime that there is. The oracle makes one of a day.
    ["immutable", "wait", (one) => has(one, "immutable")],
  ];

  test("§4.2: has the same of them fresh", () => {
    compare(
      isStoredByBoth,
      (one) => {
        const { kind } = reused(linesOf(one), one.seconds, about(one));
        return [kind === "fresh" ? "fresh" : "wait", oracleFor(one).stale() ? "wait" : "fresh"];
      },
      [...fresher, ...staler],
    );
  });

  test("§4.2.1: has the lifetime given alike", () => {
    const hasLifetime = (one: Response): boolean =>
      cachingPolicy(linesOf(one), NOW).lifetimeSeconds !== undefined;
    compare(
      (one) => isStoredByBoth(one) && hasLifetime(one),
      (one) => {
        const lifetime = cachingPolicy(linesOf(one), NOW).lifetimeSeconds ?? 0;
        const theirs = oracleFor(one).maxAge();
        return [lifetime === theirs ? lifetime : "differs", theirs];
      },
      [
        // All of these are no lifetimes there; here they are looked at beside it.
        ["no-cache", "differs", (one, theirs) => has(one, "no-cache") && theirs === 0],
        ["proxy-revalidate", "differs", (one, its) => has(one, "proxy-revalidate") && its === 0],
        ["a cookie", "differs", (one, its) => isStricterOfCookies(one) && its === 0],
        // §4.2.1: an invalid one is stale; so is the oracle's, a second earlier than can be.
        ["a negative number", "differs", (one, theirs) => has(one, "s-maxage=-1") && theirs === -1],
        // As above, and in milliseconds.
        ["immutable", "differs", (one, its) => has(one, "immutable") && its === 86_400_000],
      ],
    );
  });

  test("RFC 5861 §3: has the same served while it is revalidated", () => {
    compare(
      isStoredByBoth,
      (one) => {
        const { kind } = reused(linesOf(one), one.seconds, about(one));
        const ours =
          kind === "fresh" ? "fresh" : kind === "stale-while-revalidate" ? "behind" : "wait";
        const oracle = oracleFor(one);
        const { revalidation } = oracle.evaluateRequest({ method: "GET", url: "/", headers: {} });
        if (revalidation === undefined) return [ours, "fresh"];
        return [ours, revalidation.synchronous ? "wait" : "behind"];
      },
      [
        ...fresher,
        ...staler,
        // It says nothing of what is fresh (§5.2.2.2). The oracle takes it for no-cache.
        ["must-revalidate", "fresh", (one) => has(one, "must-revalidate")],
        // RFC 5861's directives count beside it, with both.
        ["s-maxage that cannot be read", "behind", (one) => has(one, "s-maxage=-1")],
        // These forbid what is stale (§4.2.4). The oracle asks for must-revalidate only.
        ["no-cache", "wait", (one) => has(one, "no-cache")],
        ["proxy-revalidate, stale", "wait", (one) => has(one, "proxy-revalidate")],
        // The lifetimes that differ end elsewhere, and so do the windows behind them.
        ["no-cache with names, stale", "behind", (one) => has(one, 'no-cache="x-a"')],
        ["a cookie, stale", "behind", isStricterOfCookies],
        ["an old Date, stale", "behind", isOldByDate],
        ["immutable, stale", "behind", (one) => has(one, "immutable")],
      ],
    );
  });
});
