import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { startAtoll } from "../support/atoll.ts";
import {
  assertProblem,
  createAccount,
  createEndpoint,
  freshName,
  originOf,
} from "../support/world.ts";

const atoll = await startAtoll();
after(() => atoll[Symbol.asyncDispose]());

const LIST = "/v2/cdn/endpoints";
const CERTIFICATE = "892071a0-bb95-49bc-8021-3afd67a210bf";
const other = await createAccount(atoll, "other@example.test");

async function create(body: Readonly<Record<string, unknown>>) {
  return atoll.api("POST", LIST, { body });
}

async function update(id: string, body: Readonly<Record<string, unknown>>) {
  return atoll.api("PUT", `${LIST}/${id}`, { body });
}

describe("a custom domain", () => {
  test("may be given at creation, without a certificate", async () => {
    const members = { custom_domain: "static.example.com" };
    const endpoint = await createEndpoint(atoll, originOf(freshName()), members);
    assert.equal(endpoint.custom_domain, "static.example.com");
    assert(!("certificate_id" in endpoint));
  });

  test("belongs to one endpoint", async () => {
    const [one, two] = [originOf(freshName()), originOf(freshName())];
    await createEndpoint(atoll, one, { custom_domain: "one.example.com" });
    const created = await create({ origin: two, custom_domain: "ONE.example.com" });
    assertProblem(created, 409, "conflict");
    const { id } = await createEndpoint(atoll, two);
    assertProblem(await update(id, { custom_domain: "one.example.com" }), 409, "conflict");
  });

  test("is taken for another account too", async () => {
    await createEndpoint(atoll, originOf(freshName()), { custom_domain: "both.example.com" });
    const reply = await atoll.api("POST", LIST, {
      token: other,
      body: { origin: originOf(freshName()), custom_domain: "both.example.com" },
    });
    assertProblem(reply, 409, "conflict");
  });

  test("may be said again of the endpoint that has it", async () => {
    const members = { custom_domain: "again.example.com" };
    const { id } = await createEndpoint(atoll, originOf(freshName()), members);
    assert.equal((await update(id, members)).status, 200);
  });

  test("is free again once it is cleared, or its endpoint is deleted", async () => {
    const members = { custom_domain: "free.example.com" };
    const first = await createEndpoint(atoll, originOf(freshName()), members);
    await update(first.id, { custom_domain: "", certificate_id: "" });
    const second = await createEndpoint(atoll, originOf(freshName()), members);
    await atoll.api("DELETE", `${LIST}/${second.id}`);
    await createEndpoint(atoll, originOf(freshName()), members);
  });

  const invalid = [
    "localhost",
    "-a.example.com",
    "a..example.com",
    "https://a.example.com",
    "1.2.3.4",
  ];
  const own = ["x.nyc3.digitaloceanspaces.com", "x.nyc3.cdn.spaces.localhost"];
  for (const custom_domain of [...invalid, ...own, "*.example.com", "a b.example.com"]) {
    test(`is not ${custom_domain}`, async () => {
      const reply = await create({ origin: originOf(freshName()), custom_domain });
      assertProblem(reply, 422, "unprocessable_entity", "custom_domain");
    });
  }
});

describe("a certificate", () => {
  const members = { custom_domain: "secure.example.com", certificate_id: CERTIFICATE };

  test("that is not known is 404, at creation and at an update", async () => {
    const created = await create({ origin: originOf(freshName()), ...members });
    assertProblem(created, 404, "not_found", "certificate not found");
    const { id } = await createEndpoint(atoll, originOf(freshName()));
    assertProblem(await update(id, members), 404, "not_found", "certificate not found");
  });

  test("that is not known is 404 whatever its id looks like", async () => {
    const reply = await create({ origin: originOf(freshName()), ...members, certificate_id: "x" });
    assertProblem(reply, 404, "not_found", "certificate not found");
  });

  test("without a custom domain is 422, at creation and at an update", async () => {
    const certificate_id = CERTIFICATE;
    const created = await create({ origin: originOf(freshName()), certificate_id });
    assertProblem(created, 422, "unprocessable_entity", "certificate_id", "custom_domain");
    const { id } = await createEndpoint(atoll, originOf(freshName()), {
      custom_domain: "had.example.com",
    });
    const cleared = await update(id, { custom_domain: "", certificate_id });
    assertProblem(cleared, 422, "unprocessable_entity", "certificate_id");
  });

  test("leaves nothing behind when it is refused", async () => {
    const origin = originOf(freshName());
    await create({ origin, custom_domain: "left.example.com", certificate_id: CERTIFICATE });
    await createEndpoint(atoll, origin, { custom_domain: "left.example.com" });
  });
});
