// oxlint-disable-next-line import/no-unassigned-import -- @peculiar/x509 throws without it
import "reflect-metadata";
import assert from "node:assert/strict";
import { createPrivateKey, createPublicKey } from "node:crypto";
import { describe, test } from "node:test";
import { Pkcs10CertificateRequest, SubjectAlternativeNameExtension } from "@peculiar/x509";
import { certificateRequest, newCertificateKey } from "#x509/csr.ts";

const NAMES = ["shop.example.net", "*.shop.example.net"];

describe("a certificate request", () => {
  test("has the names as alternative names, and no subject", async () => {
    const csr = new Pkcs10CertificateRequest(await certificateRequest(newCertificateKey(), NAMES));
    const extension = csr.getExtension("2.5.29.17");
    assert(extension !== null);
    assert.deepEqual(
      new SubjectAlternativeNameExtension(extension.rawData).names.toJSON(),
      NAMES.map((value) => ({ type: "dns", value })),
    );
    assert.equal(csr.subject, "");
    assert.equal(extension.critical, true);
  });

  test("is of the key that was made before, and signed by it", async () => {
    const keyPem = newCertificateKey();
    const csr = new Pkcs10CertificateRequest(await certificateRequest(keyPem, NAMES));
    assert(await csr.verify());
    const key = createPublicKey(createPrivateKey(keyPem));
    const spki = key.export({ type: "spki", format: "der" });
    assert.deepEqual(Buffer.from(csr.publicKey.rawData), spki);
    assert.equal(key.asymmetricKeyDetails?.namedCurve, "prime256v1");
  });

  test("has a new key each time", () => {
    assert.notEqual(newCertificateKey(), newCertificateKey());
  });
});
