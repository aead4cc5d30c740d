import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { startAtoll } from "../support/atoll.ts";
import {
  assertProblem,
  createEndpoint,
  createToken,
  freshName,
  originOf,
} from "../support/world.ts";

const atoll = await startAtoll();
after(() => atoll[Symbol.asyncDispose]());

/** Each operation, and the one scope that allows it. */
const OPERATIONS = [
  { name: "list endpoints", scope: "cdn:read", method: "GET", path: "", status: 200 },
  { name: "get an endpoint", scope: "cdn:read", method: "GET", path: "/ID", status: 200 },
  { name: "create an endpoint", scope: "cdn:create", method: "POST", path: "", status: 201 },
  { name: "update an endpoint", scope: "cdn:update", method: "PUT", path: "/ID", status: 200 },
  { name: "purge a cache", scope: "cdn:delete", method: "DELETE", path: "/ID/cache", status: 204 },
  { name: "delete an endpoint", scope: "cdn:delete", method: "DELETE", path: "/ID", status: 204 },
] as const;

const SCOPES = ["cdn:read", "cdn:create", "cdn:update", "cdn:delete", "account:read"];

async function attempt(operation: (typeof OPERATIONS)[number], token: string) {
  const { id } = await createEndpoint(atoll, originOf(freshName()));
  const bodies = {
    POST: { origin: originOf(freshName()) },
    PUT: { ttl: 60 },
    DELETE: { files: ["*"] },
  };
  const target = `/v2/cdn/endpoints${operation.path.replace("ID", id)}`;
  const { method } = operation;
  return atoll.api(method, target, {
    token,
    ...(method === "GET" ? {} : { body: bodies[method] }),
  });
}

describe("a token", () => {
  for (const operation of OPERATIONS) {
    test(`with ${operation.scope} alone may ${operation.name}`, async () => {
      const { secret } = await createToken(atoll, { scopes: [operation.scope] });
      const reply = await attempt(operation, secret);
      assert.equal(reply.status, operation.status, reply.text);
    });

    test(`with every scope but ${operation.scope} may not ${operation.name}`, async () => {
      const scopes = SCOPES.filter((scope) => scope !== operation.scope);
      const { secret } = await createToken(atoll, { scopes });
      assertProblem(
        await attempt(operation, secret),
        403,
        "forbidden",
        "You do not have permission",
      );
    });

    const reads = operation.scope.endsWith(":read");
    test(`of the older kind, read, ${reads ? "may" : "may not"} ${operation.name}`, async () => {
      const { secret } = await createToken(atoll, { scopes: ["read"] });
      assert.equal((await attempt(operation, secret)).status, reads ? operation.status : 403);
    });

    test(`of the older kind, write, may ${operation.name}`, async () => {
      const { secret } = await createToken(atoll, { scopes: ["write"] });
      assert.equal((await attempt(operation, secret)).status, operation.status);
    });
  }

  test("needs account:read to see the account", async () => {
    const [may, mayNot] = [
      await createToken(atoll, { scopes: ["account:read"] }),
      await createToken(atoll, { scopes: ["cdn:read"] }),
    ];
    assert.equal((await atoll.api("GET", "/v2/account", { token: may.secret })).status, 200);
    assert.equal((await atoll.api("GET", "/v2/account", { token: mayNot.secret })).status, 403);
  });

  test("cannot be made with a scope that does not exist", async () => {
    const body = { name: "odd", scopes: ["cdn:everything!"] };
    const reply = await atoll.operator("POST", "/atoll/v1/tokens", { body });
    assertProblem(reply, 422, "unprocessable_entity", "scopes");
  });
});
