import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { AcmeError } from "#acme/acme.ts";
import {
  EXCHANGES_AT_ONCE_MAX,
  JSON_BYTES_MAX,
  LOST_TRIES_MAX,
  NONCE_TRIES_MAX,
} from "#acme/limits.ts";
import { until } from "../../support/until.ts";
import { made, NOW, openClient } from "./client-fixture.ts";
import { problem } from "./strict-ca.ts";

const NAMES = ["shop.example.net"];
const CUT = { status: 200, cut: true };

describe("a request to a CA", () => {
  test("says who asks, and in which language", async () => {
    const { ca, client } = await openClient();
    ca.answer("/new-order", made(ca));
    await client.order(NAMES, {});
    for (const { fields } of ca.seen) {
      assert.match(fields["user-agent"] ?? "", /^atoll\/\d+\.\d+\.\d+/);
      assert.equal(fields["accept-language"], "en");
    }
  });

  test("uses each nonce once, and asks for one only where none is left", async () => {
    const { ca, client } = await openClient();
    ca.answer("/new-order", made(ca), made(ca), made(ca));
    for (let count = 0; count < 3; count += 1) await client.order(NAMES, {});
    const nonces = ca.seen.flatMap((seen) => seen.protected?.nonce ?? []);
    assert.equal(new Set(nonces).size, 4);
    assert.equal(ca.seen.filter(({ path }) => path === "/new-nonce").length, 1);
  });

  test("is signed again when its nonce is refused", async () => {
    const { ca, client } = await openClient();
    const refusals = Array.from({ length: NONCE_TRIES_MAX - 1 }, () => problem("badNonce", 400));
    ca.answer("/new-order", ...refusals, made(ca));
    assert.equal((await client.order(NAMES, {})).status, "pending");
  });

  test("is given up when a CA refuses every nonce", async () => {
    const { ca, client } = await openClient();
    const refusals = Array.from({ length: NONCE_TRIES_MAX + 1 }, () => problem("badNonce", 400));
    ca.answer("/new-order", ...refusals);
    await assert.rejects(client.order(NAMES, {}), { message: "It is badNonce", permanent: false });
    const tries = ca.seen.filter(({ path }) => path === "/new-order");
    assert.equal(tries.length, NONCE_TRIES_MAX);
  });

  test("reads the directory once for all who ask at the same time, and again after an hour", async () => {
    const { ca, client, clock } = await openClient();
    ca.answer("/new-order", made(ca), made(ca), made(ca));
    await Promise.all([client.order(NAMES, {}), client.order(NAMES, {})]);
    const read = () => ca.seen.filter(({ path }) => path === "/directory").length;
    assert.equal(read(), 1);
    clock.advance(3_600_000);
    await client.order(NAMES, {});
    assert.equal(read(), 2);
  });

  test("does not follow a redirect", async () => {
    const { ca, client } = await openClient();
    ca.answer("/directory", { status: 302, fields: { location: ca.url("/new-nonce") } });
    await assert.rejects(client.order(NAMES, {}), {
      message: /^127\.0\.0\.1:\d+ answered 302 without saying why$/,
      permanent: false,
    });
    assert.equal(ca.seen.length, 1);
  });

  test("is not sent without TLS to anywhere but this machine", async () => {
    const { client } = await openClient({ directory: "http://ca.example.net/directory" });
    await assert.rejects(client.order(NAMES, {}), /neither https nor on this machine/);
  });

  test("takes no URL from a CA that is not https", async () => {
    const { ca, client } = await openClient();
    ca.offer({ newOrder: "http://ca.example.net/new-order" });
    await assert.rejects(client.order(NAMES, {}), /directory cannot be used: .*newOrder/);
  });

  test("reads no answer without end", async () => {
    const { ca, client } = await openClient();
    ca.answer("/directory", { status: 200, body: " ".repeat(JSON_BYTES_MAX + 1) });
    await assert.rejects(client.order(NAMES, {}), /sent more than 262144 bytes/);
  });

  test("is sent again when its connection ends, signed anew", async () => {
    const { ca, client } = await openClient();
    ca.answer("/directory", CUT, CUT);
    ca.answer("/new-order", CUT, CUT, made(ca));
    assert.equal((await client.order(NAMES, {})).status, "pending");
    const nonces = ca.seen.flatMap((seen) => seen.protected?.nonce ?? []);
    assert.equal(new Set(nonces).size, nonces.length);
  });

  test("fails for now when connections end again and again", async () => {
    const { ca, client } = await openClient();
    const failure = { message: /^Cannot reach 127\.0\.0\.1:\d+: /, permanent: false };
    for (const path of ["/directory", "/new-order"]) {
      ca.answer(path, ...Array.from({ length: LOST_TRIES_MAX }, () => CUT));
      await assert.rejects(client.order(NAMES, {}), failure);
      assert.equal(ca.seen.filter((seen) => seen.path === path).length, LOST_TRIES_MAX);
    }
  });

  test("fails for now when the answer is no document", async () => {
    const { ca, client } = await openClient();
    for (const [answer, message] of [
      [{ status: 200, body: "<html>" }, /^The CA's directory cannot be used: /],
      [{ status: 502, body: "<html>" }, /answered 502 without saying why$/],
    ] as const) {
      ca.answer("/directory", answer);
      await assert.rejects(client.order(NAMES, {}), { message, permanent: false });
    }
  });

  test("that is not answered is given up after half a minute", async (context) => {
    const { ca, client } = await openClient();
    ca.answer("/directory", { status: 200, silent: true });
    const halfMinute = new AbortController();
    const timeout = context.mock.method(AbortSignal, "timeout", () => halfMinute.signal);
    const asked = assert.rejects(client.order(NAMES, {}), {
      message: /did not answer in time$/,
      permanent: false,
    });
    await until("the CA is asked", () => ca.seen.length > 0);
    halfMinute.abort();
    await asked;
    assert.deepEqual(timeout.mock.calls[0]?.arguments, [30_000]);
  });

  test("ends with the program, by the reason of its signal", async () => {
    const { ca, client, stop } = await openClient();
    ca.answer("/new-order", made(ca));
    await client.order(NAMES, {});
    const reason = new Error("Atoll stops");
    stop.abort(reason);
    await assert.rejects(client.readOrder(ca.url("/order/1")), reason);
  });
});

describe("a CA that says when to come back", () => {
  for (const status of [429, 503]) {
    test(`with ${status} is asked nothing before, and everything after`, async () => {
      const { ca, client, clock } = await openClient();
      ca.offer({ renewalInfo: ca.url("/renewal-info") });
      ca.answer("/new-order", made(ca));
      await client.order(NAMES, {});
      const fields = { "retry-after": "60" };
      ca.answer("/order/1", { ...problem("rateLimited", status), fields });
      await assert.rejects(client.readOrder(ca.url("/order/1")), { retryAt: NOW + 60_000 });
      const asked = ca.seen.length;
      clock.advance(59_999);
      const asks = [
        client.order(NAMES, {}),
        client.renewalWindow("leaf"),
        client.readOrder(ca.url("/order/1")),
      ];
      for (const end of await Promise.allSettled(asks)) {
        assert(end.status === "rejected" && end.reason instanceof AcmeError);
        assert.equal(end.reason.message, "It is rateLimited");
        assert.equal(end.reason.retryAt, NOW + 60_000);
        assert.equal(end.reason.permanent, false);
      }
      assert.equal(ca.seen.length, asked);
      clock.advance(1);
      ca.answer("/new-order", made(ca));
      assert.equal((await client.order(NAMES, {})).status, "pending");
    });
  }

  test("is not asked by those who were waiting for their turn", async () => {
    const { ca, client } = await openClient();
    ca.answer("/new-order", made(ca));
    await client.order(NAMES, {});
    const fields = { "retry-after": "60" };
    const held = { ...problem("rateLimited", 429), fields };
    ca.answer("/order/1", ...Array.from({ length: 50 }, () => held));
    await Promise.allSettled(
      Array.from({ length: 50 }, () => client.readOrder(ca.url("/order/1"))),
    );
    // Those that were on their way when the first answer came, and no more.
    const asked = ca.seen.filter(({ path }) => path === "/order/1").length;
    assert(asked >= 1 && asked <= EXCHANGES_AT_ONCE_MAX, `${asked} asked`);
  });

  test("for an order's names, in days, is asked for others after three hours", async () => {
    const { ca, client, clock } = await openClient();
    const fields = { "retry-after": String(34 * 3_600) };
    ca.answer("/new-order", { ...problem("rateLimited", 429), fields }, made(ca));
    await assert.rejects(client.order(NAMES, {}), { retryAt: NOW + 34 * 3_600_000 });
    clock.advance(3 * 3_600_000 - 1);
    await assert.rejects(client.order(["other.example.net"], {}), { retryAt: NOW + 3 * 3_600_000 });
    clock.advance(1);
    assert.equal((await client.order(["other.example.net"], {})).status, "pending");
  });
});
