import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Atoll } from "../support/atoll.ts";
import { createToken, freshName, hostOf, originOf, putObject } from "../support/world.ts";
import type { ClientKind } from "./client.ts";

/** The servers that every client is tried against. */
export interface Platform {
  readonly atoll: Atoll;
  /** A token of an account with nothing in it, for what is made on the way. */
  readonly token: string;
  /** A token of an account that has `manyTotal` endpoints. */
  readonly many: string;
  readonly manyTotal: number;
  /** Answers 429 to more than two CDN requests in ten seconds. */
  readonly limited: Atoll;
}

/** What a person does with a client, and each failure that a person meets. */
export function clientContract(kind: ClientKind, platform: Platform): void {
  const { atoll } = platform;
  const open = (token = platform.token) => kind.open({ url: atoll.url, token });

  describe(kind.name, () => {
    test("creates an endpoint, gets it, flushes it and deletes it", async () => {
      await using client = await open();
      const space = freshName("client");
      const created = await client.create(originOf(space), 600);
      assert.equal(created.origin, originOf(space));
      assert.equal(created.ttl, 600);
      assert.deepEqual(await client.get(created.id), created);

      await putObject(atoll, space, "a.txt", "a", { account: "client@example.test" });
      const states = [];
      for (const files of [[], [], ["a.txt"], ["*"]]) {
        if (files.length > 0) await client.flush(created.id, files);
        states.push((await atoll.edge(hostOf(space), "/a.txt")).headers["x-cache"]);
      }
      assert.deepEqual(states, ["MISS", "HIT", "MISS", "MISS"]);

      await client.delete(created.id);
      await assert.rejects(client.get(created.id), /could not be found/);
    });

    test("lists every endpoint, over several pages", async () => {
      await using client = await open(platform.many);
      const listed = await client.list();
      assert.equal(new Set(listed.map(({ id }) => id)).size, platform.manyTotal);
    });

    test("changes a lifetime", async (t) => {
      await using client = await open();
      if (client.update === undefined) return t.skip("this client has no update");
      const { id } = await client.create(originOf(freshName("client")), 3_600);
      assert.equal((await client.update(id, 60)).ttl, 60);
      assert.equal((await client.get(id)).ttl, 60);
    });

    test("sets a custom domain and clears it", async (t) => {
      await using client = await open();
      if (client.clearDomain === undefined) return t.skip("this client has no update");
      const { id } = await client.create(originOf(freshName("client")), 3_600);
      const domain = `${freshName("www")}.client.example`;
      if (client.setDomain === undefined) {
        await atoll.api("PUT", `/v2/cdn/endpoints/${id}`, {
          token: platform.token,
          body: { custom_domain: domain },
        });
      } else assert.equal((await client.setDomain(id, domain)).customDomain, domain);
      assert.equal((await client.get(id)).customDomain, domain);
      assert.equal((await client.clearDomain(id)).customDomain ?? "", "");
      assert.equal((await client.get(id)).customDomain ?? "", "");
    });

    test("is told that its token is not known", async () => {
      await using client = await open(`dop_v1_${"0".repeat(64)}`);
      await assert.rejects(client.list(), /Unable to authenticate you/);
    });

    test("is told that its token lacks the scope", async () => {
      const { secret } = await createToken(atoll, { scopes: ["cdn:read"] });
      await using client = await open(secret);
      await assert.rejects(client.create(originOf(freshName()), 600), /do not have permission/);
    });

    test("is told that an id is not known", async () => {
      await using client = await open();
      const unknown = "19f06b6a-3ace-4315-b086-499a0e521b76";
      await assert.rejects(client.delete(unknown), /could not be found/);
      await assert.rejects(client.flush(unknown, ["*"]), /could not be found/);
    });

    test("is told that an origin is taken, and that one is invalid", async () => {
      await using client = await open();
      const origin = originOf(freshName("taken"));
      await client.create(origin, 600);
      await assert.rejects(client.create(origin, 600), /cdn already enabled/);
      await assert.rejects(client.create(`https://${origin}`, 600), /invalid origin/);
    });

    test(`${kind.whenLimited} when it is over the rate limit`, async () => {
      const { secret } = await createToken(platform.limited);
      await using client = await kind.open({ url: platform.limited.url, token: secret });
      await client.list();
      await client.list();
      const startedAt = performance.now();
      if (kind.whenLimited === "fails") {
        await assert.rejects(client.list(), /API rate limit exceeded/);
        return;
      }
      assert.deepEqual(await client.list(), []);
      const waitedMs = performance.now() - startedAt;
      assert(waitedMs > 3_000 && waitedMs < 15_000, `${waitedMs} ms`);
    });
  });
}
