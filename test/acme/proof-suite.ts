import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { missing } from "../clients/edge/tool.ts";
import type { PebblePrograms } from "../clients/install.ts";
import { until } from "../support/until.ts";
import { createEndpoint, freshName, originOf, putObject } from "../support/world.ts";
import { certificatesOf, curl, startWhole, type Whole } from "./whole.ts";

const noCurl = await missing("curl");

/** A name behind a firewall that lets nobody through to port 80, and DNS that is delegated to Atoll. */
export function proofSuite(programs: PebblePrograms): void {
  describe("a name whose port 80 nobody reaches", { skip: noCurl }, () => {
    const stack = new AsyncDisposableStack();
    let world: Whole;
    before(async () => {
      world = await startWhole(programs, stack, {
        isPort80Closed: true,
        env: { ATOLL_ACME_DNS_ZONE: "acme.example.org" },
        delegationOf: (name) => {
          if (name === "ns.example.net") return "ns";
          return name === "cname.example.net" ? { cname: `${name}.acme.example.org` } : undefined;
        },
      });
    });
    after(() => stack.disposeAsync());

    /** An endpoint with that domain and certificate: its object is stored by the first request. */
    const servesFromCache = async (custom_domain: string, certificate_id: string) => {
      const { atoll } = world;
      const space = freshName();
      await createEndpoint(atoll, originOf(space), { custom_domain, certificate_id });
      await putObject(atoll, space, "a.txt", "served");
      await curl(world, custom_domain, "/a.txt");
      const again = await curl(world, custom_domain, "/a.txt");
      assert.match(again, /^HTTP\/2 200 /);
      assert.match(again, /^x-cache: HIT\r$/im);
      assert.match(again, /\r\n\r\nserved$/);
    };

    test("is proved by tls-alpn-01 when http-01 has failed", async () => {
      const { create, verified, story, retry } = certificatesOf(world.atoll);
      const { id } = await create(["alpn.example.net"]);
      const failed = await until("http-01 has failed", async () =>
        (await story(id)).find(({ kind }) => kind === "failed"),
      );
      assert.match(failed.message ?? "", /^alpn\.example\.net: http-01: .*; again on /);
      await retry(id);
      await verified(id);
      const challenges = (await story(id)).filter(({ kind }) => kind === "challenge");
      assert.deepEqual(
        challenges.map(({ message }) => message),
        ["http-01 for alpn.example.net", "tls-alpn-01 for alpn.example.net"],
      );
      await servesFromCache("alpn.example.net", id);
    });

    for (const [name, how] of [
      ["ns.example.net", "an NS record"],
      ["cname.example.net", "a CNAME into its zone"],
    ] as const) {
      test(`is proved by dns-01 together with its wildcard, where ${how} leads to Atoll`, async () => {
        const { create, verified, story } = certificatesOf(world.atoll);
        const { id } = await create([name, `*.${name}`]);
        await verified(id);
        const challenges = (await story(id)).filter(({ kind }) => kind === "challenge");
        assert.deepEqual(challenges.map(({ message }) => message ?? "").toSorted(), [
          `dns-01 for *.${name}`,
          `dns-01 for ${name}`,
        ]);
        await servesFromCache(name, id);
        await servesFromCache(`www.${name}`, id);
      });
    }

    test("has no wildcard where DNS is not delegated, and is told what to set up", async () => {
      const { status, json } = await world.atoll.api("POST", "/v2/certificates", {
        body: { name: freshName(), type: "lets_encrypt", dns_names: ["*.other.example.net"] },
      });
      assert.equal(status, 422);
      assert.match(json.message, /make _acme-challenge\.other\.example\.net an NS record of /);
      assert.match(json.message, /or a CNAME to other\.example\.net\.acme\.example\.org/);
    });
  });
}
