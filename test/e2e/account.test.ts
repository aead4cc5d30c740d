import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { startAtoll } from "../support/atoll.ts";
import { TOKEN } from "../support/program.ts";
import { until } from "../support/until.ts";
import { assertProblem, createAccount, createToken } from "../support/world.ts";

const atoll = await startAtoll();
after(() => atoll[Symbol.asyncDispose]());

async function revoke(text: string, bearer: string | null) {
  return atoll.api("POST", "/v1/oauth/revoke", {
    token: bearer,
    raw: new URLSearchParams({ token: text }).toString(),
    headers: { "content-type": "application/x-www-form-urlencoded" },
  });
}

describe("GET /v2/account", () => {
  test("shows whose token it is", async () => {
    const first = await atoll.api("GET", "/v2/account");
    assert.equal(first.status, 200);
    assert.equal(first.json.account.email, "owner@localhost");
    assert.equal(first.json.account["status"], "active");
    const token = await createAccount(atoll, "second@example.test");
    const second = await atoll.api("GET", "/v2/account", { token });
    assert.equal(second.json.account.email, "second@example.test");
    assert.notEqual(second.json.account["uuid"], first.json.account["uuid"]);
  });
});

describe("GET /v1/oauth/token/info, which doctl auth init calls", () => {
  test("tells a token's scopes and that it never expires", async () => {
    const { secret } = await createToken(atoll, { scopes: ["cdn:read", "account:read"] });
    const { status, json } = await atoll.api("GET", "/v1/oauth/token/info", { token: secret });
    assert.equal(status, 200);
    assert.deepEqual([...json.scopes].toSorted(), ["account:read", "cdn:read"]);
    assert.equal(json.expires_in_seconds, null);
    assert(Number.isSafeInteger(json.resource_owner_id));
    assert.equal(typeof json.application.uid, "string");
    assert(Math.abs(json.created_at - Date.now() / 1_000) < 60);
  });

  test("tells how long a token has left", async () => {
    const { secret } = await createToken(atoll, { expires_in_seconds: 1_000 });
    const { json } = await atoll.api("GET", "/v1/oauth/token/info", { token: secret });
    const left = json.expires_in_seconds ?? 0;
    assert(left > 900 && left <= 1_000, String(left));
  });

  test("answers 401 to a token that is not known", async () => {
    const reply = await atoll.api("GET", "/v1/oauth/token/info", { token: "nobody" });
    assertProblem(reply, 401, "unauthorized");
  });
});

describe("POST /v1/oauth/revoke, which doctl registry logout calls", () => {
  test("ends the token that it carries, with exactly 200", async () => {
    const { secret } = await createToken(atoll);
    assert.equal((await revoke(secret, secret)).status, 200);
    assert.equal((await atoll.api("GET", "/v2/account", { token: secret })).status, 401);
  });

  test("ends no token of another account", async () => {
    const theirs = await createAccount(atoll, "third@example.test");
    await revoke(theirs, TOKEN);
    assert.equal((await atoll.api("GET", "/v2/account", { token: theirs })).status, 200);
  });

  test("asks for a token of the caller's own, and for one to revoke", async () => {
    const { secret } = await createToken(atoll);
    assert.equal((await revoke(secret, null)).status, 401);
    assertProblem(await revoke("", secret), 422, "unprocessable_entity", "token");
  });
});

describe("the operator", () => {
  test("makes accounts with an e-mail address each, once", async () => {
    await createAccount(atoll, "once@example.test");
    const body = { email: "once@example.test" };
    assertProblem(await atoll.operator("POST", "/atoll/v1/accounts", { body }), 409, "conflict");
    const bad = { email: "no address" };
    const refused = await atoll.operator("POST", "/atoll/v1/accounts", { body: bad });
    assertProblem(refused, 422, "unprocessable_entity", "email");
    const { json } = await atoll.operator("GET", "/atoll/v1/accounts?per_page=200");
    assert(json.accounts.some(({ email }) => email === "once@example.test"));
  });

  test("makes tokens of 64 hexadecimal digits, shown once and listed without their text", async () => {
    const { id, secret } = await createToken(atoll, { name: "deploy" });
    assert.match(secret, /^dop_v1_[0-9a-f]{64}$/);
    const { json, text } = await atoll.operator("GET", "/atoll/v1/tokens?per_page=200");
    assert.equal(json.tokens.find((token) => token.id === id)?.name, "deploy");
    assert(!text.includes(secret));
  });

  test("sees when a token was last used", async () => {
    const { id, secret } = await createToken(atoll);
    await atoll.api("GET", "/v2/account", { token: secret });
    await until(
      "the use is noted",
      async () => {
        const { json } = await atoll.operator("GET", "/atoll/v1/tokens?per_page=200");
        return json.tokens.some((token) => token.id === id && "last_used_at" in token);
      },
      30_000,
    );
  });

  test("acts for an account that it names, and is told when there is none", async () => {
    await createAccount(atoll, "acted@example.test");
    const reply = await atoll.operator("GET", "/v2/account", { account: "acted@example.test" });
    assert.equal(reply.json.account.email, "acted@example.test");
    const none = await atoll.operator("GET", "/v2/account", { account: "nobody@example.test" });
    assert(none.status >= 400 && none.status < 500, String(none.status));
  });
});
