import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { PebblePrograms } from "../clients/install.ts";
import { startAtoll } from "../support/atoll.ts";
import { exchange } from "../support/exchange.ts";
import { TOKEN } from "../support/program.ts";
import { until } from "../support/until.ts";
import { createEndpoint, putObject } from "../support/world.ts";
import { startChallengeDns } from "./challenge-dns.ts";
import { freePorts } from "./child.ts";
import { startPebble } from "./pebble.ts";

const DOMAIN = "platform.example";

/** A whole platform by name, whose certificates are Pebble's. */
export function platformSuite(programs: PebblePrograms): void {
  describe("a platform with a domain of its own", () => {
    const stack = new AsyncDisposableStack();
    let world: World;
    before(async () => {
      world = await openWorld(programs, stack);
    });
    after(() => stack.disposeAsync());

    test("answers by its names, on one port, with certificates of the CA", async () => {
      const { atoll, pebble } = world;
      const get = async (host: string, path: string, headers: Record<string, string> = {}) =>
        exchange(`${atoll.runtime.edge_tls}${path}`, {
          ca: await pebble.root(),
          servername: host,
          headers: { ...headers, host },
        }).catch(() => undefined);
      const authorization = `Bearer ${TOKEN}`;
      const account = await until(
        "the API answers",
        () => get(`api.${DOMAIN}`, "/v2/account", { authorization }),
        20_000,
      );
      assert.equal(account.status, 200);
      await until("the registry answers", () => get(`registry.${DOMAIN}`, "/v2/"), 20_000);
    });

    test("serves endpoints by the local CA until their wildcard is obtained", async () => {
      const { atoll } = world;
      await createEndpoint(atoll, `images.nyc3.spaces.${DOMAIN}`);
      await putObject(atoll, "images", "a.txt", "served");
      const host = `images.nyc3.cdn.spaces.${DOMAIN}`;
      const localCa = readFileSync(join(atoll.dataDir, "ca", "ca.pem"), "utf8");
      const get = (ca: string) =>
        exchange(`${atoll.runtime.edge_tls}/a.txt`, { ca, servername: host, headers: { host } });
      assert.equal((await get(localCa)).text, "served");
    });
  });
}

type World = Awaited<ReturnType<typeof openWorld>>;

async function openWorld(programs: PebblePrograms, stack: AsyncDisposableStack) {
  const [httpPort = 0, tlsPort = 0] = await freePorts(2);
  const dns = await startChallengeDns(programs.challengeDns);
  stack.defer(() => dns.stop());
  const { pebble: program } = programs;
  const pebble = await startPebble({ program, httpPort, tlsPort, dnsServer: dns.address });
  stack.defer(() => pebble.stop());
  const env = {
    ATOLL_DOMAIN: DOMAIN,
    ATOLL_HOST: "127.0.0.1",
    ATOLL_EDGE_PORT: String(httpPort),
    ATOLL_EDGE_TLS_PORT: String(tlsPort),
    ATOLL_ACME_DIRECTORY: pebble.directory,
    ATOLL_ACME_CA_FILE: pebble.caFile,
  };
  return { pebble, atoll: stack.use(await startAtoll({ env })) };
}
