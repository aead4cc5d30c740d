import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, test } from "node:test";
import { PURGES_PER_ENDPOINT_MAX } from "#limits.ts";
import { type EdgeView, readSnapshot, toEntries } from "#sqlite/feed-source.ts";
import { accountCertificateContract } from "./account-certificate-store.ts";
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
accountCertificateContract("SQLite", openTelling);
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
  challenge: ({ id }) => ({
    id,
    kind: "http-01",
    name: "static.example.com",
    token: id,
    keyAuthorization: "opened",
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
      purges.push(...part.purges.map(({ pattern, soft }) => (soft ? `soft ${pattern}` : pattern)));
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

  test("has the soft purges of what no later hard one has dropped", async () => {
    await using storage = await openTemporaryStorage();
    const { accountId, id } = await endpointIn(storage);
    const purge = (patterns: readonly string[], soft: boolean) =>
      storage.endpoints.purge(accountId, id, patterns, { soft });
    const kept = async () => (await snapshotOf(storage)).purges;
    await purge(["/a", "tag:t"], false);
    await purge(["/a", "/b", "tag:u"], true);
    assert.deepEqual(await kept(), ["/a", "tag:t", "soft /a", "soft /b", "soft tag:u"]);
    await purge(["/b", "tag:u"], false);
    assert.deepEqual(await kept(), ["/a", "tag:t", "soft /a", "/b", "tag:u"]);
    await purge(["/*"], true);
    assert.deepEqual(await kept(), ["/a", "tag:t", "/b", "tag:u", "soft /*"]);
    await purge(["/*"], false);
    assert.deepEqual(await kept(), ["/*"]);
  });

  test("is told of a purge as it was", async () => {
    await using storage = await openTemporaryStorage();
    const { accountId, id } = await endpointIn(storage);
    const soft = await storage.endpoints.purge(accountId, id, ["/a"], { soft: true });
    const hard = await storage.endpoints.purge(accountId, id, ["/a"]);
    assert.deepEqual(toEntries(storage.records.slice(1), view), [
      { number: soft, kind: "purge", id, patterns: ["/a"], soft: true },
      { number: hard, kind: "purge", id, patterns: ["/a"] },
    ]);
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

  test("has one hard purge of everything for the oldest soft ones past their limit, too", async () => {
    await using storage = await openTemporaryStorage();
    const { accountId, id } = await endpointIn(storage);
    const patterns = Array.from({ length: PURGES_PER_ENDPOINT_MAX + 1 }, (_, index) => `/${index}`);
    for (let from = 0; from < patterns.length; from += 500) {
      const some = patterns.slice(from, from + 500);
      await storage.endpoints.purge(accountId, id, some, { soft: true });
    }
    const { purges } = await snapshotOf(storage);
    assert.deepEqual([purges[0], purges.at(-1)], ["/*", "soft /2000"]);
  });
});
