// oxlint-disable-next-line import/no-unassigned-import -- @peculiar/x509 throws without it
import "reflect-metadata";
import assert from "node:assert/strict";
import { webcrypto } from "node:crypto";
import { describe, test } from "node:test";
import * as x509 from "@peculiar/x509";
import { certificateId } from "#x509/certificate-id.ts";

/** RFC 9773 §4.1's own example of a key identifier. */
const KEY_ID = "69885b6b87464041e1b37b847bd0ae2cde01c8d4";

async function certificateOf(serialNumber: string, keyId: string | undefined): Promise<string> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber,
    keys,
    signingAlgorithm: algorithm,
    extensions: keyId === undefined ? [] : [new x509.AuthorityKeyIdentifierExtension(keyId)],
  });
  return certificate.toString("pem");
}

describe("a certificate's ID", () => {
  test("is the example of RFC 9773 §4.1", async () => {
    // The serial number there is 00:87:65:43:21: its sign octet belongs to it.
    const pem = await certificateOf("87654321", KEY_ID);
    assert.equal(certificateId(pem), "aYhba4dGQEHhs3uEe9CuLN4ByNQ.AIdlQyE");
  });

  for (const [serial, octets] of [
    ["01", "01"],
    ["7f", "7f"],
    ["80", "0080"],
    ["0a0b0c", "0a0b0c"],
    ["00ff", "00ff"],
    ["ff00", "00ff00"],
  ] as const) {
    test(`has the serial number ${serial} as the octets ${octets}`, async () => {
      const [, id = ""] = certificateId(await certificateOf(serial, KEY_ID))?.split(".") ?? [];
      assert.equal(Buffer.from(id, "base64url").toString("hex"), octets);
    });
  }

  test("is the leaf's in a chain", async () => {
    const [leaf, issuer] = [await certificateOf("01", KEY_ID), await certificateOf("02", KEY_ID)];
    assert.equal(certificateId(`${leaf}\n${issuer}\n`), certificateId(leaf));
  });

  test("is none where the certificate does not say whose it is", async () => {
    assert.equal(certificateId(await certificateOf("01", undefined)), undefined);
  });
});
