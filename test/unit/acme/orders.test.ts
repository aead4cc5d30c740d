import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { made, NOW, openClient, orderOf } from "./client-fixture.ts";
import { problem } from "./strict-ca.ts";

const NAMES = ["shop.example.net"];

/** The payloads that a path was asked with. */
function payloads(ca: Awaited<ReturnType<typeof openClient>>["ca"], path: string): unknown[] {
  return ca.seen.filter((seen) => seen.path === path).map(({ payload }) => payload);
}

describe("an order", () => {
  test("asks for each name once, in lower case", async () => {
    const { ca, client } = await openClient();
    ca.answer("/new-order", made(ca));
    await client.order(["Shop.Example.NET", "shop.example.net", "*.example.net"], {});
    const identifiers = ["shop.example.net", "*.example.net"].map((value) => ({
      type: "dns",
      value,
    }));
    assert.deepEqual(payloads(ca, "/new-order"), [{ identifiers }]);
  });

  test("is what the CA says of it, with when to ask again", async () => {
    const { ca, client } = await openClient();
    ca.answer("/new-order", made(ca));
    const { url } = await client.order(NAMES, {});
    const error = { type: "urn:ietf:params:acme:error:compound", detail: "Both failed" };
    const body = orderOf(ca, { status: "invalid", expires: "2026-12-01T00:00:00Z", error });
    ca.answer("/order/1", { status: 200, fields: { "retry-after": "5" }, body });
    assert.deepEqual(await client.readOrder(url), {
      url,
      status: "invalid",
      expiresAt: Date.UTC(2026, 11, 1),
      identifiers: [{ type: "dns", value: "shop.example.net" }],
      authorizations: [ca.url("/authorization/1")],
      finalize: ca.url("/finalize/1"),
      error,
      retryAt: NOW + 5_000,
    });
    assert.deepEqual(payloads(ca, "/order/1"), [undefined], "POST-as-GET");
  });

  test("without a URL of its own is none", async () => {
    const { ca, client } = await openClient();
    ca.answer("/new-order", { status: 201, body: orderOf(ca) });
    await assert.rejects(client.order(NAMES, {}), /order cannot be used: its URL is missing/);
  });

  test("has the profile that was wished for, where the CA has it", async () => {
    const { ca, client } = await openClient();
    ca.offer({ meta: { profiles: { classic: "https://ca.example/classic" } } });
    ca.answer("/new-order", made(ca, { profile: "classic" }));
    assert.equal((await client.order(NAMES, { profile: "classic" })).profile, "classic");
    assert.partialDeepStrictEqual(payloads(ca, "/new-order"), [{ profile: "classic" }]);
  });

  for (const [has, meta, message] of [
    ["others", { profiles: { classic: "", tlsserver: "" } }, "it has classic, tlsserver"],
    ["none", {}, "it has none"],
    ["one whose name is an escape", { profiles: { "\u001B[2J": "" } }, "it has  [2J"],
  ] as const) {
    test(`for a profile is not asked of a CA that has ${has}`, async () => {
      const { ca, client } = await openClient();
      ca.offer({ meta });
      await assert.rejects(client.order(NAMES, { profile: "toString" }), {
        message: `The CA has no profile "toString": ${message}`,
        permanent: true,
      });
      assert.deepEqual(payloads(ca, "/new-order"), []);
    });
  }
});

