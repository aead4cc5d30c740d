import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { startAtoll } from "../support/atoll.ts";
import { inParallel } from "../support/until.ts";
import { assertProblem, createAccount, createEndpoint, originOf } from "../support/world.ts";

const atoll = await startAtoll();
after(() => atoll[Symbol.asyncDispose]());

const TOTAL = 203;
const token = await createAccount(atoll, "many@example.test");
const origins = Array.from({ length: TOTAL }, (_, index) => originOf(`page-${index}`));
await inParallel(origins, 8, (origin) => createEndpoint(atoll, origin, {}, token));

async function list(query: string, headers: Readonly<Record<string, string>> = {}) {
  const reply = await atoll.api("GET", `/v2/cdn/endpoints${query}`, { token, headers });
  assert.equal(reply.status, 200, reply.text);
  return reply.json;
}

/** The page that a link leads to. */
function pageOf(link: string | undefined): string | null | undefined {
  return link === undefined ? undefined : new URL(link).searchParams.get("page");
}

describe("a list", () => {
  test("is 20 to a page unless asked for more, and always says how many there are", async () => {
    const page = await list("");
    assert.equal(page.endpoints.length, 20);
    assert.deepEqual(page.meta, { total: TOTAL });
  });

  test("links from its first page to the next and the last only", async () => {
    const { links } = await list("?per_page=50");
    assert.deepEqual(Object.keys(links.pages ?? {}).toSorted(), ["last", "next"]);
    assert.equal(pageOf(links.pages?.next), "2");
    assert.equal(pageOf(links.pages?.last), "5");
  });

  test("links from a middle page to all four", async () => {
    const { links } = await list("?page=3&per_page=50");
    const { first, prev, next, last } = links.pages ?? {};
    assert.deepEqual([first, prev, next, last].map(pageOf), ["1", "2", "4", "5"]);
  });

  test("links from its last page to the first and the previous only", async () => {
    const { endpoints, links } = await list("?page=5&per_page=50");
    assert.equal(endpoints.length, 3);
    assert.deepEqual(Object.keys(links.pages ?? {}).toSorted(), ["first", "prev"]);
    assert.equal(pageOf(links.pages?.prev), "4");
  });

  test("has empty links when everything fits on one page", async () => {
    const small = await createAccount(atoll, "few@example.test");
    await createEndpoint(atoll, originOf("only"), {}, small);
    const reply = await atoll.api("GET", "/v2/cdn/endpoints", { token: small });
    assert.deepEqual(reply.json.links, {});
    assert.deepEqual(reply.json.meta, { total: 1 });
  });

  test("is empty, and says so, when there is nothing", async () => {
    const none = await createAccount(atoll, "none@example.test");
    const reply = await atoll.api("GET", "/v2/cdn/endpoints", { token: none });
    assert.deepEqual(reply.json, { endpoints: [], links: {}, meta: { total: 0 } });
  });

  test("links absolutely, on the scheme and Host of the request, and keeps per_page", async () => {
    const { links } = await list("?per_page=50", { host: "api.example.test:8080" });
    const next = new URL(links.pages?.next ?? "");
    assert.equal(next.origin, "http://api.example.test:8080");
    assert.equal(next.pathname, "/v2/cdn/endpoints");
    assert.equal(next.searchParams.get("per_page"), "50");
  });

  test("shows each endpoint once to a client that follows next to the end", async () => {
    const seen: string[] = [];
    let target: string | undefined = "?per_page=30";
    while (target !== undefined) {
      const page: Awaited<ReturnType<typeof list>> = await list(target);
      seen.push(...page.endpoints.map(({ origin }) => origin));
      const next: string | undefined = page.links.pages?.next;
      target = next === undefined ? undefined : new URL(next).search;
    }
    assert.deepEqual(seen.toSorted(), origins.toSorted());
  });

  test("shows the same to a client that reads `last` and fetches the pages at once", async () => {
    const first = await list("?per_page=100");
    const last = Number(pageOf(first.links.pages?.last));
    const pages = await Promise.all(
      Array.from({ length: last }, (_, index) => list(`?page=${index + 1}&per_page=100`)),
    );
    const seen = pages.flatMap(({ endpoints }) => endpoints.map(({ origin }) => origin));
    assert.deepEqual(seen.toSorted(), origins.toSorted());
  });

  test("gives 200 to a page at most", async () => {
    const { endpoints, links } = await list("?per_page=1000");
    assert.equal(endpoints.length, 200);
    assert.equal(pageOf(links.pages?.last), "2");
  });

  test("is empty past its end", async () => {
    const { endpoints, meta } = await list("?page=99");
    assert.deepEqual(endpoints, []);
    assert.equal(meta.total, TOTAL);
  });

  for (const query of ["page=0", "page=-1", "page=two", "page=1.5", "per_page=0", "per_page=x"]) {
    test(`asked for with ${query} is 422, and the message names the parameter`, async () => {
      const reply = await atoll.api("GET", `/v2/cdn/endpoints?${query}`, { token });
      assertProblem(reply, 422, "unprocessable_entity", new RegExp(`\\b${query.split("=")[0]}\\b`));
    });
  }
});
