import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { missing } from "../clients/edge/tool.ts";
import type { PebblePrograms } from "../clients/install.ts";
import { exchange } from "../support/exchange.ts";
import { TOKEN } from "../support/program.ts";
import { until } from "../support/until.ts";
import { createEndpoint } from "../support/world.ts";
import { curl, shown, startWhole } from "./whole.ts";

const DOMAIN = "platform.example";
/** Endpoints of this region have a wildcard; elsewhere, one each. */
const DELEGATED = `nyc3.cdn.spaces.${DOMAIN}`;

const noCurl = await missing("curl");

/** A whole platform by name, whose certificates are Pebble's. */
export function platformSuite(programs: PebblePrograms): void {
  describe("a platform with a domain of its own", { skip: noCurl }, () => {
    const stack = new AsyncDisposableStack();
    let world: Awaited<ReturnType<typeof startWhole>>;
    before(async () => {
      world = await startWhole(programs, stack, {
        env: { ATOLL_DOMAIN: DOMAIN, ATOLL_HOST: "127.0.0.1" },
        delegationOf: (name) => (name === DELEGATED ? "ns" : undefined),
      });
    });
    after(() => stack.disposeAsync());

    const isPebbles = (host: string) =>
      until(`${host} has a certificate of the CA`, async () => {
        const leaf = await shown(world.tlsPort, host);
        return leaf?.issuer.includes("Pebble") === true && leaf;
      });

    test("answers by its names, on one port, with certificates of the CA", async () => {
      await isPebbles(`api.${DOMAIN}`);
      const authorization = `authorization: Bearer ${TOKEN}`;
      const account = await curl(world, `api.${DOMAIN}`, "/v2/account", "-H", authorization);
      assert.match(account, /^HTTP\/2 200 [^]*"account"/);
      await isPebbles(`registry.${DOMAIN}`);
      assert.match(await curl(world, `registry.${DOMAIN}`, "/v2/"), /^HTTP\/2 401 /);
    });

    for (const [region, space, names] of [
      ["nyc3", "images", `*.${DELEGATED}`],
      ["ams3", "videos", `videos.ams3.cdn.spaces.${DOMAIN}`],
    ] as const) {
      test(`serves endpoints of ${region} by the local CA until ${names} is obtained`, async () => {
        const { atoll, proxy } = world;
        const halted = proxy.halt("/finalize-order/", "before");
        await createEndpoint(atoll, `${space}.${region}.spaces.${DOMAIN}`);
        const host = `${space}.${region}.cdn.spaces.${DOMAIN}`;
        const object = `/atoll/v1/spaces/${region}/${space}/object?key=a.txt`;
        await atoll.operator("PUT", object, { raw: "served" });
        const { goOn } = await halted;
        const ca = readFileSync(join(atoll.dataDir, "ca", "ca.pem"), "utf8");
        const url = `${atoll.runtime.edge_tls}/a.txt`;
        const early = await exchange(url, { ca, servername: host, headers: { host } });
        assert.equal(early.text, "served");
        goOn();
        const leaf = await isPebbles(host);
        assert.equal(leaf.subjectAltName, `DNS:${names}`);
        const hit = await curl(world, host, "/a.txt");
        assert.match(hit, /^HTTP\/2 200 [^]*^x-cache: HIT\r$[^]*\r\n\r\nserved$/im);
      });
    }
  });
}
