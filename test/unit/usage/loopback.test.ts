import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { Problem } from "#problem.ts";
import { EdgeUsage } from "#usage/edge-usage.ts";
import { startLoopback } from "#usage/loopback.ts";
import { exchange } from "../../support/exchange.ts";

const stack = new AsyncDisposableStack();
after(() => stack.disposeAsync());
const port = await startLoopback(
  {
    port: 0,
    version: "1.2.3",
    usage: new EdgeUsage(),
    disk: () => undefined,
    explain: async (query) => {
      if (query.get("url") === "bad") throw new Problem("unprocessable_entity", "url: expected");
      if (query.get("url") === "bug") throw new TypeError("a bug");
      return { explanation: query.getAll("header") };
    },
  },
  stack,
);
const url = `http://127.0.0.1:${port}`;

describe("what answers on the loopback beside an edge that is alone", () => {
  test("has the metrics", async () => {
    const { status, text, headers } = await exchange(`${url}/metrics`);
    assert.equal(status, 200);
    assert.match(text, /atoll_build_info\{version="1\.2\.3"\} 1/);
    assert.match(headers["content-type"] ?? "", /^text\/plain; version=0\.0\.4/);
  });

  test("explains the request that a query describes, however long", async () => {
    const header = `cookie: ${"a".repeat(30_000)}`;
    const query = new URLSearchParams([
      ["url", "http://a.example/"],
      ["header", "a: 1"],
      ["header", header],
    ]);
    const { status, text } = await exchange(`${url}/explain?${query.toString()}`);
    assert.equal(status, 200);
    assert.deepEqual(JSON.parse(text), { explanation: ["a: 1", header] });
  });

  test("says what is wrong with a description, and nothing of a bug", async () => {
    const bad = await exchange(`${url}/explain?url=bad`);
    const body = { id: "unprocessable_entity", message: "url: expected" };
    assert.deepEqual([bad.status, JSON.parse(bad.text)], [422, body]);
    const bug = await exchange(`${url}/explain?url=bug`);
    assert.deepEqual([bug.status, bug.text], [500, ""]);
  });

  for (const [why, headers] of [
    ["browser", { origin: "https://a.example" }],
    ["browser", { host: "a.example" }],
    ["proxied", { "x-forwarded-for": "192.0.2.1" }],
  ] as const) {
    test(`explains nothing to a ${why} (${Object.keys(headers).join()})`, async () => {
      const { status, text } = await exchange(`${url}/explain?url=x`, { headers });
      assert.equal(status, 403);
      assert.match(text, new RegExp(why));
    });
  }
});
