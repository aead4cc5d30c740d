import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, test } from "node:test";
import { PURGES_PER_ENDPOINT_MAX } from "#limits.ts";
import { type EdgeView, readSnapshot } from "#sqlite/feed-source.ts";
import { accountStoreContract } from "./account-store.ts";
import { certificateStoreContract } from "./certificate-store.ts";
import { endpointStoreContract } from "./endpoint-store.ts";
import { spaceStoreContract } from "./space-store.ts";
import { openTemporaryStorage, type TemporaryStorage } from "./temporary-storage.ts";

async function openTelling() {
  const storage = await openTemporaryStorage();
  return {
    ...storage,
    told: () => storage.records.map(({ number, kind }) => ({ number, kind })),
  };
}

endpointStoreContract("SQLite", openTelling);
certificateStoreContract("SQLite", openTelling);
accountStoreContract("SQLite", openTemporaryStorage);
spaceStoreContract("SQLite", openTemporaryStorage);

const view: EdgeView = {
  endpoint: (row) => ({
    id: row.id,
    space: row.name,
    region: row.region,
    domain: row.domain,
    ttl: row.ttl,
  }),
  certificate: (row) => ({
    id: row.id,
    names: JSON.parse(row.names) as string[],
    certPem: row.chain,
    keyPem: "opened",
    notAfter: row.not_after,
  }),
};

async function snapshotOf(storage: TemporaryStorage) {
  const endpoints: string[] = [];
  const purges: string[] = [];
  const certificates: string[] = [];
  let number = -1;
  for await (const part of readSnapshot(storage.database, view)) {
    if (part.kind === "end") number = part.number;
    else {
      endpoints.push(...part.endpoints.map(({ space }) => space));
      purges.push(...part.purges.map(({ pattern }) => pattern));
      certificates.push(...part.certificates.map(({ names }) => names.join()));
    }
  }
  return { endpoints, purges, certificates, number };
}

async function endpointIn(storage: TemporaryStorage): Promise<{ accountId: number; id: string }> {
  const account = await storage.accounts.createAccount({
    uuid: randomUUID(),
    email: "owner@localhost",
    name: "owner",
    createdAt: 1,
  });
  assert(account !== "email-taken");
  const id = randomUUID();
  const origin = { name: "images", region: "nyc3", domain: "spaces.localhost" };
  const endpoint = { id, accountId: account.id, origin, ttl: 60, createdAt: 1 } as const;
  await storage.endpoints.create(endpoint, { strict: false });
  return { accountId: account.id, id };
}

describe("a snapshot of SQLite's feed", () => {
  test("is the state at its number: endpoints, and purges until one of everything", async () => {
    await using storage = await openTemporaryStorage();
    const { accountId, id } = await endpointIn(storage);
    await storage.endpoints.purge(accountId, id, ["/a", "/b"]);
    const second = await storage.endpoints.purge(accountId, id, ["/b"]);
    assert.deepEqual(await snapshotOf(storage), {
      endpoints: ["images"],
      purges: ["/a", "/b"],
      certificates: [],
      number: second,
    });
    const everything = await storage.endpoints.purge(accountId, id, ["/*"]);
    assert.deepEqual(await snapshotOf(storage), {
      endpoints: ["images"],
      purges: ["/*"],
      certificates: [],
      number: everything,
    });
  });

  test("has the certificates that are in service, more than a page of them", async () => {
    await using storage = await openTemporaryStorage();
    const ids = Array.from({ length: 1_001 }, (_, index) => `${index}.test`);
    const puts = ids.map((id) =>
      storage.certificates.put({
        id,
        names: [id],
        chain: "",
        sealedKey: new Uint8Array(1),
        notAfter: 1,
      }),
    );
    await Promise.all(puts);
    const number = await storage.certificates.delete("7.test");
    const snapshot = await snapshotOf(storage);
    assert.equal(snapshot.number, number);
    assert.deepEqual(
      snapshot.certificates,
      ids.filter((id) => id !== "7.test"),
    );
  });

  test("turns the oldest purges into one of everything past their limit", async () => {
    await using storage = await openTemporaryStorage();
    const { accountId, id } = await endpointIn(storage);
    const patterns = Array.from({ length: PURGES_PER_ENDPOINT_MAX }, (_, index) => `/${index}`);
    for (let from = 0; from < patterns.length; from += 50) {
      await storage.endpoints.purge(accountId, id, patterns.slice(from, from + 50));
    }
    await storage.endpoints.purge(accountId, id, ["/last"]);
    const { purges } = await snapshotOf(storage);
    assert(purges.length <= PURGES_PER_ENDPOINT_MAX, `${purges.length} are kept`);
    assert(purges.includes("/*") && purges.includes("/last"));
  });
});
