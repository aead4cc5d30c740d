import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, test } from "node:test";
import type { ServingCertificate, ServingCertificateStore } from "#certificate/serving.ts";

export interface CertificateWorld extends AsyncDisposable {
  readonly certificates: ServingCertificateStore;
  /** Changes that the edges were told of, in order. */
  told(): readonly { readonly number: number; readonly kind: string }[];
}

/** What every `ServingCertificateStore` keeps, whatever it is made of. */
export function certificateStoreContract(
  name: string,
  open: () => Promise<CertificateWorld>,
): void {
  const certificate = (more: Partial<ServingCertificate> = {}): ServingCertificate => ({
    id: randomUUID(),
    names: ["*.nyc3.cdn.spaces.localhost"],
    chain: "-----BEGIN CERTIFICATE-----",
    sealedKey: new Uint8Array([1, 2, 3]),
    notAfter: 1_700_000_000_000,
    ...more,
  });

  describe(`${name} as a ServingCertificateStore`, () => {
    test("has the certificates of own names, each as it was put last, in order of their first", async () => {
      await using world = await open();
      const one = certificate({ ownName: "*.nyc3.cdn.spaces.localhost" });
      const two = certificate({ ownName: "*.ams3.cdn.spaces.localhost" });
      const renewed = { ...one, chain: "another", sealedKey: new Uint8Array([4]), notAfter: 2 };
      for (const each of [one, two, certificate(), renewed]) await world.certificates.put(each);
      assert.deepEqual(world.certificates.ownNames(), [renewed, two]);
    });

    test("has one certificate for an own name", async () => {
      await using world = await open();
      const ownName = "*.nyc3.cdn.spaces.localhost";
      await world.certificates.put(certificate({ ownName }));
      await assert.rejects(world.certificates.put(certificate({ ownName })));
      assert.equal(world.told().length, 1);
    });

    test("numbers its changes in order, and tells each before it returns", async () => {
      await using world = await open();
      const one = certificate();
      const put = await world.certificates.put(one);
      const again = await world.certificates.put(one);
      const deleted = await world.certificates.delete(one.id);
      assert.equal(await world.certificates.delete(one.id), undefined);
      assert.deepEqual(world.told(), [
        { number: put, kind: "certificate-put" },
        { number: again, kind: "certificate-put" },
        { number: deleted, kind: "certificate-delete" },
      ]);
      assert(put < again && again < (deleted ?? 0));
      assert.deepEqual(world.certificates.ownNames(), []);
    });
  });
}
