import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { startAtoll } from "../support/atoll.ts";
import { atollCommand } from "../support/cli.ts";
import { startEdgeAlone } from "../support/edge-alone.ts";
import { exchange } from "../support/exchange.ts";
import { runAtoll } from "../support/program.ts";
import { until } from "../support/until.ts";
import { startUpstream } from "../support/upstream.ts";
import {
  assertProblem,
  createAccount,
  createEndpoint,
  createToken,
  freshName,
  hostOf,
  originOf,
  putObject,
} from "../support/world.ts";

const atoll = await startAtoll({ env: { ATOLL_EDGE_WORKERS: "2" } });
after(() => atoll[Symbol.asyncDispose]());

const EXPLAIN = "/v2/cdn/explain";

interface Steps {
  readonly [step: string]: readonly string[];
}

function stepsOf(steps: readonly { readonly step: string; readonly lines: readonly string[] }[]) {
  return Object.fromEntries(steps.map(({ step, lines }) => [step, lines]));
}

/** What is decided, and what each group of workers would do. */
async function explained(body: object): Promise<{ decided: Steps; found: Steps[] }> {
  const reply = await atoll.api("POST", EXPLAIN, { body });
  assert.equal(reply.status, 200, reply.text);
  const { explanation } = JSON.parse(reply.text) as {
    explanation: { decided: []; workers: { found: [] }[]; missing: number };
  };
  assert.equal(explanation.missing, 0);
  const { decided, workers } = explanation;
  return { decided: stepsOf(decided), found: workers.map(({ found }) => stepsOf(found)) };
}

async function served() {
  const space = freshName();
  const { id } = await createEndpoint(atoll, originOf(space));
  const host = hostOf(space);
  await putObject(atoll, space, "a.txt", "bytes", { cacheControl: "max-age=600" });
  return { id, host, url: `http://${host}/a.txt` };
}

describe("an explanation by the API", () => {
  test("says what would be fetched, and fetches nothing; then what is stored", async () => {
    const { id, host, url } = await served();
    for (const _ of [1, 2]) {
      const cold = await explained({ url });
      assert.deepEqual(cold.decided["key"], [`${id} /a.txt`]);
      for (const { stored, answer } of cold.found) {
        assert.deepEqual(stored, ["nothing, neither in memory nor on disk"]);
        assert.match(answer?.[0] ?? "", /^MISS/);
      }
    }
    assert.equal((await atoll.edge(host, "/a.txt")).headers["x-cache"], "MISS");
    // On disk all workers have it, once it is written.
    const warm = await until("every worker has it", async () => {
      const { found } = await explained({ url, method: "HEAD" });
      return found.every(({ answer }) => answer?.[0]?.startsWith("HIT") === true) && found;
    });
    for (const { stored = [] } of warm) {
      assert.match(stored[0] ?? "", /^(?:in memory, and )?on disk: 200, 5 octets$|^in memory: /);
      assert(stored.includes("fresh for 600 s, by max-age of Cache-Control"), stored.join("\n"));
    }
  });

  test("says what a purge has done", async () => {
    const { id, host, url } = await served();
    await atoll.edge(host, "/a.txt");
    const body = { files: ["*"] };
    assert.equal(
      (await atoll.api("DELETE", `/v2/cdn/endpoints/${id}/cache`, { body })).status,
      204,
    );
    for (const { answer } of (await explained({ url })).found) {
      assert.match(answer?.[0] ?? "", /^MISS/);
    }
  });

  test("is refused to whom the endpoint is not, as if there were none", async () => {
    const { url } = await served();
    const missing = await atoll.api("POST", EXPLAIN, { body: { url: "http://nobody.example/" } });
    assertProblem(missing, 404, "not_found", "No CDN endpoint of this account");
    const token = await createAccount(atoll, "stranger@example.net");
    const strange = await atoll.api("POST", EXPLAIN, { body: { url }, token });
    assert.deepEqual([strange.status, strange.json["message"]], [404, missing.json["message"]]);
  });

  test("needs cdn:read, and a request that can be one", async () => {
    const { url } = await served();
    const as = async (scope: string) => {
      const { secret } = await createToken(atoll, { scopes: [scope] });
      return (await atoll.api("POST", EXPLAIN, { body: { url }, token: secret })).status;
    };
    assert.deepEqual([await as("cdn:read"), await as("cdn:delete")], [200, 403]);
    for (const [body, says] of [
      [{}, "url"],
      [{ url: "here" }, "url: expected an http(s) URL"],
      [{ url, headers: { "a b": "c" } }, "headers: expected names"],
      [{ url, headers: ["a"] }, "headers"],
    ] as const) {
      const reply = await atoll.api("POST", EXPLAIN, { body });
      assertProblem(reply, 422, "unprocessable_entity", says);
    }
  });

  test("is what the command shows", async () => {
    const { host } = await served();
    const args = ["edge", "explain", `https://${host}/a.txt`, "--method", "PUT"];
    const { stdout } = await atollCommand(atoll.dataDir, args);
    assert.match(stdout, /^request {3}PUT \/a\.txt of .*, over TLS\ntls {7}the certificate /);
    assert.match(stdout, /\ngate {6}the edge answers by itself with 405: Only GET and HEAD/);
  });
});

describe("an explanation by an edge that is alone", () => {
  test("comes by its metrics' port, to the same command", async () => {
    await using upstream = await startUpstream((_, response) => {
      response.setHeader("cache-control", "max-age=60").end("body");
    });
    await using edge = await startEdgeAlone({
      origin: upstream.url,
      args: ["--metrics-port", "0", "--workers", "1"],
    });
    const { port } = new URL(edge.metricsUrl);
    const url = `${edge.url}/a`;
    const explain = async (...args: string[]): Promise<string> => {
      const argv = ["edge", "explain", url, "--metrics-port", port, ...args];
      const { code, stdout, stderr } = await runAtoll(argv, { PATH: "" });
      assert.equal(code, 0, stderr);
      return stdout;
    };
    assert.match(await explain(), /\nanswer {4}MISS: the origin is asked\n/);
    assert.equal(upstream.fetches("/a"), 0);
    assert.equal((await exchange(url)).text, "body");
    assert.match(await explain(), /\nstored {4}in memory: 200, 4 octets\n/);
    assert.match(await explain("--header", "range: bytes=1-2"), /\n {10}206, octets 1-2\n/);
    assert.equal(upstream.fetches("/a"), 1);
    const metrics = (await exchange(edge.metricsUrl)).text;
    assert.match(metrics, /^atoll_edge_origin_fetches_total\{result="2xx"\} 1$/m);
    assert.match(metrics, /^atoll_edge_memory_objects 1$/m);
  });
});

describe("the preview of a purge, after a restart", () => {
  test("has what is on disk, until it was purged", async () => {
    const { id, host } = await served();
    await atoll.edge(host, "/a.txt");
    const target = `/v2/cdn/endpoints/${id}/cache`;
    const body = { files: ["*"] };
    const preview = async (): Promise<unknown> =>
      JSON.parse((await atoll.api("POST", `${target}/preview`, { body })).text);
    await atoll.restart();
    const matches = [{ path: "/a.txt", bytes: 5, tier: "disk" }];
    assert.deepEqual(await preview(), { matches, total: 1, truncated: false });
    assert.equal((await atoll.edge(host, "/a.txt")).headers["x-cache"], "HIT");
    assert.equal((await atoll.api("DELETE", target, { body })).status, 204);
    assert.deepEqual(await preview(), { matches: [], total: 0, truncated: false });
  });
});
