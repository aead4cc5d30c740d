import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { startAtoll } from "../support/atoll.ts";
import { TOKEN } from "../support/program.ts";
import { until } from "../support/until.ts";
import {
  assertProblem,
  createEndpoint,
  createToken,
  freshName,
  originOf,
} from "../support/world.ts";

const atoll = await startAtoll();
after(() => atoll[Symbol.asyncDispose]());

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const LIST = "/v2/cdn/endpoints";
const UNKNOWN = `${LIST}/19f06b6a-3ace-4315-b086-499a0e521b76`;
const TOO_LARGE = JSON.stringify({ origin: "x".repeat(1_048_577) });
const reader = await createToken(atoll, { scopes: ["cdn:read"] });
const taken = originOf(freshName());
await createEndpoint(atoll, taken);

describe("every reply", () => {
  test("is JSON in UTF-8, with a request id of its own", async () => {
    const [one, other] = [await atoll.api("GET", LIST), await atoll.api("GET", LIST)];
    assert.equal(one.headers["content-type"], "application/json; charset=utf-8");
    assert.match(String(one.headers["x-request-id"]), UUID);
    assert.notEqual(one.headers["x-request-id"], other.headers["x-request-id"]);
  });

  test("shows the hourly window", async () => {
    const { headers } = await atoll.api("GET", LIST);
    assert.equal(headers["ratelimit-limit"], "5000");
    assert.equal(headers["ratelimit-remaining"], "5000", "limits are off in this file");
    assert(Number(headers["ratelimit-reset"]) > Date.now() / 1_000);
  });

  test("that is an error holds id, message and the request id of its header", async () => {
    const reply = await atoll.api("GET", UNKNOWN);
    assertProblem(reply, 404, "not_found", "The resource you requested could not be found.");
    assert.match(reply.json.request_id, UUID);
  });
});

describe("a route that is not there", () => {
  test("answers 404 and says that Atoll lacks what DigitalOcean may have", async () => {
    const reply = await atoll.api("GET", "/v2/droplets");
    assertProblem(reply, 404, "not_found", "Atoll", "/v2/droplets");
  });

  test("answers 405 to a method that it lacks, and Allow names those it has", async () => {
    const reply = await atoll.api("PATCH", LIST);
    assertProblem(reply, 405, "method_not_allowed");
    assert.equal(reply.headers.allow, "GET, HEAD, OPTIONS, POST");
    const ofOne = await atoll.api("POST", UNKNOWN, { body: {} });
    assert.equal(ofOne.headers.allow, "DELETE, GET, HEAD, OPTIONS, PUT");
    const ofCache = await atoll.api("GET", `${UNKNOWN}/cache`);
    assert.equal(ofCache.headers.allow, "DELETE, OPTIONS");
  });
});

describe("authentication", () => {
  const refused = [
    { when: "there is no Authorization", headers: {} },
    {
      when: "the token is not known",
      headers: { authorization: `Bearer dop_v1_${"0".repeat(64)}` },
    },
    { when: "the scheme is not Bearer", headers: { authorization: `Basic ${btoa(`${TOKEN}:`)}` } },
    { when: "the token is empty", headers: { authorization: "Bearer " } },
    { when: "something follows the token", headers: { authorization: `Bearer ${TOKEN} x` } },
  ];
  for (const { when, headers } of refused) {
    test(`answers 401 when ${when}`, async () => {
      const reply = await atoll.api("GET", LIST, { token: null, headers });
      assertProblem(reply, 401, "unauthorized", "Unable to authenticate you.");
      assert.equal(reply.headers["ratelimit-limit"], "5000");
      assert.equal(reply.headers["ratelimit-remaining"], "5000");
    });
  }

  test("takes the scheme's name in any case (RFC 9110 §11.1)", async () => {
    const headers = { authorization: `bearer ${TOKEN}` };
    assert.equal((await atoll.api("GET", LIST, { token: null, headers })).status, 200);
  });

  test("refuses a token once it has expired", async () => {
    const { secret } = await createToken(atoll, { expires_in_seconds: 1 });
    await until("the token expires", async () => {
      return (await atoll.api("GET", LIST, { token: secret })).status === 401;
    });
  });

  test("refuses a token once it has been revoked", async () => {
    const { id, secret } = await createToken(atoll);
    assert.equal((await atoll.api("GET", LIST, { token: secret })).status, 200);
    const revoked = await atoll.operator("DELETE", `/atoll/v1/tokens/${id}`);
    assert.equal(revoked.status, 204, revoked.text);
    assert.equal((await atoll.api("GET", LIST, { token: secret })).status, 401);
  });

  test("lets an account act as the operator in nothing", async () => {
    const reply = await atoll.api("POST", "/atoll/v1/accounts", { body: { email: "x@y.test" } });
    assertProblem(reply, 403, "forbidden");
    const { secret } = await createToken(atoll);
    const headers = { "x-atoll-account": "someone@else.test" };
    const own = await atoll.api("GET", "/v2/account", { token: secret, headers });
    assert(own.status !== 200 || own.json.account.email !== "someone@else.test");
  });
});

