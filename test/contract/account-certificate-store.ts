import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, test } from "node:test";
import type { AccountStore } from "#account/account.ts";
import { type EndpointStore, OWN_CERTIFICATE } from "#cdn/endpoint.ts";
import type { Certificate, CertificateStore, IssuedWithKey } from "#certificate/certificate.ts";
import type { JobStore } from "#certificate/job.ts";
import { EVENTS_MAX } from "#certificate/limits.ts";
import type { ServingCertificateStore } from "#certificate/serving.ts";

export interface AccountCertificateWorld extends AsyncDisposable {
  readonly accounts: AccountStore;
  readonly endpoints: EndpointStore;
  readonly accountCertificates: CertificateStore;
  readonly certificateJobs: JobStore;
  readonly certificates: ServingCertificateStore;
  /** Changes that the edges were told of, in order. */
  told(): readonly { readonly number: number; readonly kind: string }[];
}

const ISSUED: IssuedWithKey = {
  issuer: "local",
  notBefore: 1,
  notAfter: 1_700_000_000_000,
  sha1: "ab".repeat(20),
  chain: "-----BEGIN CERTIFICATE-----",
  sealedKey: new Uint8Array([1, 2, 3]),
};
const PROGRESS = { failures: 0, rotation: 0 };

/** What every `CertificateStore` and `JobStore` keep together, whatever they are made of. */
export function accountCertificateContract(
  name: string,
  openWorld: () => Promise<AccountCertificateWorld>,
): void {
  async function open() {
    const world = await openWorld();
    const account = async (email: string): Promise<number> => {
      const made = { uuid: randomUUID(), email, name: email, createdAt: 1 };
      const created = await world.accounts.createAccount(made);
      assert(created !== "email-taken");
      return created.id;
    };
    const accountId = await account("owner@localhost");
    const managed = (more: Partial<Certificate> = {}): Certificate => ({
      id: randomUUID(),
      accountId,
      name: randomUUID(),
      type: "lets_encrypt",
      dnsNames: ["www.example.com"],
      state: "pending",
      createdAt: 1,
      ...more,
    });
    const endpoint = async (certificateId: string, customDomain: string) => {
      const origin = { name: randomUUID().slice(0, 8), region: "nyc3", domain: "spaces.localhost" };
      const made = { id: randomUUID(), accountId, origin, ttl: 60, createdAt: 1 } as const;
      const attached = { ...made, customDomain, certificateId };
      return world.endpoints.create(attached, { strict: false });
    };
    const kinds = () => world.told().map(({ kind }) => kind);
    return { ...world, account, accountId, managed, endpoint, kinds };
  }

  describe(`${name} as a CertificateStore`, () => {
    test("finds what was created, in the account that it was created in", async () => {
      await using world = await open();
      const { sealedKey, issuer: _, ...issued } = ISSUED;
      const custom = world.managed({ type: "custom", state: "verified", issued });
      assert.equal(await world.accountCertificates.create(custom, sealedKey), "created");
      assert.deepEqual(world.accountCertificates.find(world.accountId, custom.id), custom);
      const other = await world.account("other@localhost");
      assert.equal(world.accountCertificates.find(other, custom.id), undefined);
      assert.equal(await world.accountCertificates.delete(other, custom.id), "missing");
      assert.equal(world.certificateJobs.find(custom.id), undefined, "nothing to be done");
    });

    test("has a name once in an account, and again when it is free", async () => {
      await using world = await open();
      const first = world.managed({ name: "one" });
      const second = world.managed({ name: "one" });
      const store = world.accountCertificates;
      assert.equal(await store.create(first), "created");
      assert.equal(await store.create(second), "name-taken");
      const other = await world.account("other@localhost");
      assert.equal(await store.create({ ...second, accountId: other }), "created");
      assert.equal(await store.delete(world.accountId, first.id), "deleted");
      assert.equal(await store.create(first), "created");
    });

    test("lists in order of creation, all or those of a name", async () => {
      await using world = await open();
      const all = [1, 2, 3].map((n) => world.managed({ name: `n${n}` }));
      for (const each of all) await world.accountCertificates.create(each);
      const page = (filter: object, offset: number, limit: number) => {
        const { rows, total } = world.accountCertificates.page(
          world.accountId,
          filter,
          offset,
          limit,
        );
        return [rows.map((row) => row.name).join(), total];
      };
      assert.deepEqual(page({}, 0, 2), ["n1,n2", 3]);
      assert.deepEqual(page({}, 2, 2), ["n3", 3]);
      assert.deepEqual(page({ name: "n2" }, 0, 2), ["n2", 1]);
      assert.deepEqual(page({ name: "n" }, 0, 2), ["", 0]);
    });

    test("keeps one that an endpoint uses", async () => {
      await using world = await open();
      const certificate = world.managed();
      await world.accountCertificates.create(certificate);
      const created = await world.endpoint(certificate.id, "www.example.com");
      assert(created.kind === "created");
      const remove = () => world.accountCertificates.delete(world.accountId, certificate.id);
      assert.equal(await remove(), "in-use");
      await world.endpoints.delete(world.accountId, created.endpoint.id);
      assert.equal(await remove(), "deleted");
      assert.equal(world.certificateJobs.find(certificate.id), undefined);
      assert.deepEqual(world.accountCertificates.events(certificate.id), []);
    });

    test("counts by state, and knows the first end", async () => {
      await using world = await open();
      const [one, two] = [world.managed(), world.managed()];
      for (const each of [one, two]) await world.accountCertificates.create(each);
      const happened = { kind: "issued", message: "" } as const;
      await world.certificateJobs.issued(one.id, ISSUED, PROGRESS, happened);
      assert.deepEqual(world.accountCertificates.counts(), {
        states: { pending: 1, verified: 1, error: 0 },
        soonestEnd: ISSUED.notAfter,
      });
    });
  });

  describe(`${name} as a JobStore`, () => {
    test("has managed certificates due from their creation on, and what is done with them", async () => {
      await using world = await open();
      const certificate = world.managed();
      await world.accountCertificates.create(certificate);
      const jobs = world.certificateJobs;
      const [job] = jobs.due(Number.MAX_SAFE_INTEGER, 10);
      assert.deepEqual(job?.certificate, certificate);
      const progress = {
        dueAt: 5,
        failures: 3,
        failingSince: 2,
        rotation: 1,
        order: { issuer: "https://ca", url: "https://ca/1", sealedKey: new Uint8Array([7]) },
        renewal: { startAt: 1, endAt: 2, askAt: 3, renewAt: 1 },
      };
      const more = { happened: { kind: "failed", message: "why" }, state: "error" } as const;
      assert.equal(await jobs.save(certificate.id, progress, more), "saved");
      const found = jobs.find(certificate.id);
      assert.deepEqual(found, { ...progress, certificate: { ...certificate, state: "error" } });
      assert.equal(jobs.nextDue(), 5);
      assert.deepEqual([jobs.due(4, 10).length, jobs.due(5, 10).length], [0, 1]);
      await jobs.save(certificate.id, PROGRESS);
      assert.deepEqual([jobs.nextDue(), jobs.due(5, 10).length], [undefined, 0]);
      const events = world.accountCertificates.events(certificate.id);
      assert.deepEqual(
        events.map(({ kind }) => kind),
        ["created", "failed"],
      );
    });

    test("knows what is gone", async () => {
      await using world = await open();
      const happened = { kind: "issued", message: "" } as const;
      assert.equal(await world.certificateJobs.save("none", PROGRESS), "gone");
      assert.equal(await world.certificateJobs.issued("none", ISSUED, PROGRESS, happened), "gone");
    });

    test("keeps the latest of a long story", async () => {
      await using world = await open();
      const certificate = world.managed();
      await world.accountCertificates.create(certificate);
      for (let n = 0; n <= EVENTS_MAX; n += 1) {
        const happened = { kind: "failed", message: String(n) } as const;
        await world.certificateJobs.save(certificate.id, PROGRESS, { happened });
      }
      const events = world.accountCertificates.events(certificate.id);
      assert.equal(events.length, EVENTS_MAX);
      assert.deepEqual([events[0]?.message, events.at(-1)?.message], ["1", String(EVENTS_MAX)]);
    });
  });

  describe(`${name}, where certificates and endpoints meet,`, () => {
    const happened = { kind: "issued", message: "" } as const;

    test("tells edges of a certificate while an endpoint needs it, and before the endpoint", async () => {
      await using world = await open();
      const certificate = world.managed();
      await world.accountCertificates.create(certificate);
      const jobs = world.certificateJobs;
      const unneeded = await jobs.issued(certificate.id, ISSUED, PROGRESS, happened);
      assert.deepEqual(unneeded, {});
      const created = await world.endpoint(certificate.id, "www.example.com");
      assert(created.kind === "created");
      assert.deepEqual(world.kinds(), ["certificate-put", "endpoint-put"]);
      const renewed = { ...ISSUED, chain: "another" };
      const { number } = Object(await jobs.issued(certificate.id, renewed, PROGRESS, happened));
      assert.equal(number, world.told().at(-1)?.number);
      const { id } = created.endpoint;
      await world.endpoints.update(world.accountId, id, { certificateId: null });
      const gone = ["certificate-put", "endpoint-put", "certificate-delete"];
      assert.deepEqual(world.kinds().slice(2), gone);
    });

    test("refuses what is missing, another account's, or good for other names", async () => {
      await using world = await open();
      const refusal = { kind: "refused", reason: "certificate-missing" };
      assert.deepEqual(await world.endpoint("none", "www.example.com"), refusal);
      const accountId = await world.account("other@localhost");
      const theirs = world.managed({ accountId });
      const own = world.managed();
      for (const each of [theirs, own]) await world.accountCertificates.create(each);
      assert.deepEqual(await world.endpoint(theirs.id, "www.example.com"), refusal);
      assert.deepEqual(await world.endpoint(own.id, "example.com"), {
        kind: "refused",
        reason: "certificate-covers-others",
        domain: "example.com",
        covered: ["www.example.com"],
      });
      assert.deepEqual(world.told(), []);
    });

    test("has one for each of the platform's own names, in the place of the local CA's", async () => {
      await using world = await open();
      const { accountCertificates, certificateJobs, certificates } = world;
      const ownName = "api.example.net";
      const local = { id: "local", ownName, names: [ownName], chain: "", notAfter: 2 };
      await certificates.put({ ...local, sealedKey: new Uint8Array([1]) });
      assert.deepEqual(await accountCertificates.setOwn([ownName]), {});
      await accountCertificates.setOwn([ownName]);
      const [job, ...others] = certificateJobs.due(Number.MAX_SAFE_INTEGER, 10);
      assert(job !== undefined && others.length === 0);
      assert.deepEqual(job.certificate.dnsNames, [ownName]);
      assert.deepEqual(
        certificates.ownNames().map(({ id }) => id),
        ["local"],
        "until it is there",
      );
      await certificateJobs.issued(job.certificate.id, ISSUED, PROGRESS, happened);
      const [own] = certificates.ownNames();
      assert.deepEqual([own?.id, own?.names, own?.managed], [job.certificate.id, [ownName], true]);
      const kinds = ["certificate-put", "certificate-delete", "certificate-put"];
      assert.deepEqual(world.kinds(), kinds);
      const { number } = await accountCertificates.setOwn([]);
      assert.equal(number, world.told().at(-1)?.number);
      assert.deepEqual(certificates.ownNames(), []);
    });

    test("has a certificate for whoever asks for one of its own, as long as that is asked for", async () => {
      await using world = await open();
      const created = await world.endpoint(OWN_CERTIFICATE, "own.example.com");
      assert(created.kind === "created");
      const [job] = world.certificateJobs.due(Number.MAX_SAFE_INTEGER, 10);
      assert.deepEqual(job?.certificate.dnsNames, ["own.example.com"]);
      assert(job !== undefined);
      const { id } = job.certificate;
      await world.certificateJobs.issued(id, ISSUED, PROGRESS, happened);
      const automatic = { automatic: true };
      const list = (filter: object) =>
        world.accountCertificates.page(world.accountId, filter, 0, 10).rows.length;
      assert.deepEqual([list({}), list(automatic)], [0, 1]);
      assert.equal(await world.accountCertificates.delete(world.accountId, id), "in-use");
      await world.endpoints.delete(world.accountId, created.endpoint.id);
      assert.equal(list(automatic), 0);
      const kinds = ["endpoint-put", "certificate-put", "endpoint-delete", "certificate-delete"];
      assert.deepEqual(world.kinds(), kinds);
    });
  });
}
