import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { listTokenPage, pageToken, parsePageToken } from "#registry/page-token.ts";

const LIST = "http://api.test/v2/registries/images/repositoriesV2";
const ROWS = ["a", "b", "c", "d", "e"];

function list(search: string) {
  const url = new URL(`${LIST}${search}`);
  const { page, per_page, page_token } = Object.fromEntries(url.searchParams);
  const query = {
    page: page === undefined ? undefined : Number(page),
    per_page: per_page === undefined ? undefined : Number(per_page),
    page_token,
  };
  return listTokenPage(url, query, (offset, limit) => ({
    rows: ROWS.slice(offset, offset + limit),
    total: ROWS.length,
  }));
}

/** Follows a link until there is none. */
function walk(search: string, way: "next" | "prev"): readonly string[] {
  const { rows, links } = list(search);
  const target = links.pages?.[way];
  return target === undefined ? rows : [...rows, ...walk(new URL(target).search, way)];
}

describe("a page token", () => {
  test("leads through every page, forwards and back", () => {
    assert.deepEqual(walk("?per_page=2", "next"), ROWS);
    assert.deepEqual(walk("?per_page=2&page=3", "prev"), ["e", "c", "d", "a", "b"]);
  });

  test("wins over the page's number, and an empty one is none", () => {
    assert.deepEqual(list(`?per_page=2&page=1&page_token=${pageToken(2)}`).rows, ["c", "d"]);
    assert.deepEqual(list("?per_page=2&page=2&page_token=").rows, ["c", "d"]);
  });

  test("is in the links to the next page and the one before, beside what they have else", () => {
    const { pages = {} } = list("?per_page=2&page=2").links;
    const shown = (["first", "prev", "next", "last"] as const).map((way) => {
      const { searchParams } = new URL(pages[way] ?? "");
      return [way, searchParams.get("page"), searchParams.has("page_token")];
    });
    assert.deepEqual(shown, [
      ["first", "1", false],
      ["prev", "1", true],
      ["next", "3", true],
      ["last", "3", false],
    ]);
  });

  test("that was never given out is refused", () => {
    assert.equal(parsePageToken(pageToken(7)), 7);
    for (const text of ["7", "%", `${pageToken(7)}=`, Buffer.from("{}").toString("base64url")]) {
      assert.throws(() => parsePageToken(text), { id: "bad_request" }, text);
    }
  });
});
