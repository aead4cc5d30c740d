import assert from "node:assert/strict";
import { createPublicKey, X509Certificate } from "node:crypto";
import { before, describe, test } from "node:test";
import { type AcmeClient, AcmeError } from "#acme/acme.ts";
import { systemClock } from "#clock.ts";
import type { PebblePrograms } from "../clients/install.ts";
import { type Answers, dnsAnswers, startAlpnAnswers, startHttpAnswers } from "./answers.ts";
import { startChallengeDns } from "./challenge-dns.ts";
import { clientOf, memoryKeys, type Obtained, obtain } from "./client.ts";
import { startPebble } from "./pebble.ts";

const NAMES = ["shop.example.net", "www.shop.example.net"];
const PROFILES = {
  classic: { description: "90 days", validitySeconds: 90 * 86_400 },
  shortlived: { description: "160 hours", validitySeconds: 160 * 3_600 },
};
const DAY_MS = 86_400_000;

/** The client by itself, from the account to the revocation. */
export async function clientSuite(
  programs: PebblePrograms,
  stack: AsyncDisposableStack,
): Promise<void> {
  const answers = stack.use(await startHttpAnswers());
  const dns = await startChallengeDns(programs.challengeDns);
  stack.defer(() => dns.stop());
  const alpnAnswers = stack.use(await startAlpnAnswers());
  const hmacKey = Buffer.alloc(32, 7);
  const start = async (options: object) => {
    const pebble = await startPebble({
      program: programs.pebble,
      httpPort: answers.port,
      tlsPort: alpnAnswers.port,
      dnsServer: dns.address,
      profiles: PROFILES,
      blocked: ["blocked.example.net"],
      ...options,
    });
    stack.defer(() => pebble.stop());
    return pebble;
  };
  const pebble = await start({});
  const keys = memoryKeys();
  const open = () => clientOf({ ...pebble, keys, email: "operator@example.net" });

  describe("a certificate of Pebble's", () => {
    let client: AcmeClient;
    let obtained: Obtained;
    before(async () => {
      client = open();
      obtained = await obtain(client, NAMES, answers, { profile: "shortlived" });
    });

    test("is for the names and the key that were asked for", () => {
      const leaf = new X509Certificate(obtained.chain);
      assert.deepEqual(
        leaf.subjectAltName?.split(", ").toSorted(),
        NAMES.map((name) => `DNS:${name}`).toSorted(),
      );
      assert(leaf.publicKey.equals(createPublicKey(obtained.keyPem)));
    });

    test("has a chain that ends at Pebble's root", async () => {
      const root = new X509Certificate(await pebble.root());
      const chain = obtained.chain.split(/(?<=-----END CERTIFICATE-----\n)/).filter(Boolean);
      const certificates = [...chain.map((pem) => new X509Certificate(pem)), root];
      assert(certificates.length >= 3, "leaf, intermediate, root");
      for (const [index, issuer] of certificates.slice(1).entries()) {
        assert(certificates[index]?.checkIssued(issuer));
        assert(certificates[index]?.verify(issuer.publicKey));
      }
    });

    test("lasts as long as its profile says", () => {
      const { validFromDate, validToDate } = new X509Certificate(obtained.chain);
      const lifetimeMs = validToDate.getTime() - validFromDate.getTime();
      assert(Math.abs(lifetimeMs - 160 * 3_600_000) <= 1_000);
      assert.equal(obtained.order.profile, "shortlived");
    });

    test("has a window for its renewal, which says when to ask again", async () => {
      const window = await client.renewalWindow(obtained.chain);
      const { validToDate } = new X509Certificate(obtained.chain);
      assert(window !== undefined);
      assert(window.startAt < window.endAt && window.endAt < validToDate.getTime());
      const waitMs = window.retryAt - systemClock.now();
      assert(waitMs > 0 && waitMs <= DAY_MS);
    });

    test("has another window when the CA changes its mind", async () => {
      const suggestedWindow = { start: "2026-01-01T00:00:00Z", end: "2026-01-02T00:00:00Z" };
      await pebble.setRenewalInfo(obtained.chain, JSON.stringify({ suggestedWindow }));
      const window = await client.renewalWindow(obtained.chain);
      assert.equal(window?.startAt, Date.UTC(2026, 0, 1));
      assert.equal(window?.endAt, Date.UTC(2026, 0, 2));
    });

    test("is replaced once by name, and by any other order after that", async () => {
      const wishes = { profile: "shortlived", replaces: obtained.chain };
      await obtain(client, NAMES, answers, wishes);
      const again = await client.order(NAMES, wishes);
      assert.equal(again.status, "pending");
      for (const url of again.authorizations) {
        await client.deactivate(url);
        assert.equal((await client.readAuthorization(url)).status, "deactivated");
      }
    });

    test("is revoked, and revoked already the second time", async () => {
      await client.revoke(obtained.chain, 4);
      await client.revoke(obtained.chain, 4);
    });
  });

  for (const [answersOf, names] of [
    [alpnAnswers, ["alpn.example.net"]],
    [dnsAnswers(dns), ["dns.example.net", "*.dns.example.net"]],
  ] as const) {
    test(`a certificate of Pebble's is had by ${answersOf.type} for ${names.join(" and ")}`, async () => {
      const { chain } = await obtain(open(), names, answersOf);
      for (const name of names) assert(new X509Certificate(chain).checkHost(name) !== undefined);
    });
  }

  describe("an account at Pebble's", () => {
    test("is the same for another client with the same keys", async () => {
      const order = await open().order(["again.example.net"], {});
      assert.equal((await open().readOrder(order.url)).status, "pending");
    });

    test("is told of another address, and that there is none any more", async () => {
      for (const email of ["other@example.net", undefined, "operator@example.net"]) {
        await clientOf({ ...pebble, keys, email }).order(["told.example.net"], {});
        assert.equal((await keys.find(pebble.directory))?.email, email, "it took what was said");
      }
    });

    test("is found by its key when its URL was never kept", async () => {
      const order = await open().order(["lost.example.net"], {});
      const { keyPem } = (await keys.find(pebble.directory)) ?? { keyPem: "" };
      await keys.save(pebble.directory, { keyPem });
      assert.equal((await open().readOrder(order.url)).status, "pending");
    });

    test("is made anew, with the same key, at a CA that has forgotten it", async () => {
      const other = await start({});
      const url = `${new URL(other.directory).origin}/my-account/4711`;
      const { keyPem } = (await keys.find(pebble.directory)) ?? { keyPem: "" };
      await keys.save(other.directory, { keyPem, url });
      const order = await clientOf({ ...other, keys }).order(["anew.example.net"], {});
      assert.equal(order.status, "pending");
      assert.notEqual((await keys.find(other.directory))?.url, url);
    });

    test("is bound to one that was given out elsewhere, where the CA wants that", async () => {
      const bound = await start({ externalAccounts: { "kid-1": hmacKey.toString("base64url") } });
      await assert.rejects(clientOf(bound).order(["eab.example.net"], {}), {
        permanent: true,
        message: /external account/,
      });
      const externalAccount = { kid: "kid-1", hmacKey };
      const order = await clientOf({ ...bound, externalAccount }).order(["eab.example.net"], {});
      assert.equal(order.status, "pending");
    });
  });

  describe("what Pebble refuses", () => {
    test("for good is said in its words", async () => {
      await assert.rejects(open().order(["blocked.example.net"], {}), (error) => {
        assert(error instanceof AcmeError);
        assert.equal(error.problem?.type, "urn:ietf:params:acme:error:rejectedIdentifier");
        assert.match(error.message, /blocked\.example\.net/);
        return error.permanent;
      });
    });

    test("because a challenge was not answered stands in the authorization", async () => {
      const client = open();
      const mute: Answers = { type: "http-01", put: async () => {} };
      await assert.rejects(obtain(client, ["mute.example.net"], mute), /is invalid: .*404/);
    });

    test("before it is asked: a profile that it does not have", async () => {
      await assert.rejects(open().order(NAMES, { profile: "eternal" }), {
        permanent: true,
        message: 'The CA has no profile "eternal": it has classic, shortlived',
      });
    });

    test("is nothing of its own when it is not the CA that the file says", async () => {
      await assert.rejects(clientOf({ directory: pebble.directory }).order(NAMES, {}), {
        permanent: false,
        message: /^Cannot reach localhost:\d+: .*certificate/,
      });
    });
  });
}