describe("the order of checks", () => {
  const cases: readonly {
    readonly first: string;
    readonly before: string;
    readonly ask: Parameters<typeof atoll.api>;
    readonly is: number;
  }[] = [
    {
      first: "route 404",
      before: "token 401",
      ask: ["GET", "/v2/nothing", { token: null }],
      is: 404,
    },
    { first: "method 405", before: "token 401", ask: ["PATCH", LIST, { token: null }], is: 405 },
    {
      first: "token 401",
      before: "body 400",
      ask: ["POST", LIST, { token: "no", raw: "{" }],
      is: 401,
    },
    {
      first: "scope 403",
      before: "body 400",
      ask: ["POST", LIST, { token: reader.secret, raw: "{" }],
      is: 403,
    },
    {
      first: "scope 403",
      before: "body 413",
      ask: ["POST", LIST, { token: reader.secret, raw: TOO_LARGE }],
      is: 403,
    },
    {
      first: "scope 403",
      before: "object 404",
      ask: ["DELETE", UNKNOWN, { token: reader.secret }],
      is: 403,
    },
    { first: "body 413", before: "object 404", ask: ["PUT", UNKNOWN, { raw: TOO_LARGE }], is: 413 },
    { first: "body 400", before: "object 404", ask: ["PUT", UNKNOWN, { raw: "{" }], is: 400 },
    {
      first: "object 404",
      before: "values 422",
      ask: ["PUT", UNKNOWN, { body: { ttl: 1800 } }],
      is: 404,
    },
    {
      first: "values 422",
      before: "state 409",
      ask: ["POST", LIST, { body: { origin: taken, ttl: 1800 } }],
      is: 422,
    },
  ];
  for (const { first, before, ask, is } of cases) {
    test(`answers ${first} before ${before}`, async () => {
      const reply = await atoll.api(...ask);
      assert.equal(reply.status, is, reply.text);
    });
  }
});

