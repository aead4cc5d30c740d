import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { after, describe, test } from "node:test";
import { startAtoll } from "../support/atoll.ts";
import { until } from "../support/until.ts";
import { assertProblem, createEndpoint, createSpace, originOf } from "../support/world.ts";

const atoll = await startAtoll();
after(() => atoll[Symbol.asyncDispose]());

/** What the API answers to these octets until it closes the connection. */
async function raw(text: string): Promise<string> {
  const { hostname, port } = new URL(atoll.url);
  const socket = connect(Number(port), hostname);
  socket.setEncoding("utf8").end(text);
  let answer = "";
  socket.on("data", (chunk: string) => {
    answer += chunk;
  });
  await once(socket, "close");
  return answer;
}

describe("what is no request", () => {
  const kinds = {
    "has no Host": "GET /v2/account HTTP/1.1\r\n\r\n",
    "has two Hosts": "GET /v2/account HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "has a malformed Host": "GET /v2/account HTTP/1.1\r\nHost: a b\r\n\r\n",
    "has a fragment": "GET /healthz#x HTTP/1.1\r\nHost: a\r\n\r\n",
    "has two lengths":
      "POST /v2/cdn/endpoints HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "is not HTTP": "hello\r\n\r\n",
  };
  for (const [what, text] of Object.entries(kinds)) {
    test(`is a 400 like any other error when it ${what}`, async () => {
      const answer = await raw(text);
      assert.match(answer, /^HTTP\/1\.1 400 /);
      assert.match(answer, /\r\nx-request-id: [0-9a-f-]{36}\r\n/i);
      assert.match(answer, /\r\nratelimit-limit: 5000\r\n/i);
      assert.match(answer, /"id":"bad_request"/);
    });
  }
});

describe("a malformed request behind a good one", () => {
  test("leaves the good one its answer, and its place before the other", async () => {
    const answer = await raw(
      "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n" +
        "GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    );
    const statuses = answer.matchAll(/HTTP\/1\.1 (\d{3}) /g).map(([, status]) => status);
    assert.deepEqual([...statuses], ["200", "400"]);
  });
});

describe("a path with dot segments", () => {
  test("is no route, and leaves alone what it would lead to", async () => {
    const { id } = await createEndpoint(atoll, originOf("dots"));
    const place = `/v2/cdn/endpoints/${id}`;
    for (const end of ["..", ".", "%2e%2E", ".%2e", "../", "..?x=1"]) {
      const target = `${place}/cache/${end}`;
      const reply = await atoll.operator("DELETE", target);
      assertProblem(reply, 404, "not_found", target.split("?")[0] ?? "");
    }
    assert.equal((await atoll.api("GET", place)).status, 200);
    assert.equal((await atoll.api("GET", `${place}?x=/../`)).status, 200);
  });
});

describe("the order of checks", () => {
  test("has the unknown object before a body that is no object", async () => {
    const reply = await atoll.api("PUT", "/v2/cdn/endpoints/nope", { raw: "[1]" });
    assertProblem(reply, 404, "not_found");
  });

  test("has a page of any number of digits past the end, and empty", async () => {
    const reply = await atoll.api("GET", `/v2/cdn/endpoints?page=${"9".repeat(40)}`);
    assert.equal(reply.status, 200);
    assert.deepEqual(reply.json.endpoints, []);
  });
});

describe("an upload", () => {
  test("whose client leaves changes nothing, and is no failure of ours", async () => {
    await createSpace(atoll, "leaving");
    const { hostname, port } = new URL(atoll.url);
    const socket = connect(Number(port), hostname);
    await once(socket, "connect");
    socket.write(
      "PUT /atoll/v1/spaces/nyc3/leaving/object?key=half HTTP/1.1\r\nHost: a\r\n" +
        "Authorization: Bearer dop_v1_" +
        "7e57".repeat(16) +
        "\r\nContent-Length: 100\r\n\r\nhalf",
    );
    socket.end();
    const line = await until("the request is logged", () =>
      atoll.output.stderr.split("\n").find((each) => each.includes("/object")),
    );
    const { level, status } = JSON.parse(line) as { level: string; status: number };
    assert.deepEqual({ level, status }, { level: "info", status: 499 });
    const list = await atoll.api("GET", "/atoll/v1/spaces/nyc3/leaving/objects");
    assert.deepEqual(list.json.objects, []);
  });

  for (const key of ["a/../b", ".", "a/./b", "..", "a\\..\\b"]) {
    test(`to the key ${key} is refused: nobody could fetch it`, async () => {
      const target = `/atoll/v1/spaces/nyc3/leaving/object?key=${encodeURIComponent(key)}`;
      assertProblem(
        await atoll.api("PUT", target, { raw: "x" }),
        422,
        "unprocessable_entity",
        "key",
      );
    });
  }
});
