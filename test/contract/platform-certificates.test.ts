import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, test } from "node:test";
import { readConfig } from "#config.ts";
import { PlatformCertificates } from "#platform-certificates.ts";
import { openTemporaryStorage, type TemporaryStorage } from "./temporary-storage.ts";

const CONTROL = ["api.example.net", "registry.example.net"];
const CONFIG = readConfig({ ATOLL_DOMAIN: "example.net", ATOLL_ACME_DIRECTORY: "letsencrypt" });
const LOCAL = readConfig({ ATOLL_DOMAIN: "example.net", ATOLL_ACME_DIRECTORY: "local" });
const ISSUED = {
  issuer: "https://ca",
  notBefore: 1,
  notAfter: 2,
  sha1: "ab",
  chain: "chain",
  sealedKey: new Uint8Array([1]),
};

/** A storage with endpoints: two in nyc3 and one in ams3 of the platform's, and one of another's. */
async function openWorld() {
  const storage = await openTemporaryStorage();
  const made = { uuid: randomUUID(), email: "owner@localhost", name: "owner", createdAt: 1 };
  const account = await storage.accounts.createAccount(made);
  assert(account !== "email-taken");
  for (const [name, region, domain] of [
    ["one", "nyc3", "spaces.example.net"],
    ["two", "nyc3", "spaces.example.net"],
    ["three", "ams3", "spaces.example.net"],
    ["four", "nyc3", "digitaloceanspaces.com"],
  ] as const) {
    const endpoint = { id: name, accountId: account.id, ttl: 60, createdAt: 1 } as const;
    const origin = { name, region, domain };
    await storage.endpoints.create({ ...endpoint, origin }, { strict: false });
  }
  return { storage, accountId: account.id };
}

/** Of the regions in the list, DNS leads here. */
function delegating(...regions: readonly string[]) {
  return {
    delegated: async (name: string) => regions.some((region) => name.startsWith(`${region}.`)),
    fault: async () => undefined,
  };
}

function namesOf({ accountCertificates }: TemporaryStorage): readonly string[] {
  return accountCertificates
    .own()
    .map(({ name }) => name)
    .toSorted();
}

describe("the certificates of the platform's own names", () => {
  test("are the control plane's at first, and those of endpoints once DNS was asked", async () => {
    const { storage } = await openWorld();
    await using _storage = storage;
    const certificates = await PlatformCertificates.open(CONFIG, storage);
    assert.deepEqual(namesOf(storage), CONTROL);
    await certificates.refresh(delegating("nyc3"));
    assert.deepEqual(namesOf(storage), [
      "*.nyc3.cdn.spaces.example.net",
      ...CONTROL,
      "three.ams3.cdn.spaces.example.net",
    ]);
    await PlatformCertificates.open(CONFIG, storage);
    assert.equal(namesOf(storage).length, 4, "a restart changes nothing");
  });

  test("stay by name until a wildcard that takes their place was issued", async () => {
    const { storage } = await openWorld();
    await using _storage = storage;
    const certificates = await PlatformCertificates.open(CONFIG, storage);
    await certificates.refresh(delegating());
    const hosts = ["one.nyc3.cdn.spaces.example.net", "two.nyc3.cdn.spaces.example.net"];
    assert.deepEqual(
      namesOf(storage).filter((name) => name.includes("nyc3")),
      hosts,
    );
    await certificates.refresh(delegating("nyc3"));
    const wildcard = "*.nyc3.cdn.spaces.example.net";
    assert.deepEqual(
      namesOf(storage).filter((name) => name.includes("nyc3")),
      [wildcard, ...hosts],
    );
    const job = storage.certificateJobs
      .due(Number.MAX_SAFE_INTEGER, 10)
      .find(({ certificate }) => certificate.name === wildcard);
    const happened = { kind: "issued", message: "" } as const;
    const progress = { failures: 0, rotation: 0 };
    await storage.certificateJobs.issued(job?.certificate.id ?? "", ISSUED, progress, happened);
    await certificates.refresh(delegating("nyc3"));
    assert.deepEqual(
      namesOf(storage).filter((name) => name.includes("nyc3")),
      [wildcard],
    );
  });

  test("go with their endpoints", async () => {
    const { storage, accountId } = await openWorld();
    await using _storage = storage;
    const certificates = await PlatformCertificates.open(CONFIG, storage);
    await certificates.refresh(delegating());
    await storage.endpoints.delete(accountId, "three");
    await certificates.refresh(delegating());
    assert(!namesOf(storage).includes("three.ams3.cdn.spaces.example.net"));
  });

  test("are the local CA's affair where it is the CA", async () => {
    const { storage } = await openWorld();
    await using _storage = storage;
    const certificates = await PlatformCertificates.open(CONFIG, storage);
    await certificates.refresh(delegating());
    const local = await PlatformCertificates.open(LOCAL, storage);
    assert.deepEqual(namesOf(storage), []);
    await local.refresh(delegating());
    assert.deepEqual(namesOf(storage), []);
    assert.equal(local.has("spaces.example.net"), false);
  });
});
