import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { startAtoll } from "../support/atoll.ts";
import {
  assertProblem,
  createAccount,
  createEndpoint,
  createSpace,
  freshName,
  originOf,
} from "../support/world.ts";

const atoll = await startAtoll();
after(() => atoll[Symbol.asyncDispose]());

const LIST = "/v2/cdn/endpoints";
const other = await createAccount(atoll, "other@example.test");

async function create(body: Readonly<Record<string, unknown>>) {
  return atoll.api("POST", LIST, { body });
}

async function update(id: string, body: Readonly<Record<string, unknown>>) {
  return atoll.api("PUT", `${LIST}/${id}`, { body });
}

async function get(id: string) {
  return (await atoll.api("GET", `${LIST}/${id}`)).json.endpoint;
}

describe("creating an endpoint", () => {
  test("shows it, with the CDN's host after the region and a lifetime of one hour", async () => {
    const reply = await create({ origin: "static-images.nyc3.digitaloceanspaces.com" });
    assert.equal(reply.status, 201);
    const { id, created_at, ...rest } = reply.json.endpoint;
    assert.deepEqual(rest, {
      origin: "static-images.nyc3.digitaloceanspaces.com",
      endpoint: "static-images.nyc3.cdn.digitaloceanspaces.com",
      ttl: 3_600,
    });
    assert.match(created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    assert.deepEqual((await atoll.api("GET", `${LIST}/${id}`)).json, reply.json);
  });

  for (const ttl of [60, 600, 3_600, 86_400, 604_800]) {
    test(`takes a lifetime of ${ttl} s`, async () => {
      assert.equal((await createEndpoint(atoll, originOf(freshName()), { ttl })).ttl, ttl);
    });
  }

  test("takes a lifetime of 0 as none given: godo always sends one", async () => {
    assert.equal((await createEndpoint(atoll, originOf(freshName()), { ttl: 0 })).ttl, 3_600);
  });

  for (const ttl of [1800, -60, 60.5, "60", true]) {
    test(`refuses a lifetime of ${JSON.stringify(ttl)} and names the five that there are`, async () => {
      const reply = await create({ origin: originOf(freshName()), ttl });
      const five = ["ttl", "60", "600", "3600", "86400", "604800"];
      assertProblem(reply, 422, "unprocessable_entity", ...five);
    });
  }

  test("takes empty strings as absent members", async () => {
    const empty = { custom_domain: "", certificate_id: "" };
    const endpoint = await createEndpoint(atoll, originOf(freshName()), empty);
    assert(!("custom_domain" in endpoint) && !("certificate_id" in endpoint));
  });

  test("takes an origin under spaces.localhost too", async () => {
    const name = freshName("local");
    const endpoint = await createEndpoint(atoll, `${name}.nyc3.spaces.localhost`);
    assert.equal(endpoint.endpoint, `${name}.nyc3.cdn.spaces.localhost`);
  });

  test("takes an origin in any case and shows it in lower case", async () => {
    const endpoint = await createEndpoint(atoll, "Upper-Case.NYC3.DigitalOceanSpaces.com");
    assert.equal(endpoint.origin, "upper-case.nyc3.digitaloceanspaces.com");
  });

  const invalid = [
    { what: "a URL", origin: "https://static.nyc3.digitaloceanspaces.com" },
    { what: "a Space's name with dots", origin: "my.files.nyc3.digitaloceanspaces.com" },
    { what: "the CDN's own host", origin: "static.nyc3.cdn.digitaloceanspaces.com" },
    { what: "a host with a path", origin: "static.nyc3.digitaloceanspaces.com/files" },
    { what: "a host with a port", origin: "static.nyc3.digitaloceanspaces.com:443" },
    { what: "no Space", origin: "nyc3.digitaloceanspaces.com" },
    { what: "no region", origin: "static.digitaloceanspaces.com" },
    { what: "a region of another shape", origin: "static.newyork.digitaloceanspaces.com" },
    { what: "another domain", origin: "static.nyc3.example.com" },
    { what: "a domain that only ends alike", origin: "static.nyc3.evildigitaloceanspaces.com" },
    { what: "a name with an underscore", origin: "my_files.nyc3.digitaloceanspaces.com" },
    { what: "a name that begins with a dash", origin: "-files.nyc3.digitaloceanspaces.com" },
    { what: "a space before it", origin: " static.nyc3.digitaloceanspaces.com" },
    { what: "an empty string", origin: "" },
    { what: "very long", origin: `${"a".repeat(5_000)}.nyc3.digitaloceanspaces.com` },
  ];
  for (const { what, origin } of invalid) {
    test(`refuses an origin that is ${what} and says what is expected`, async () => {
      const reply = await create({ origin });
      assertProblem(reply, 422, "unprocessable_entity", "invalid origin", "expected");
    });
  }

  test("refuses a body without an origin and names the member", async () => {
    assertProblem(await create({}), 422, "unprocessable_entity", "origin");
    assertProblem(await create({ origin: null }), 422, "unprocessable_entity", "origin");
  });

  test("refuses an origin that has an endpoint, of whichever account", async () => {
    const origin = originOf(freshName());
    await createEndpoint(atoll, origin);
    assertProblem(await create({ origin }), 409, "conflict", /^cdn already enabled/);
    assertProblem(await create({ origin: origin.toUpperCase() }), 409, "conflict");
  });

  test("refuses a Space of another account as an origin that is not there", async () => {
    const space = freshName("theirs");
    await createSpace(atoll, space, {}, "other@example.test");
    const reply = await create({ origin: originOf(space) });
    assertProblem(reply, 422, "unprocessable_entity", "invalid origin");
    await createEndpoint(atoll, originOf(space), {}, other);
    assertProblem(await create({ origin: originOf(space) }), 422, "unprocessable_entity");
  });

  test("makes an empty Space of the caller's account when there is none", async () => {
    const space = freshName("made");
    await createEndpoint(atoll, originOf(space), {}, other);
    const reply = await atoll.operator("GET", "/atoll/v1/spaces?per_page=200", {
      account: "other@example.test",
    });
    assert(reply.json.spaces.some(({ name, region }) => name === space && region === "nyc3"));
  });

  test("frees the origin again when it is deleted", async () => {
    const origin = originOf(freshName());
    const { id } = await createEndpoint(atoll, origin);
    await atoll.api("DELETE", `${LIST}/${id}`);
    assert.notEqual((await createEndpoint(atoll, origin)).id, id);
  });

  test("gives an origin to one of many that ask at once", async () => {
    const origin = originOf(freshName());
    const replies = await Promise.all(Array.from({ length: 12 }, () => create({ origin })));
    const statuses = replies.map(({ status }) => status).toSorted((one, two) => one - two);
    assert.deepEqual(statuses, [201, ...Array.from({ length: 11 }, () => 409)]);
  });
});

describe("updating an endpoint", () => {
  test("changes the members that are given and leaves the others", async () => {
    const members = { ttl: 600, custom_domain: "partial.example.com" };
    const created = await createEndpoint(atoll, originOf(freshName()), members);
    const reply = await update(created.id, { ttl: 60 });
    assert.equal(reply.status, 200);
    assert.deepEqual(reply.json.endpoint, { ...created, ttl: 60 });
    const cleared = await update(created.id, { custom_domain: "", certificate_id: "" });
    const { custom_domain: _, ...rest } = created;
    assert.deepEqual(cleared.json.endpoint, { ...rest, ttl: 60 });
    assert.deepEqual(await get(created.id), { ...rest, ttl: 60 });
  });

  test("changes nothing when nothing, or only null, is given", async () => {
    const members = { ttl: 600, custom_domain: "nothing.example.com" };
    const created = await createEndpoint(atoll, originOf(freshName()), members);
    for (const body of [{}, { ttl: null, custom_domain: null, certificate_id: null }]) {
      const reply = await update(created.id, body);
      assert.equal(reply.status, 200, reply.text);
      assert.deepEqual(reply.json.endpoint, created);
    }
  });

  test("refuses the documents' own sample, ttl 1800, and names the five values", async () => {
    const created = await createEndpoint(atoll, originOf(freshName()), { ttl: 600 });
    const reply = await update(created.id, { ttl: 1800 });
    assertProblem(reply, 422, "unprocessable_entity", "60, 600, 3600, 86400, 604800");
    assert.deepEqual(await get(created.id), created);
  });

  test("does not move an endpoint to another origin", async () => {
    const created = await createEndpoint(atoll, originOf(freshName()));
    const reply = await update(created.id, { origin: originOf(freshName()), ttl: 60 });
    assert.equal(reply.json.endpoint.origin, created.origin);
  });
});

describe("deleting an endpoint", () => {
  test("answers 204 without a body, and 404 from then on", async () => {
    const { id } = await createEndpoint(atoll, originOf(freshName()));
    const reply = await atoll.api("DELETE", `${LIST}/${id}`);
    assert.equal(reply.status, 204);
    assert.equal(reply.text, "");
    assert.equal((await atoll.api("DELETE", `${LIST}/${id}`)).status, 404);
    assert.equal((await atoll.api("GET", `${LIST}/${id}`)).status, 404);
  });
});

describe("an endpoint that is not there, or not the caller's", () => {
  const theirs = createEndpoint(atoll, originOf("not-yours"), {}, other);
  const operations = [
    { method: "GET", path: "" },
    { method: "PUT", path: "", body: { ttl: 60 } },
    { method: "DELETE", path: "" },
    { method: "DELETE", path: "/cache", body: { files: ["*"] } },
  ] as const;
  for (const { method, path, ...rest } of operations) {
    test(`answers 404 to ${method} ${path}`, async () => {
      const unknown = ["19f06b6a-3ace-4315-b086-499a0e521b76", "aa34ba1", "%2e%2e", "a%20b"];
      for (const id of [(await theirs).id, ...unknown]) {
        const reply = await atoll.api(method, `${LIST}/${id}${path}`, rest);
        assertProblem(reply, 404, "not_found", "The resource you requested could not be found.");
      }
    });
  }

  test("does not show in the caller's list", async () => {
    const { json } = await atoll.api("GET", `${LIST}?per_page=200`);
    assert(json.endpoints.every(({ origin }) => origin !== originOf("not-yours")));
  });
});
