import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { Atoll } from "../../support/atoll.ts";
import { createEndpoint, freshName, hostOf, originOf, putObject } from "../../support/world.ts";
import { missing, type Ran, runTool } from "./tool.ts";

/** A name of the platform's own, in a region that no endpoint is of. */
const UNKNOWN_SNI = "files.ams9.cdn.spaces.localhost";
const PROTOCOLS = [
  { name: "HTTP/1.1", option: "--http1.1", version: "1.1" },
  { name: "HTTP/2", option: "--http2", version: "2" },
] as const;

/** What curl gets of the platform's edge, which has many names and certificates. */
export async function platformContract(atoll: Atoll): Promise<void> {
  const noCurl = await missing("curl");
  const port = new URL(atoll.runtime.edge_tls).port;

  describe("curl, at the platform's edge", { skip: noCurl }, () => {
    for (const { name, option, version } of PROTOCOLS) {
      const get = (host: string, ...args: readonly string[]) =>
        curl(atoll, `https://${host}:${port}/a.txt`, option, ...args);

      test(`gets an object by ${name} under both names of its endpoint`, async () => {
        const { hosts } = await served(atoll);
        for (const host of hosts) {
          const first = await get(host);
          assert.match(first.stdout, new RegExp(`^HTTP/${version} 200`, "m"));
          assert.match(first.stdout, /^contents$/m);
          assert.match((await get(host)).stdout, /^x-cache: HIT\r$/m);
        }
      });

      test(`is told 404 by ${name} for a Host that has no endpoint`, async () => {
        await served(atoll);
        const reply = await get(`${freshName("nobody")}.nyc3.cdn.spaces.localhost`);
        assert.match(reply.stdout, new RegExp(`^HTTP/${version} 404`, "m"));
      });

      test(`is told 421 by ${name} for a Host that the certificate is not for`, async () => {
        const { hosts } = await served(atoll);
        const [local = "", published = ""] = hosts;
        const reply = await get(local, "--header", `host: ${published}`);
        assert.match(reply.stdout, new RegExp(`^HTTP/${version} 421`, "m"));
      });

      test(`is told 405 by ${name} for what a Space does not do at its edge`, async () => {
        const { hosts } = await served(atoll);
        for (const method of ["PUT", "PROPFIND", "BREW"]) {
          const reply = await get(hosts[0] ?? "", "--request", method);
          assert.match(reply.stdout, new RegExp(`^HTTP/${version} 405`, "m"));
          assert.match(reply.stdout, /^allow: GET, HEAD/im);
        }
      });
    }

    test("is shown no certificate for a name that the platform does not have", async () => {
      for (const host of [UNKNOWN_SNI, "example.com"]) {
        const { code, stderr } = await curl(atoll, `https://${host}:${port}/`, "--http2");
        assert.equal(code, 35);
        assert.match(stderr, /unrecognized name/);
      }
    });
  });
}

/** An endpoint with an object; its hosts are the local one and DigitalOcean's. */
async function served(atoll: Atoll): Promise<{ readonly hosts: readonly string[] }> {
  const space = freshName("served");
  await createEndpoint(atoll, originOf(space));
  await putObject(atoll, space, "a.txt", "contents\n");
  return { hosts: [`${space}.nyc3.cdn.spaces.localhost`, hostOf(space)] };
}

/** Prints the head, then the content. */
async function curl(atoll: Atoll, url: string, ...args: readonly string[]): Promise<Ran> {
  const { hostname, port } = new URL(url);
  const ca = join(atoll.dataDir, "ca", "ca.pem");
  const base = ["--disable", "--silent", "--show-error", "--noproxy", "*", "--include"];
  const where = ["--resolve", `${hostname}:${port}:127.0.0.1`, "--cacert", ca];
  return runTool("curl", [...base, ...where, ...args, url]);
}
