// oxlint-disable-next-line import/no-unassigned-import -- @peculiar/x509 throws without it
import "reflect-metadata";
import assert from "node:assert/strict";
import { createHash, createPrivateKey, X509Certificate } from "node:crypto";
import { describe, test } from "node:test";
import * as x509 from "@peculiar/x509";
import { tlsAlpnCertificate } from "#x509/tls-alpn.ts";

const NOW = Date.UTC(2026, 10, 23);
const AUTHORIZATION = "token.thumbprint";

describe("a certificate for tls-alpn-01", () => {
  test("has the digest of the key authorization in a critical extension", async () => {
    const { cert } = await tlsAlpnCertificate("shop.example.net", AUTHORIZATION, NOW);
    const extension = new x509.X509Certificate(cert).getExtension("1.3.6.1.5.5.7.1.31");
    const digest = createHash("sha256").update(AUTHORIZATION).digest();
    assert.equal(extension?.critical, true);
    assert.deepEqual(
      Buffer.from(extension.value),
      Buffer.concat([Buffer.of(0x04, 0x20), digest]),
      "an OCTET STRING of 32 octets",
    );
  });

  test("is for the one name, signed by itself, with its key", async () => {
    const { cert, key } = await tlsAlpnCertificate("shop.example.net", AUTHORIZATION, NOW);
    const certificate = new X509Certificate(cert);
    assert.equal(certificate.subjectAltName, "DNS:shop.example.net");
    assert(certificate.verify(certificate.publicKey));
    assert(certificate.checkPrivateKey(createPrivateKey(key)));
  });

  test("is good now, also by a clock that is hours off", async () => {
    const { cert } = await tlsAlpnCertificate("shop.example.net", AUTHORIZATION, NOW);
    const { validFromDate, validToDate } = new X509Certificate(cert);
    assert.equal(validFromDate.getTime(), NOW - 86_400_000);
    assert.equal(validToDate.getTime(), NOW + 86_400_000);
  });
});