describe("a request's body", () => {
  test("over 1 MiB is 413", async () => {
    assertProblem(await atoll.api("POST", LIST, { raw: TOO_LARGE }), 413, "payload_too_large");
  });

  test("over 1 MiB is 413 too when it comes in chunks, without a length", async () => {
    const headers = { "transfer-encoding": "chunked" };
    const reply = await atoll.api("POST", LIST, { raw: TOO_LARGE, headers });
    assertProblem(reply, 413, "payload_too_large");
  });

  test("that is malformed JSON is 400", async () => {
    const reply = await atoll.api("POST", LIST, { raw: '{"origin":' });
    assertProblem(reply, 400, "bad_request", "error parsing request body");
  });

  for (const raw of ["[]", '"text"', "7"]) {
    test(`that is JSON but no object, as ${raw}, is 422`, async () => {
      assertProblem(await atoll.api("POST", LIST, { raw }), 422, "unprocessable_entity");
    });
  }

  const wrong = [
    { member: "ttl", value: "3600" },
    { member: "ttl", value: 1800 },
    { member: "origin", value: 7 },
    { member: "custom_domain", value: ["a.example"] },
    { member: "certificate_id", value: {} },
  ];
  for (const { member, value } of wrong) {
    test(`with ${member} ${JSON.stringify(value)} is 422 and the message names it`, async () => {
      const body = { origin: originOf(freshName()), [member]: value };
      const reply = await atoll.api("POST", LIST, { body });
      assertProblem(reply, 422, "unprocessable_entity", member);
    });
  }

  test("may hold members that are not known, and null for absent ones", async () => {
    const body = {
      origin: originOf(freshName()),
      ttl: null,
      custom_domain: null,
      certificate_id: null,
      dns_names: null,
      colour: "blue",
    };
    const reply = await atoll.api("POST", LIST, { body });
    assert.equal(reply.status, 201, reply.text);
    assert.equal(reply.json.endpoint.ttl, 3_600);
  });

  test("is ignored on a GET, even when it is no JSON", async () => {
    assert.equal((await atoll.api("GET", LIST, { body: { name: "stale" } })).status, 200);
    assert.equal((await atoll.api("GET", LIST, { raw: "{" })).status, 200);
  });

  test("may be announced as JSON and be empty on a DELETE", async () => {
    const { id } = await createEndpoint(atoll, originOf(freshName()));
    const headers = { "content-type": "application/json" };
    assert.equal((await atoll.api("DELETE", `${LIST}/${id}`, { headers })).status, 204);
  });

  test("may be {} on a DELETE", async () => {
    const { id } = await createEndpoint(atoll, originOf(freshName()));
    assert.equal((await atoll.api("DELETE", `${LIST}/${id}`, { body: {} })).status, 204);
  });
});

describe("HEAD", () => {
  test("has the fields of GET and no body", async () => {
    const [get, head] = [await atoll.api("GET", LIST), await atoll.api("HEAD", LIST)];
    assert.equal(head.status, 200);
    assert.equal(head.text, "");
    for (const name of ["content-type", "content-length", "ratelimit-limit"]) {
      assert.equal(head.headers[name], get.headers[name], name);
    }
  });

  test("is refused as GET is", async () => {
    assert.equal((await atoll.api("HEAD", LIST, { token: null })).status, 401);
    assert.equal((await atoll.api("HEAD", UNKNOWN)).status, 404);
  });
});

describe("a page of another origin", () => {
  const headers = { origin: "https://panel.example" };

  test("is told by a preflight, without a token, what it may send", async () => {
    const reply = await atoll.api("OPTIONS", LIST, {
      token: null,
      headers: {
        ...headers,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type",
      },
    });
    assert(reply.status === 200 || reply.status === 204, String(reply.status));
    assert.equal(reply.headers["access-control-allow-origin"], "https://panel.example");
    assert.equal(reply.headers["access-control-allow-credentials"], "true");
    assert.match(String(reply.headers["access-control-allow-methods"]), /\bPOST\b/);
    assert.match(String(reply.headers["access-control-allow-headers"]), /authorization/);
    assert.match(String(reply.headers["access-control-expose-headers"]), /ratelimit-remaining/);
    assert(Number(reply.headers["access-control-max-age"]) > 0);
  });

  test("may read replies, errors too, and their rate limit and request id", async () => {
    for (const token of [TOKEN, null]) {
      const reply = await atoll.api("GET", LIST, { token, headers });
      assert.equal(reply.headers["access-control-allow-origin"], "https://panel.example");
      const exposed = String(reply.headers["access-control-expose-headers"]).toLowerCase();
      for (const name of ["ratelimit-limit", "ratelimit-reset", "retry-after", "x-request-id"]) {
        assert(exposed.includes(name), name);
      }
      assert.match(String(reply.headers.vary), /origin/i);
    }
  });
});
