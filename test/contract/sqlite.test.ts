import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, test } from "node:test";
import { PURGES_PER_ENDPOINT_MAX } from "#limits.ts";
import { readSnapshot } from "#sqlite/feed-source.ts";
import type { EdgeRow } from "#sqlite/rows.ts";
import { accountStoreContract } from "./account-store.ts";
import { endpointStoreContract } from "./endpoint-store.ts";
import { spaceStoreContract } from "./space-store.ts";
import { openTemporaryStorage, type TemporaryStorage } from "./temporary-storage.ts";

endpointStoreContract("SQLite", async () => {
  const storage = await openTemporaryStorage();
  return {
    ...storage,
    told: () => storage.records.map(({ number, kind }) => ({ number, kind })),
  };
});
accountStoreContract("SQLite", openTemporaryStorage);
spaceStoreContract("SQLite", openTemporaryStorage);

const toEdge = (row: EdgeRow) => ({
  id: row.id,
  space: row.name,
  region: row.region,
  domain: row.domain,
  ttl: row.ttl,
});

async function snapshotOf(storage: TemporaryStorage) {
  const endpoints: string[] = [];
  const purges: string[] = [];
  let number = -1;
  for await (const part of readSnapshot(storage.database, toEdge)) {
    if (part.kind === "end") number = part.number;
    else {
      endpoints.push(...part.endpoints.map(({ space }) => space));
      purges.push(...part.purges.map(({ pattern }) => pattern));
    }
  }
  return { endpoints, purges, number };
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
      number: second,
    });
    const everything = await storage.endpoints.purge(accountId, id, ["/*"]);
    assert.deepEqual(await snapshotOf(storage), {
      endpoints: ["images"],
      purges: ["/*"],
      number: everything,
    });
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