describe("an order that replaces a certificate", () => {
  test("names it to a CA that has renewal information, and to no other", async () => {
    const { ca, client, open } = await openClient();
    ca.answer("/new-order", made(ca), made(ca));
    await client.order(NAMES, { replaces: "leaf" });
    ca.offer({ renewalInfo: ca.url("/renewal-info") });
    await open().order(NAMES, { replaces: "leaf" });
    const identifiers = [{ type: "dns", value: "shop.example.net" }];
    assert.deepEqual(payloads(ca, "/new-order"), [
      { identifiers },
      { identifiers, replaces: "id-of.leaf" },
    ]);
  });

  for (const refusal of ["alreadyReplaced", "malformed", "unauthorized", "serverInternal"]) {
    test(`is asked for again without that when it is refused with ${refusal}`, async () => {
      const { ca, client } = await openClient();
      ca.offer({ renewalInfo: ca.url("/renewal-info") });
      ca.answer("/new-order", problem(refusal, 409), made(ca));
      assert.equal((await client.order(NAMES, { replaces: "leaf" })).status, "pending");
      assert.deepEqual(
        payloads(ca, "/new-order").map((payload) => Object.keys(payload as object)),
        [["identifiers", "replaces"], ["identifiers"]],
      );
    });
  }

  test("is not asked for again when the CA has had enough", async () => {
    const { ca, client } = await openClient();
    ca.offer({ renewalInfo: ca.url("/renewal-info") });
    ca.answer("/new-order", problem("rateLimited", 429), made(ca));
    await assert.rejects(client.order(NAMES, { replaces: "leaf" }), /rateLimited/);
    assert.equal(payloads(ca, "/new-order").length, 1);
  });
});

describe("an authorization", () => {
  const challenge = (ca: Awaited<ReturnType<typeof openClient>>["ca"], more: object) => ({
    type: "http-01",
    url: ca.url("/challenge/1"),
    token: "DGyRejmCefe7v4NfDGDKfA",
    status: "pending",
    ...more,
  });
  const authorization = (challenges: readonly object[]) => ({
    status: "pending",
    identifier: { type: "dns", value: "shop.example.net" },
    challenges,
  });

  test("has the challenges that can be answered, and no others", async () => {
    const { ca, client } = await openClient();
    const body = authorization([
      challenge(ca, {}),
      challenge(ca, { type: "dns-persist-01", token: undefined }),
      challenge(ca, { token: "../../etc/passwd" }),
      challenge(ca, { token: "a".repeat(300) }),
      challenge(ca, { url: "http://ca.example.net/challenge" }),
      challenge(ca, { type: "dns-01", status: "invalid", error: { detail: "No TXT" } }),
    ]);
    ca.answer("/authorization/1", { status: 200, body });
    const read = await client.readAuthorization(ca.url("/authorization/1"));
    assert.deepEqual(read.challenges, [
      challenge(ca, {}),
      challenge(ca, {
        type: "dns-01",
        status: "invalid",
        error: { type: "about:blank", detail: "No TXT" },
      }),
    ]);
    assert.equal(read.wildcard, false);
  });

  test("is given up by saying that it is deactivated", async () => {
    const { ca, client } = await openClient();
    ca.answer("/authorization/1", { status: 200, body: authorization([]) });
    await client.deactivate(ca.url("/authorization/1"));
    assert.deepEqual(payloads(ca, "/authorization/1"), [{ status: "deactivated" }]);
  });

  test("is tried when its challenge is told, once", async () => {
    const { ca, client } = await openClient();
    const url = ca.url("/challenge/1");
    const told = { type: "http-01", url, token: "t" } as const;
    ca.answer("/challenge/1", { status: 200, body: challenge(ca, {}) });
    await client.respond({ ...told, status: "pending" });
    await client.respond({ ...told, status: "processing" });
    assert.deepEqual(payloads(ca, "/challenge/1"), [{}]);
  });

  test("is tried by a CA that has been told before, though its answer was lost", async () => {
    const { ca, client } = await openClient();
    const told = { type: "http-01", url: ca.url("/challenge/1"), token: "t" } as const;
    const again = problem("malformed", 400);
    const now = (status: string) => ({ status: 200, body: challenge(ca, { status }) });
    ca.answer("/challenge/1", { status: 200, cut: true }, again, now("valid"));
    await client.respond({ ...told, status: "pending" });
    assert.deepEqual(payloads(ca, "/challenge/1"), [{}, {}, undefined]);
    ca.answer("/challenge/1", again, now("pending"));
    await assert.rejects(client.respond({ ...told, status: "pending" }), {
      message: "It is malformed",
    });
  });
});
