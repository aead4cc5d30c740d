import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { type ApiReply, startAtoll } from "../support/atoll.ts";
import {
  assertProblem,
  createAccount,
  createEndpoint,
  createSpace,
  createToken,
  freshName,
  originOf,
} from "../support/world.ts";

const atoll = await startAtoll();
after(() => atoll[Symbol.asyncDispose]());
const other = await createAccount(atoll, "other@example.test");

const OFF = {
  https_redirect: false,
  hsts: null,
  error_page: null,
  compression: false,
  query: { mode: "all", names: [] },
  signed_urls: { enabled: false, secrets: 0 },
};

/** A fresh endpoint's settings. */
async function endpointWithSettings() {
  const { id } = await createEndpoint(atoll, originOf(freshName()));
  const target = `/v2/cdn/endpoints/${id}/settings`;
  return {
    target,
    get: () => atoll.api("GET", target),
    patch: (body: unknown, token?: string) =>
      atoll.api("PATCH", target, { body, ...(token === undefined ? {} : { token }) }),
  };
}

function settingsOf(reply: ApiReply): unknown {
  assert.equal(reply.status, 200, reply.text);
  return (JSON.parse(reply.text) as { readonly settings: unknown }).settings;
}

describe("an endpoint's settings", () => {
  test("are all off to begin with", async () => {
    const { get } = await endpointWithSettings();
    assert.deepEqual(settingsOf(await get()), OFF);
  });

  test("change by what a patch names; null turns off", async () => {
    const { get, patch } = await endpointWithSettings();
    const hsts = { max_age: 600, include_subdomains: false, preload: false };
    const query = { mode: "only", names: ["w", "h"] };
    const first = { https_redirect: true, hsts: { max_age: 600 }, error_page: "404.html", query };
    const settled = { ...OFF, https_redirect: true, hsts, error_page: "404.html", query };
    assert.deepEqual(settingsOf(await patch(first)), settled);
    const second = { https_redirect: null, error_page: null, hsts: { include_subdomains: true } };
    const later = { ...OFF, hsts: { ...hsts, include_subdomains: true }, query };
    assert.deepEqual(settingsOf(await patch(second)), later);
    assert.deepEqual(settingsOf(await patch({})), later);
    assert.deepEqual(settingsOf(await get()), later);
    assert.deepEqual(settingsOf(await patch({ hsts: null, query: null })), OFF);
  });

  test("never show a secret of signed URLs, nor say it anywhere else", async () => {
    const { get, patch } = await endpointWithSettings();
    const secrets = ["very-secret-number-one", "very-secret-number-two"];
    const replies = [await patch({ signed_urls: { enabled: true, secrets } }), await get()];
    for (const reply of replies) {
      assert.deepEqual(settingsOf(reply), { ...OFF, signed_urls: { enabled: true, secrets: 2 } });
      assert(!reply.text.includes("very-secret"));
    }
    const refused = await patch({ signed_urls: { secrets: [...secrets, "very-secret-three"] } });
    assertProblem(refused, 422, "unprocessable_entity", "signed_urls.secrets: expected a list");
    assert(!refused.text.includes("very-secret"));
    const { stdout, stderr } = atoll.output;
    assert(!`${stdout}${stderr}`.includes("very-secret"));
  });

  const refusals = [
    { body: { compress: true }, says: "compress" },
    { body: { hsts: { max_age: 1, maxage: 2 } }, says: "hsts: no member is called maxage" },
    { body: { https_redirect: "yes" }, says: "https_redirect: expected true or false" },
    { body: { hsts: true }, says: "hsts: expected an object" },
    { body: { hsts: { max_age: -1 } }, says: "hsts.max_age: expected" },
    { body: { hsts: { max_age: 1e9 } }, says: "hsts.max_age: expected" },
    { body: { hsts: { max_age: 1.5 } }, says: "hsts.max_age: expected" },
    { body: { hsts: { preload: true } }, says: "hsts.max_age: expected" },
    { body: { hsts: { max_age: 60, preload: true } }, says: "hsts.preload: expected" },
    { body: { error_page: "" }, says: "error_page: expected 1 to 1024 bytes" },
    { body: { error_page: "a/../b" }, says: "error_page: expected no segment" },
    { body: { error_page: "k".repeat(1_025) }, says: "error_page: expected 1 to 1024 bytes" },
    { body: { query: { mode: "some" } }, says: "query.mode: expected one of all, none, only" },
    { body: { query: { mode: "only" } }, says: "query.names: expected at least one" },
    { body: { query: { mode: "only", names: ["a&b"] } }, says: "query.names[0]: expected" },
    { body: { query: { mode: "none", names: ["a"] } }, says: "query.names: expected" },
    {
      body: { query: { mode: "only", names: Array.from({ length: 51 }, (_, i) => `n${i}`) } },
      says: "query.names: expected a list of at most 50",
    },
    { body: { signed_urls: { enabled: true } }, says: "signed_urls.secrets: expected" },
    { body: { signed_urls: { secrets: [] } }, says: "signed_urls.secrets: expected a list" },
    { body: { signed_urls: { secrets: ["short"] } }, says: "signed_urls.secrets[0]: expected 16" },
    {
      body: { signed_urls: { secrets: ["x".repeat(257)] } },
      says: "signed_urls.secrets[0]: expected 16",
    },
    {
      body: { signed_urls: { secrets: ["with spaces in between"] } },
      says: "signed_urls.secrets[0]: expected 16",
    },
    { body: [], says: "must be a JSON object" },
  ];
  test("refuse what they do not take by its member's name, and stay as they were", async () => {
    const { get, patch } = await endpointWithSettings();
    for (const { body, says } of refusals) {
      assertProblem(await patch(body), 422, "unprocessable_entity", says);
    }
    assert.deepEqual(settingsOf(await get()), OFF);
  });

  test("are shown with cdn:read and changed with cdn:update", async () => {
    const { target } = await endpointWithSettings();
    const tokens = {
      read: (await createToken(atoll, { scopes: ["cdn:read"] })).secret,
      update: (await createToken(atoll, { scopes: ["cdn:update"] })).secret,
    };
    const as = async (method: string, token: string) =>
      (await atoll.api(method, target, { token, body: {} })).status;
    assert.deepEqual([await as("GET", tokens.read), await as("PATCH", tokens.read)], [200, 403]);
    assert.deepEqual(
      [await as("GET", tokens.update), await as("PATCH", tokens.update)],
      [403, 200],
    );
  });

  test("of another account's endpoint are 404, as is one that is not there", async () => {
    const { target, patch } = await endpointWithSettings();
    assertProblem(await atoll.api("GET", target, { token: other }), 404, "not_found");
    assertProblem(await patch({ compression: true }, other), 404, "not_found");
    assertProblem(await atoll.api("GET", "/v2/cdn/endpoints/x/settings"), 404, "not_found");
  });

  test("do not show in the endpoint itself, which is as published", async () => {
    const { target, patch } = await endpointWithSettings();
    await patch({ compression: true });
    const { json } = await atoll.api("GET", target.replace("/settings", ""));
    assert.deepEqual(Object.keys(json.endpoint).toSorted(), [
      "created_at",
      "endpoint",
      "id",
      "origin",
      "ttl",
    ]);
  });
});

