import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { PageQuery, pageLinks, parsePage } from "#api/page.ts";

const url = new URL("https://api.example.net/v2/cdn/endpoints?per_page=2&tag=x");
const link = (page: number) =>
  `https://api.example.net/v2/cdn/endpoints?per_page=2&tag=x&page=${page}`;

describe("the links of a page", () => {
  const rows = [
    { when: "everything fits", page: 1, total: 2, links: {} },
    { when: "there is nothing", page: 1, total: 0, links: {} },
    {
      when: "it is the first",
      page: 1,
      total: 5,
      links: { pages: { next: link(2), last: link(3) } },
    },
    {
      when: "it is in the middle",
      page: 2,
      total: 5,
      links: { pages: { first: link(1), prev: link(1), next: link(3), last: link(3) } },
    },
    {
      when: "it is the last",
      page: 3,
      total: 5,
      links: { pages: { first: link(1), prev: link(2) } },
    },
    {
      when: "it is past the end",
      page: 9,
      total: 5,
      links: { pages: { first: link(1), prev: link(3) } },
    },
  ];
  for (const { when, page, total, links } of rows) {
    test(`are those that lead somewhere when ${when}`, () => {
      assert.deepEqual(pageLinks(url, { page, per_page: 2 }, total), links);
    });
  }
});

describe("a page's parameters", () => {
  test("are page 1 of 20 unless told, and 200 at most", () => {
    assert.deepEqual(parsePage({}), { page: 1, per_page: 20 });
    const asked = (page: string, per_page: string) => PageQuery.parse({ page, per_page });
    assert.deepEqual(parsePage(asked("3", "500")), { page: 3, per_page: 200 });
    const huge = "9".repeat(30);
    assert.deepEqual(parsePage(asked(huge, huge)), {
      page: 1_000_000_000,
      per_page: 200,
    });
  });

  for (const text of ["0", "-1", "1.5", "", "abc", "1e3"]) {
    test(`are refused when one is ${JSON.stringify(text)}`, () => {
      assert.equal(PageQuery.safeParse({ page: text }).success, false);
    });
  }
});
