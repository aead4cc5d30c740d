import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { describe, test } from "node:test";
import { made, openClient } from "./client-fixture.ts";
import { problem, type StrictCa } from "./strict-ca.ts";

const NAMES = ["shop.example.net"];

describe("an account", () => {
  test("is made once for all who need it at the same time", async () => {
    const { ca, client } = await openClient({ email: "operator@example.net" });
    ca.answer("/new-order", made(ca), made(ca));
    await Promise.all([client.order(NAMES, {}), client.order(NAMES, {})]);
    const asked = ca.seen.filter(({ path }) => path === "/new-account");
    assert.deepEqual(
      asked.map(({ payload }) => payload),
      [{ termsOfServiceAgreed: true, contact: ["mailto:operator@example.net"] }],
    );
  });

  test("has its key kept before the CA is told of it, and its URL after", async () => {
    const { ca, client, saved } = await openClient();
    ca.answer("/new-account", problem("serverInternal", 500));
    await assert.rejects(client.order(NAMES, {}), { permanent: false });
    assert.deepEqual(
      saved.map(({ url }) => url),
      [undefined],
    );
    ca.answer("/new-order", made(ca));
    await client.order(NAMES, {});
    assert.deepEqual(
      saved.map(({ url }) => url),
      [undefined, ca.url("/account/1")],
    );
    assert.equal(saved[1]?.keyPem, saved[0]?.keyPem);
  });

  test("is used again by the next client, without asking for it", async () => {
    const { ca, client, open } = await openClient();
    ca.answer("/new-order", made(ca), made(ca));
    await client.order(NAMES, {});
    await open().order(NAMES, {});
    assert.equal(ca.seen.filter(({ path }) => path === "/new-account").length, 1);
  });

  describe("whose address has changed", () => {
    const contacts = (ca: StrictCa): unknown[] =>
      ca.seen
        .filter(({ path }) => path.startsWith("/account/"))
        .map(({ payload }) => (payload as { contact?: unknown }).contact);
    const valid = { status: 200, body: { status: "valid" } };

    test("has the CA told of it once, and of its absence", async () => {
      const { ca, client, open } = await openClient({ email: "first@example.net" });
      ca.answer("/new-order", ...Array.from({ length: 6 }, () => made(ca)));
      ca.answer("/account/1", valid, valid);
      await client.order(NAMES, {});
      await open().order(NAMES, {});
      for (const email of ["second@example.net", undefined]) {
        await open({ email }).order(NAMES, {});
        await open({ email }).order(NAMES, {});
      }
      assert.deepEqual(contacts(ca), [["mailto:second@example.net"], []]);
    });

    test("obtains certificates whatever the CA says to it, and tells it at the next start", async () => {
      const { ca, client, open, warned } = await openClient();
      ca.answer("/new-order", made(ca), made(ca), made(ca));
      ca.answer("/account/1", problem("invalidContact", 400), valid);
      await client.order(NAMES, {});
      await open({ email: "new@example.net" }).order(NAMES, {});
      assert.deepEqual(warned, ["the CA was not told of ATOLL_ACME_EMAIL"]);
      await open({ email: "new@example.net" }).order(NAMES, {});
      assert.deepEqual(contacts(ca), [["mailto:new@example.net"], ["mailto:new@example.net"]]);
    });

    test("is told of it where its URL was lost, since the CA changes nothing then", async () => {
      const { ca, client, kept, open } = await openClient({ email: "old@example.net" });
      ca.answer("/new-order", made(ca), made(ca));
      ca.answer("/account/1", valid);
      await client.order(NAMES, {});
      kept.set(ca.directory, { keyPem: kept.get(ca.directory)?.keyPem ?? "" });
      await open({ email: "new@example.net" }).order(NAMES, {});
      assert.deepEqual(contacts(ca), [["mailto:new@example.net"]]);
    });

    test("is made again, with the new one, where the CA has forgotten it", async () => {
      const { ca, client, kept, open } = await openClient({ email: "old@example.net" });
      ca.answer("/new-order", made(ca), made(ca));
      await client.order(NAMES, {});
      ca.forget();
      await open({ email: "new@example.net" }).order(NAMES, {});
      assert.equal(kept.get(ca.directory)?.url, ca.url("/account/2"));
      assert.equal(kept.get(ca.directory)?.email, "new@example.net");
    });
  });

  test("that the CA has and yet never knows is given up, whatever else it is to be told", async () => {
    const { ca, client, kept, open } = await openClient({ email: "old@example.net" });
    ca.answer("/new-order", made(ca));
    await client.order(NAMES, {});
    const unknown = problem("accountDoesNotExist", 400);
    ca.answer("/account/1", ...Array.from({ length: 9 }, () => unknown));
    await assert.rejects(open({ email: "new@example.net" }).order(NAMES, {}), { permanent: true });
    const asked = ca.seen.filter(({ path }) => path === "/account/1");
    assert.equal(asked.length, 2);
    assert.equal(kept.get(ca.directory)?.email, undefined);
  });

  test("that the CA has forgotten is made again, once, with the same key", async () => {
    const { ca, client, kept } = await openClient();
    ca.answer("/new-order", made(ca), made(ca), made(ca));
    await client.order(NAMES, {});
    const before = kept.get(ca.directory);
    ca.forget();
    await Promise.all([client.order(NAMES, {}), client.order(NAMES, {})]);
    assert.equal(kept.get(ca.directory)?.keyPem, before?.keyPem);
    assert.notEqual(kept.get(ca.directory)?.url, before?.url);
    assert.equal(ca.seen.filter(({ path }) => path === "/new-account").length, 2);
  });

  test("that the CA never knows is given up", async () => {
    const { ca, client } = await openClient();
    const unknown = problem("accountDoesNotExist", 400);
    ca.answer("/new-order", unknown, unknown, unknown);
    await assert.rejects(client.order(NAMES, {}), { permanent: true });
    assert.equal(ca.seen.filter(({ path }) => path === "/new-order").length, 2);
  });

  test("is not asked for where an external one is wanted and none is set", async () => {
    const { ca, client } = await openClient();
    ca.offer({ meta: { externalAccountRequired: true } });
    await assert.rejects(client.order(NAMES, {}), { permanent: true, message: /external account/ });
    assert(ca.seen.every(({ path }) => path !== "/new-account"));
  });

  test("is bound to an external one by that one's key", async () => {
    const hmacKey = Buffer.alloc(32, 7);
    const { ca, client } = await openClient({ externalAccount: { kid: "kid-1", hmacKey } });
    ca.answer("/new-order", made(ca));
    await client.order(NAMES, {});
    const asked = ca.seen.find(({ path }) => path === "/new-account");
    assert(asked !== undefined);
    const { externalAccountBinding: binding } = asked.payload as {
      readonly externalAccountBinding: Record<"protected" | "payload" | "signature", string>;
    };
    const read = (part: string): unknown => JSON.parse(Buffer.from(part, "base64url").toString());
    const url = ca.url("/new-account");
    assert.deepEqual(read(binding.protected), { alg: "HS256", kid: "kid-1", url });
    assert.deepEqual(read(binding.payload), asked.protected?.jwk);
    const mac = createHmac("sha256", hmacKey).update(`${binding.protected}.${binding.payload}`);
    assert.equal(binding.signature, mac.digest("base64url"));
  });

  test("signs key authorizations before there is a CA to be reached", async () => {
    const { client, open } = await openClient({ directory: "http://127.0.0.1:9/directory" });
    const authorization = await client.keyAuthorization("token");
    assert.match(authorization, /^token\.[\w-]{43}$/);
    assert.equal(await open().keyAuthorization("token"), authorization);
  });
});
