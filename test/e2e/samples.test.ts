import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { startAtoll } from "../support/atoll.ts";
import { assertProblem } from "../support/world.ts";

const atoll = await startAtoll();
after(() => atoll[Symbol.asyncDispose]());

const LIST = "/v2/cdn/endpoints";
const ORIGIN = "static-images.nyc3.digitaloceanspaces.com";

/** The curl samples of DigitalOcean's reference, against an empty Atoll, in the order of a life. */
describe("DigitalOcean's own samples", () => {
  test("list endpoints", async () => {
    const { status, json } = await atoll.api("GET", LIST);
    assert.equal(status, 200);
    assert.deepEqual(json.endpoints, []);
    assert.deepEqual(json.links, {});
    assert.equal(json.meta.total, 0);
  });

  test("create an endpoint with a certificate, which an empty installation does not have", async () => {
    const body = {
      origin: ORIGIN,
      certificate_id: "892071a0-bb95-49bc-8021-3afd67a210bf",
      custom_domain: "static.example.com",
      ttl: 3600,
    };
    const reply = await atoll.api("POST", LIST, { body });
    assertProblem(reply, 404, "not_found", /^certificate not found$/);
  });

  test("create an endpoint, show it, and be told which lifetimes there are", async () => {
    const created = await atoll.api("POST", LIST, { body: { origin: ORIGIN, ttl: 3600 } });
    assert.equal(created.status, 201);
    const { endpoint } = created.json;
    assert.match(endpoint.created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    assert.deepEqual(endpoint, {
      id: endpoint.id,
      origin: ORIGIN,
      endpoint: "static-images.nyc3.cdn.digitaloceanspaces.com",
      created_at: endpoint.created_at,
      ttl: 3600,
    });
    const shown = await atoll.api("GET", `${LIST}/${endpoint.id}`);
    assert.deepEqual(shown.json.endpoint, endpoint);
    const updated = await atoll.api("PUT", `${LIST}/${endpoint.id}`, { body: { ttl: 1800 } });
    assertProblem(updated, 422, "unprocessable_entity", "60, 600, 3600, 86400, 604800");
    const files = ["assets/img/hero.png", "assets/css/*"];
    const purged = await atoll.api("DELETE", `${LIST}/${endpoint.id}/cache`, { body: { files } });
    assert.deepEqual([purged.status, purged.text], [204, ""]);
    const deleted = await atoll.api("DELETE", `${LIST}/${endpoint.id}`);
    assert.deepEqual([deleted.status, deleted.text], [204, ""]);
  });

  test("show, update, delete and purge an endpoint that is not there", async () => {
    const one = `${LIST}/19f06b6a-3ace-4315-b086-499a0e521b76`;
    assertProblem(await atoll.api("GET", one), 404, "not_found");
    assertProblem(await atoll.api("PUT", one, { body: { ttl: 1800 } }), 404, "not_found");
    assertProblem(await atoll.api("DELETE", one), 404, "not_found");
    const purged = await atoll.api("DELETE", `${one}/cache`, { body: { files: ["*"] } });
    assertProblem(purged, 404, "not_found");
  });
});
