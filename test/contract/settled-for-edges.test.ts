import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { describe, test } from "node:test";
import { RateLimiter } from "#api/rate-limit.ts";
import { EndpointService } from "#cdn/endpoint-service.ts";
import { systemClock } from "#clock.ts";
import type { EdgeEndpoint } from "#feed/entry.ts";
import { sealUnder } from "#seal.ts";
import { SpaceService } from "#space/space-service.ts";
import { readSnapshot, toEntries } from "#sqlite/feed-source.ts";
import { edgeView } from "../../src/edge-view.ts";
import { openTemporaryStorage } from "./temporary-storage.ts";

const SECRETS = ["first-secret-of-signed-urls", "second-secret-of-signed-urls"];

/** The services on a real storage, an endpoint of a Space, and what its edges are told of it. */
async function openWorld() {
  await using stack = new AsyncDisposableStack();
  const storage = stack.use(await openTemporaryStorage());
  const seal = sealUnder(randomBytes(32));
  const view = edgeView(seal, undefined);
  /** The entry with which each change was waited for: what edges had by the time of the reply. */
  const settled: (EdgeEndpoint | undefined)[] = [];
  const wait = async (number: number): Promise<void> => {
    const entries = toEntries(storage.records, view);
    const puts = entries.filter((entry) => entry.kind === "endpoint-put");
    settled.push(puts.findLast((entry) => entry.number <= number)?.endpoint);
  };
  const limits = { enforced: false, hour: 1, minute: 1, cdn: 1, purgeFiles: 50 };
  const endpoints = new EndpointService({
    store: storage.endpoints,
    feed: { settled: wait },
    ownNames: { ensure: async () => undefined },
    onCertificateDue: () => undefined,
    stored: { list: async () => ({ matches: [], total: 0, truncated: false }) },
    seal,
    limiter: new RateLimiter(limits, systemClock),
    clock: systemClock,
    spacesDomains: ["spaces.localhost"],
    platformDomains: [],
    strict: true,
    purgeFilesMax: 50,
  });
  const spaces = new SpaceService({
    store: storage.spaces,
    files: storage.files,
    seal,
    settled: wait,
    clock: systemClock,
  });
  const account = await storage.accounts.createAccount({
    uuid: randomUUID(),
    email: "owner@localhost",
    name: "owner",
    createdAt: 1,
  });
  assert(account !== "email-taken");
  const space = await spaces.create(account.id, { name: "images", region: "nyc3" });
  const create = () =>
    endpoints.create(account.id, { origin: "images.nyc3.spaces.localhost", ttl: 60 });
  const owned = stack.move();
  return {
    storage,
    endpoints,
    spaces,
    space,
    create,
    /** What the edges had by the time of the last reply. */
    told: () => settled.at(-1),
    purges: () => toEntries(storage.records, view).filter(({ kind }) => kind === "purge").length,
    /** What an edge that starts now is told. */
    snapshot: async () => {
      const found: EdgeEndpoint[] = [];
      for await (const part of readSnapshot(storage.database, view)) {
        if (part.kind === "part") found.push(...part.endpoints);
      }
      return found;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

describe("what is settled for an endpoint", () => {
  test("is at the edges before the reply, and at those that start later", async () => {
    await using world = await openWorld();
    const endpoint = await world.create();
    assert.equal(world.told()?.settings, undefined);
    const changes = {
      httpsRedirect: true,
      hsts: { maxAgeSeconds: 60, includeSubdomains: true },
      errorPage: "errors/404.html",
      compression: true,
      query: { mode: "only", names: ["w"] },
      signedUrls: { enabled: true },
    } as const;
    await world.endpoints.changeSettings(endpoint, changes, SECRETS);
    assert.deepEqual(world.told()?.settings, {
      httpsRedirect: true,
      hsts: { maxAgeSeconds: 60, includeSubdomains: true, preload: false },
      errorPage: "errors/404.html",
      compression: true,
      query: { kind: "only", names: ["w"] },
      signedUrls: { secrets: SECRETS },
    });
    assert.deepEqual(await world.snapshot(), [world.told()]);
    await world.endpoints.update(endpoint, { ttl: 600 });
    assert.deepEqual(
      [world.told()?.ttl, world.told()?.settings?.errorPage],
      [600, "errors/404.html"],
    );
    await world.endpoints.changeSettings(endpoint, { signedUrls: { enabled: false } });
    assert.equal(world.told()?.settings?.signedUrls, undefined);
    await world.endpoints.changeSettings(endpoint, { signedUrls: { enabled: true } });
    assert.deepEqual(world.told()?.settings?.signedUrls, { secrets: SECRETS });
  });

  test("has new secrets in the place of those before, and none once they are cleared", async () => {
    await using world = await openWorld();
    const endpoint = await world.create();
    const enable = { signedUrls: { enabled: true } };
    await world.endpoints.changeSettings(endpoint, enable, SECRETS);
    const third = ["third-secret-of-signed-urls"];
    const settings = await world.endpoints.changeSettings(endpoint, {}, third);
    assert.deepEqual(settings, { signedUrls: { enabled: true, secretCount: 1 } });
    assert.deepEqual(world.told()?.settings, { signedUrls: { secrets: third } });
    await world.endpoints.changeSettings(endpoint, { signedUrls: null });
    assert.equal(world.told()?.settings, undefined);
    await assert.rejects(world.endpoints.changeSettings(endpoint, enable), {
      id: "unprocessable_entity",
    });
  });

  test("keeps no secret where it can be read", async () => {
    await using world = await openWorld();
    const endpoint = await world.create();
    await world.endpoints.changeSettings(endpoint, { signedUrls: { enabled: true } }, SECRETS);
    assert(!JSON.stringify(world.storage.records).includes(SECRETS[0] ?? ""));
    for (const file of ["", "-wal"]) {
      const bytes = await readFile(world.storage.database + file);
      for (const secret of SECRETS) assert(!bytes.includes(secret), file);
    }
  });
});

describe("the rules of a Space for other origins", () => {
  const rule = {
    allowedOrigins: ["https://www.example.com"],
    allowedMethods: ["GET"],
    allowedHeaders: ["X-Odd"],
    exposeHeaders: ["ETag"],
    maxAgeSeconds: 60,
  } as const;

  test("are at the edges before the reply, for the endpoint that serves it", async () => {
    await using world = await openWorld();
    await world.create();
    assert.equal(world.told()?.cors, undefined);
    await world.spaces.changeCors(world.space, [rule]);
    assert.deepEqual(world.told()?.cors, [{ ...rule, allowedHeaders: ["x-odd"] }]);
    assert.deepEqual(await world.snapshot(), [world.told()]);
    await world.spaces.changeCors(world.space, undefined);
    assert.equal(world.told()?.cors, undefined);
  });

  test("purge what was stored with the origin's own fields, or without, and nothing when they change", async () => {
    await using world = await openWorld();
    await world.create();
    await world.spaces.changeCors(world.space, [rule]);
    assert.equal(world.purges(), 1);
    await world.spaces.changeCors(world.space, [rule, rule]);
    assert.equal(world.purges(), 1);
    await world.spaces.changeCors(world.space, undefined);
    assert.equal(world.purges(), 2);
  });

  test("are there for an endpoint that is made later", async () => {
    await using world = await openWorld();
    await world.spaces.changeCors(world.space, [rule]);
    assert.equal(world.told(), undefined);
    await world.create();
    assert.deepEqual(world.told()?.cors, [{ ...rule, allowedHeaders: ["x-odd"] }]);
  });
});
