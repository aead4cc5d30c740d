import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { after, before, describe, test } from "node:test";
import type { Order } from "#acme/acme.ts";
import { parseChain } from "#acme/chain.ts";
import { type Authority, openAuthority } from "../../support/certificates.ts";
import { NOW, openClient, orderOf } from "./client-fixture.ts";
import { problem, type StrictCa } from "./strict-ca.ts";

let authority: Authority;
let leaf: string;
before(async () => {
  authority = await openAuthority();
  leaf = (await authority.issue("shop.example.net")).cert;
});
after(() => authority[Symbol.asyncDispose]());

function readyOrder(ca: StrictCa): Order {
  return {
    url: ca.url("/order/1"),
    status: "ready",
    identifiers: [{ type: "dns", value: "shop.example.net" }],
    authorizations: [],
    finalize: ca.url("/finalize/1"),
    certificate: ca.url("/certificate/1"),
  };
}

describe("an order that is finalized", () => {
  test("hands over the request, DER in base64url", async () => {
    const { ca, client } = await openClient();
    ca.answer("/finalize/1", { status: 200, body: orderOf(ca, { status: "processing" }) });
    const order = await client.finalize(readyOrder(ca), Uint8Array.of(0xfb, 0xff));
    assert.equal(order.status, "processing");
    assert.equal(order.url, ca.url("/order/1"));
    assert.deepEqual(ca.seen.at(-1)?.payload, { csr: "-_8" });
  });

  for (const status of ["processing", "valid"]) {
    test(`once more is what it has become: ${status}`, async () => {
      const { ca, client } = await openClient();
      ca.answer("/finalize/1", problem("orderNotReady", 403));
      ca.answer("/order/1", { status: 200, body: orderOf(ca, { status }) });
      assert.equal((await client.finalize(readyOrder(ca), Uint8Array.of(1))).status, status);
    });
  }

  test("too early is refused for now", async () => {
    const { ca, client } = await openClient();
    ca.answer("/finalize/1", problem("orderNotReady", 403));
    ca.answer("/order/1", { status: 200, body: orderOf(ca, { status: "pending" }) });
    await assert.rejects(client.finalize(readyOrder(ca), Uint8Array.of(1)), {
      message: "It is orderNotReady",
      permanent: false,
    });
  });
});

describe("a chain", () => {
  test("is asked for as PEM, and is what the CA has", async () => {
    const { ca, client } = await openClient();
    ca.answer("/certificate/1", { status: 200, body: leaf + authority.caPem });
    assert.equal(await client.download(readyOrder(ca)), leaf + authority.caPem);
    assert.equal(ca.seen.at(-1)?.fields.accept, "application/pem-certificate-chain");
    assert.equal(ca.seen.at(-1)?.payload, undefined, "POST-as-GET");
  });

  test("has one kind of line end, whatever the CA's are", () => {
    assert.equal(parseChain(`\r\n${leaf.replaceAll("\n", "\r\n")}\r\n\r\n${leaf}`), leaf + leaf);
  });

  test("is nothing but certificates, and not too many", async () => {
    const { key } = await authority.issue("shop.example.net");
    for (const [text, why] of [
      ["", /has no PEM in it/],
      ["-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", /cannot be read/],
      [leaf + key, /there is a PRIVATE KEY in it/],
      [`${leaf}ssl_engine evil;\n${leaf}`, /something between/],
      [leaf.repeat(11), /longer than 10/],
      [`${leaf}${leaf.slice(0, 200)}`, /something between/],
    ] as const) {
      assert.throws(() => parseChain(text), { message: why, permanent: false });
    }
  });

  test("is not there before the order says where", async () => {
    const { ca, client } = await openClient();
    const { certificate: _, ...order } = readyOrder(ca);
    await assert.rejects(client.download(order), /it has no certificate yet/);
    assert.equal(ca.seen.length, 0);
  });
});

describe("a certificate that is revoked", () => {
  test("is named by its DER, with the reason", async () => {
    const { ca, client } = await openClient();
    ca.answer("/revoke-cert", { status: 200 });
    await client.revoke(leaf + authority.caPem, 4);
    const certificate = new X509Certificate(leaf).raw.toString("base64url");
    assert.deepEqual(ca.seen.at(-1)?.payload, { certificate, reason: 4 });
  });

  test("once more is revoked already, which is as good", async () => {
    const { ca, client } = await openClient();
    ca.answer("/revoke-cert", problem("alreadyRevoked", 400), problem("unauthorized", 403));
    await client.revoke(leaf, 4);
    await assert.rejects(client.revoke(leaf, 4), { permanent: true });
  });
});

describe("a renewal's window", () => {
  const suggestedWindow = { start: "2026-12-01T00:00:00Z", end: "2026-12-03T00:00:00Z" };

  test("is asked for by the certificate's ID, without a signature", async () => {
    const { ca, client } = await openClient();
    ca.offer({ renewalInfo: ca.url("/renewal-info") });
    const fields = { "retry-after": "21600" };
    ca.answer("/renewal-info/id-of.leaf", { status: 200, fields, body: { suggestedWindow } });
    assert.deepEqual(await client.renewalWindow("leaf"), {
      startAt: Date.UTC(2026, 11, 1),
      endAt: Date.UTC(2026, 11, 3),
      retryAt: NOW + 21_600_000,
    });
    assert.deepEqual(
      ca.seen.map(({ method }) => method),
      ["GET", "GET"],
    );
  });

  test("is not there at a CA without, for a certificate without an ID, or one not known", async () => {
    const { ca, client } = await openClient();
    assert.equal(await client.renewalWindow("leaf"), undefined);
    const anonymous = await openClient({ certificateId: () => undefined });
    anonymous.ca.offer({ renewalInfo: anonymous.ca.url("/renewal-info") });
    assert.equal(await anonymous.client.renewalWindow("leaf"), undefined);
    for (const answer of [{ status: 404, body: "<html>" }, problem("malformed", 400)]) {
      const other = await openClient();
      other.ca.offer({ renewalInfo: other.ca.url("/renewal-info") });
      other.ca.answer("/renewal-info/id-of.leaf", answer);
      assert.equal(await other.client.renewalWindow("leaf"), undefined);
    }
    assert.equal(ca.seen.length, 1);
  });

  test("is asked for again later when the CA fails", async () => {
    const { ca, client } = await openClient();
    ca.offer({ renewalInfo: ca.url("/renewal-info") });
    ca.answer("/renewal-info/id-of.leaf", problem("serverInternal", 500));
    await assert.rejects(client.renewalWindow("leaf"), { permanent: false });
  });
});
