import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { text } from "node:stream/consumers";
import { after, describe, test } from "node:test";
import { startAtoll } from "../support/atoll.ts";
import { createProfessional, oci, push, type Tenant } from "../support/registry.ts";
import { until } from "../support/until.ts";
import { startUpstream } from "../support/upstream.ts";
import { assertProblem } from "../support/world.ts";

const atoll = await startAtoll();
after(() => atoll[Symbol.asyncDispose]());

const SECRET = "a secret that is long enough".replaceAll(" ", "-");

interface Told {
  readonly signature: string | undefined;
  readonly body: string;
}

/** A receiver that notes what it is told, and refuses the first so many. */
async function startReceiver(refused = 0) {
  const told: Told[] = [];
  let left = refused;
  const server = await startUpstream(async (request, response) => {
    const body = await text(request);
    left -= 1;
    if (left < 0) {
      told.push({ signature: request.headers["x-atoll-signature"]?.toString(), body });
    }
    response.writeHead(left < 0 ? 204 : 503).end();
  });
  return {
    told,
    url: `${server.url}/hook`,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

async function settle(tenant: Tenant, webhooks: readonly object[]) {
  const target = `/v2/registries/${tenant.name}/settings`;
  const reply = await tenant.api("PATCH", target, { webhooks });
  assert.equal(reply.status, 200, reply.text);
  return reply;
}

describe("a webhook", () => {
  test("is told of pushes and deletes, and it is signed", async () => {
    await using receiver = await startReceiver();
    const tenant = await createProfessional(atoll, "hooked");
    const settled = await settle(tenant, [{ url: receiver.url, secret: SECRET }]);
    assert.equal(settled.text.includes(SECRET), false);
    const digest = await push(atoll, tenant, "team/app", { tags: ["v1"] });
    await until("the push is told", () => receiver.told.length === 1);
    await tenant.api("DELETE", "/v2/registries/hooked/repositories/team%2Fapp/tags/v1");
    await until("the delete is told", () => receiver.told.length === 2);
    for (const [index, event] of ["push", "delete"].entries()) {
      const { signature, body = "" } = receiver.told[index] ?? {};
      const { number, at, ...what } = JSON.parse(body) as Record<string, unknown>;
      assert.deepEqual(what, {
        event,
        registry: "hooked",
        repository: "team/app",
        tag: "v1",
        digest,
      });
      assert.equal(typeof number, "number");
      assert(!Number.isNaN(Date.parse(String(at))));
      const hmac = createHmac("sha256", SECRET).update(body).digest("hex");
      assert.equal(signature, `sha256=${hmac}`);
    }
  });

  test("is told of what it asked for, however it was done, and nothing once it is gone", async () => {
    await using receiver = await startReceiver();
    const tenant = await createProfessional(atoll, "choosy");
    await settle(tenant, [{ url: receiver.url, secret: SECRET, events: ["delete"] }]);
    await push(atoll, tenant, "app", { tags: ["v1", "v2"] });
    await oci(atoll, "DELETE", "/v2/choosy/app/manifests/v1", tenant);
    await until("the delete is told", () => receiver.told.length === 1);
    assert.match(receiver.told[0]?.body ?? "", /"event":"delete".*"tag":"v1"/);
    await settle(tenant, []);
    await oci(atoll, "DELETE", "/v2/choosy/app/manifests/v2", tenant);
    await settle(tenant, [{ url: receiver.url, secret: SECRET }]);
    await push(atoll, tenant, "app", { tags: ["v3"] });
    await until("the push is told", () => receiver.told.length === 2);
    assert.match(receiver.told[1]?.body ?? "", /"event":"push".*"tag":"v3"/);
  });

  test("that was away is told later, also by the next life of the server", async () => {
    await using receiver = await startReceiver(1);
    const tenant = await createProfessional(atoll, "away");
    await settle(tenant, [{ url: receiver.url, secret: SECRET }]);
    await push(atoll, tenant, "app", { tags: ["v1"] });
    await atoll.kill();
    await atoll.start();
    await until("the push is told", () => receiver.told.length === 1, 20_000);
    assert.match(receiver.told[0]?.body ?? "", /"tag":"v1"/);
  });

  test("that never answers keeps no other waiting", async () => {
    await using silent = await startUpstream(() => undefined);
    await using receiver = await startReceiver();
    const [slow, quick] = [
      await createProfessional(atoll, "slow-hook"),
      await createProfessional(atoll, "quick-hook"),
    ];
    await settle(slow, [{ url: `${silent.url}/hook`, secret: SECRET }]);
    await settle(quick, [{ url: receiver.url, secret: SECRET }]);
    const tags = Array.from({ length: 20 }, (_, index) => `v${index}`);
    await push(atoll, slow, "app", { tags });
    await until("the silent one is asked", () => silent.fetches("/hook") > 0);
    await push(atoll, quick, "app", { tags: ["v1"] });
    // Sooner than the silent one is given up for the first time.
    await until("the other one is told", () => receiver.told.length === 1, 6_000);
  });

  test("is an http(s) URL with a secret", async () => {
    const tenant = await createProfessional(atoll, "checked-hooks");
    const target = "/v2/registries/checked-hooks/settings";
    for (const [webhook, word] of [
      [{ url: "ftp://example.com", secret: SECRET }, "url"],
      [{ url: "https://u:p@example.com", secret: SECRET }, "url"],
      [{ url: "nothing", secret: SECRET }, "url"],
      [{ url: "https://example.com", secret: "short" }, "secret"],
      [{ url: "https://example.com" }, "secret"],
      [{ url: "https://example.com", secret: SECRET, events: ["pull"] }, "events"],
    ] as const) {
      const reply = await tenant.api("PATCH", target, { webhooks: [webhook] });
      assertProblem(reply, 422, "unprocessable_entity", `webhooks[0].${word}`);
      assert.equal(reply.text.includes("short"), false);
    }
  });
});
