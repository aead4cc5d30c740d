import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { openAuthority } from "../support/certificates.ts";
import { until } from "../support/until.ts";
import { freshName, originOf } from "../support/world.ts";
import type { Platform } from "./contract.ts";
import { DoctlHome } from "./doctl.ts";

interface GodoCertificate {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  readonly type: string;
  readonly dns_names: readonly string[];
  readonly not_after?: string;
}

interface GodoEndpoint {
  readonly id: string;
  readonly certificate_id: string;
}

/** `doctl compute certificate`, and certificates of `doctl compute cdn`. */
export function doctlCertificates(program: string, { atoll, token }: Platform): void {
  const openDoctl = () => {
    const home = new DoctlHome(program);
    const run = (...args: readonly string[]): Promise<string> =>
      home.run(["compute", ...args], {
        DIGITALOCEAN_API_URL: atoll.url,
        DIGITALOCEAN_ACCESS_TOKEN: token,
      });
    return {
      run,
      one: async <T = GodoCertificate>(...args: readonly string[]): Promise<T> => {
        const parsed = JSON.parse(await run(...args, "--output", "json")) as T | readonly [T];
        return Array.isArray(parsed) ? (parsed[0] as T) : (parsed as T);
      },
      [Symbol.dispose]: () => home[Symbol.dispose](),
    };
  };
  /** Uploads a new certificate for these names, as doctl reads it from files. */
  const upload = async (doctl: ReturnType<typeof openDoctl>, ...names: readonly string[]) => {
    await using authority = await openAuthority();
    const { cert, key } = await authority.filesOf(await authority.issue(...names));
    const files = ["--private-key-path", key, "--leaf-certificate-path", cert];
    const chain = ["--certificate-chain-path", cert];
    // Awaited: the files go with the authority.
    return await doctl.one(
      "certificate",
      "create",
      "--name",
      freshName("doctl"),
      ...files,
      ...chain,
    );
  };

  describe("doctl compute certificate", () => {
    test("uploads a certificate, shows it, lists it and deletes it", async () => {
      using doctl = openDoctl();
      const { id, name, state, dns_names } = await upload(doctl, "doctl.example.com");
      assert.deepEqual([state, dns_names], ["verified", ["doctl.example.com"]]);
      assert.equal((await doctl.one("certificate", "get", id)).name, name);
      const listed = await doctl.run("certificate", "list", "--format", "Name", "--no-header");
      assert(listed.split("\n").includes(name));
      await doctl.run("certificate", "delete", id, "--force");
      await assert.rejects(doctl.one("certificate", "get", id), /could not be found/);
    });

    test("has one obtained, which is pending first", async () => {
      using doctl = openDoctl();
      const name = freshName("doctl");
      const names = ["--dns-names", "managed.example.com,*.example.com"];
      const type = ["--type", "lets_encrypt"];
      const made = await doctl.one("certificate", "create", "--name", name, ...type, ...names);
      assert.deepEqual([made.state, made.not_after], ["pending", undefined]);
      await until("it is verified", async () => {
        const found = await doctl.one("certificate", "get", made.id);
        return found.state === "verified" && found.not_after !== undefined;
      });
    });
  });

  describe("doctl compute cdn", () => {
    test("attaches a certificate with its domain, and replaces it", async () => {
      using doctl = openDoctl();
      const domain = `${freshName("doctl")}.example.com`;
      const [first, second] = [await upload(doctl, domain), await upload(doctl, domain)];
      const attached = ["--domain", domain, "--certificate-id"] as const;
      const origin = originOf(freshName("doctl"));
      const create = ["cdn", "create", origin, ...attached, first.id];
      const endpoint = await doctl.one<GodoEndpoint>(...create);
      assert.equal(endpoint.certificate_id, first.id);
      const early = doctl.run("certificate", "delete", first.id, "--force");
      await assert.rejects(early, /not in use before deleting it/);
      await doctl.run("cdn", "update", endpoint.id, ...attached, second.id);
      await doctl.run("certificate", "delete", first.id, "--force");
      await doctl.run("cdn", "update", endpoint.id, ...attached, "needs-cloudflare-cert");
      const shown = await doctl.run("cdn", "get", endpoint.id, "--output", "json");
      assert.match(shown, /"needs-cloudflare-cert"/);
    });
  });
}
