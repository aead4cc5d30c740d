import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { official, startAtoll } from "../support/atoll.ts";
import type { Deviation } from "../support/deviations.ts";
import { type CheckedReply, officialCheck } from "../support/official.ts";
import { createAccount, createToken, freshName, originOf } from "../support/world.ts";

const folder = mkdtempSync(join(tmpdir(), "atoll-official-"));
after(() => rmSync(folder, { recursive: true }));
mkdirSync(join(folder, "resources"));

writeFileSync(
  join(folder, "paths.yml"),
  `paths:
  /v2/things/{thing_id}:
    get:
      $ref: "resources/get.yml"
`,
);
writeFileSync(
  join(folder, "resources/get.yml"),
  `operationId: things_get
responses:
  '200':
    headers:
      ratelimit-limit:
        schema: { type: integer }
    content:
      application/json:
        schema:
          type: object
          properties:
            thing: { $ref: 'models.yml#/thing' }
          required: [thing]
  '204':
    description: nothing
  default:
    content:
      application/json:
        schema: { type: object, required: [id, message] }
`,
);
writeFileSync(
  join(folder, "resources/models.yml"),
  `thing:
  type: object
  properties:
    id: { type: string, format: uuid, readOnly: true }
    note: { type: string, nullable: true }
    parts: { type: array, items: { $ref: '#/thing' } }
`,
);

const ID = "892071a0-bb95-49bc-8021-3afd67a210bf";

function got(status: number, body: unknown, change: Partial<CheckedReply> = {}): CheckedReply {
  return {
    method: "GET",
    path: `/v2/things/${ID}`,
    status,
    headers: { "content-type": "application/json; charset=utf-8", "ratelimit-limit": "5000" },
    text: body === undefined ? "" : JSON.stringify(body),
    ...change,
  };
}

describe("the check against the published schemas", () => {
  const published = officialCheck(folder, []);

  test("lets a reply pass that is as published, its references followed", () => {
    const thing = { id: ID, note: null, parts: [{ id: ID }] };
    assert.deepEqual(published.check(got(200, { thing })), []);
  });

  test("finds a wrong value, however deep", () => {
    const [mistake = ""] = published.check(got(200, { thing: { parts: [{ id: "42" }] } }));
    assert.match(mistake, /^things_get: 200: \/thing\/parts\/\*\/id must match format "uuid"/);
  });

  test("finds a declared rate limit field that is not there", () => {
    const headers = { "content-type": "application/json; charset=utf-8" };
    const [mistake = ""] = published.check(got(200, { thing: {} }, { headers }));
    assert.match(mistake, /header ratelimit-limit/);
  });

  test("takes the default reply for a status that is not listed", () => {
    assert.deepEqual(published.check(got(409, { id: "conflict", message: "taken" })), []);
    assert.equal(published.check(got(409, { id: "conflict" })).length, 1);
  });

  test("finds a body where none is declared", () => {
    assert.equal(published.check(got(204, {})).length, 1);
    assert.deepEqual(published.check(got(204, undefined)), []);
  });

  test("finds an operation that was never published, unless the route is our own", () => {
    assert.equal(published.check(got(200, {}, { path: "/v2/nothing" })).length, 1);
    assert.deepEqual(published.check(got(404, {}, { path: "/v2/nothing" })), []);
    assert.deepEqual(published.check(got(200, {}, { path: "/atoll/v1/tokens" })), []);
  });

  test("accepts a listed deviation, and tells of one that is used no more", () => {
    const deviation: Deviation = {
      operation: "things_get",
      status: 200,
      path: "/thing/id",
      reason: "an id of ours",
    };
    const lenient = officialCheck(folder, [deviation]);
    assert.deepEqual(lenient.unusedDeviations(), [deviation]);
    assert.deepEqual(lenient.check(got(200, { thing: { id: "42" } })), []);
    assert.deepEqual(lenient.unusedDeviations(), []);
  });
});

const off = official === undefined && "ATOLL_TEST_OPENAPI is not set";

describe("what Atoll answers", { skip: off }, () => {
  // Every reply of every test is checked; this one makes each kind there is, in one process.
  test("is as published, but for the deviations that are listed, all of which it has", async () => {
    await using atoll = await startAtoll();
    const token = await createAccount(atoll, "published@example.test");
    const nothing = (await createToken(atoll, { scopes: ["droplet:read"] })).secret;
    const list = "/v2/cdn/endpoints";
    const origin = originOf(freshName("published"));
    const created = await atoll.api("POST", list, {
      token,
      body: {
        origin,
        custom_domain: "published.example.com",
        certificate_id: "needs-cloudflare-cert",
      },
    });
    await atoll.api("POST", list, { token, body: { origin: originOf(freshName()) } });
    const one = `${list}/${created.json.endpoint.id}`;
    const asked = [
      { method: "GET", target: "/v2/account", is: 200 },
      { method: "GET", target: list, is: 200 },
      { method: "GET", target: `${list}?per_page=1&page=2`, is: 200 },
      { method: "GET", target: one, is: 200 },
      { method: "PUT", target: one, body: { ttl: 60 }, is: 200 },
      { method: "PUT", target: one, body: { ttl: 1800 }, is: 422 },
      { method: "PUT", target: one, body: { custom_domain: "" }, is: 200 },
      { method: "POST", target: list, body: { origin }, is: 409 },
      { method: "DELETE", target: `${one}/cache`, body: { files: ["*"] }, is: 204 },
      { method: "DELETE", target: one, is: 204 },
      { method: "GET", target: one, is: 404 },
    ];
    for (const { method, target, is, ...body } of asked) {
      assert.equal((await atoll.api(method, target, { token: null, ...body })).status, 401);
      assert.equal((await atoll.api(method, target, { token: nothing, ...body })).status, 403);
      const reply = await atoll.api(method, target, { token, ...body });
      assert.equal(reply.status, is, `${method} ${target} ${reply.text}`);
    }
    assert.deepEqual(official?.unusedDeviations(), []);
  });
});