describe("the CORS rules of a Space", () => {
  const rule = {
    ID: "web",
    AllowedOrigins: ["https://www.example.com"],
    AllowedMethods: ["GET", "HEAD"],
    AllowedHeaders: ["Range"],
    ExposeHeaders: ["ETag"],
    MaxAgeSeconds: 600,
  };

  test("are replaced, shown and removed as a whole, in S3's shape", async () => {
    const space = freshName("cors");
    await createSpace(atoll, space);
    const target = `/atoll/v1/spaces/nyc3/${space}/cors`;
    const get = async () => JSON.parse((await atoll.api("GET", target)).text) as unknown;
    assert.deepEqual(await get(), { CORSRules: [] });
    const body = { CORSRules: [rule, { AllowedOrigins: ["*"], AllowedMethods: ["GET"] }] };
    const put = await atoll.api("PUT", target, { body });
    assert.deepEqual([put.status, JSON.parse(put.text)], [200, body]);
    assert.deepEqual(await get(), body);
    assert.equal((await atoll.api("DELETE", target)).status, 204);
    assert.deepEqual(await get(), { CORSRules: [] });
  });

  test("are refused by the member's name, and those of another account are not there", async () => {
    const space = freshName("cors");
    await createSpace(atoll, space);
    const target = `/atoll/v1/spaces/nyc3/${space}/cors`;
    const bad = { CORSRules: [{ ...rule, AllowedMethods: ["PATCH"] }] };
    const refused = await atoll.api("PUT", target, { body: bad });
    assertProblem(refused, 422, "unprocessable_entity", "CORSRules[0].AllowedMethods[0]");
    const body = { CORSRules: [rule] };
    assertProblem(await atoll.api("PUT", target, { body, token: other }), 404, "not_found");
    const { secret } = await createToken(atoll, { scopes: ["space:read"] });
    assert.equal((await atoll.api("GET", target, { token: secret })).status, 200);
    assert.equal((await atoll.api("PUT", target, { body, token: secret })).status, 403);
  });
});

describe("what is settled", () => {
  test("is there after a restart", async () => {
    const { get, patch } = await endpointWithSettings();
    const signed_urls = { enabled: true, secrets: ["0123456789abcdef"] };
    await patch({ compression: true, signed_urls });
    await atoll.restart();
    const settings = { ...OFF, compression: true, signed_urls: { enabled: true, secrets: 1 } };
    assert.deepEqual(settingsOf(await get()), settings);
  });
});
