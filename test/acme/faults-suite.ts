import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { describe, test } from "node:test";
import { AcmeError } from "#acme/acme.ts";
import { systemClock } from "#clock.ts";
import { formatHttpDate } from "#http/http-date.ts";
import type { PebblePrograms } from "../clients/install.ts";
import { inParallel } from "../support/until.ts";
import { startHttpAnswers } from "./answers.ts";
import { startChallengeDns } from "./challenge-dns.ts";
import { clientOf, obtain, persistently } from "./client.ts";
import { type Asked, startFaultyProxy } from "./faulty-proxy.ts";
import { startPebble } from "./pebble.ts";

const SEED = 4711;
const ORDERS = 200;
const AT_ONCE = 20;

/** What goes wrong between a CA and us, by a proxy of ours. */
export async function faultsSuite(
  programs: PebblePrograms,
  stack: AsyncDisposableStack,
): Promise<void> {
  const answers = stack.use(await startHttpAnswers());
  const dns = await startChallengeDns(programs.challengeDns);
  stack.defer(() => dns.stop());
  const pebble = await startPebble({
    program: programs.pebble,
    httpPort: answers.port,
    tlsPort: 1,
    dnsServer: dns.address,
  });
  stack.defer(() => pebble.stop());
  const proxy = stack.use(await startFaultyProxy(pebble, SEED));

  /** Answers what was asked meanwhile. */
  const obtainMany = async (label: string, count: number): Promise<readonly Asked[]> => {
    const before = proxy.asked.length;
    const client = clientOf(proxy);
    const names = Array.from({ length: count }, (_, index) => `${label}-${index}.example.net`);
    const chains = await inParallel(names, AT_ONCE, async (name) => {
      const { chain } = await obtain(client, [name], answers);
      return new X509Certificate(chain);
    });
    assert.deepEqual(
      chains.map(({ subjectAltName }) => subjectAltName),
      names.map((name) => `DNS:${name}`),
    );
    assert.equal(new Set(chains.map(({ serialNumber }) => serialNumber)).size, count);
    return proxy.asked.slice(before);
  };

  describe(`a CA that is reached badly (seed ${SEED})`, () => {
    test(`issues ${ORDERS} orders with half of all nonces refused, each asked for once`, async () => {
      proxy.set({ nonces: 50 });
      const asked = await obtainMany("nonce", ORDERS);
      const signed = asked.filter(({ method }) => method === "POST");
      const refused = signed.filter(({ fault }) => fault === "nonces").length;
      assert(Math.abs(refused / signed.length - 0.5) < 0.1, `${refused} of ${signed.length}`);
      const heard = (path: string): number =>
        signed.filter((one) => one.path === path && one.fault === undefined).length;
      assert.equal(heard("/order-plz"), ORDERS);
      assert.equal(heard("/sign-me-up"), 1);
    });

    test("issues all orders when connections are cut, before the CA hears and after it did", async () => {
      proxy.set({ nonces: 10, cutBefore: 10, cutAfter: 10 });
      const asked = await obtainMany("cut", 40);
      for (const fault of ["cutBefore", "cutAfter"]) {
        assert(asked.filter((one) => one.fault === fault).length > 10, fault);
      }
    });
  });

  for (const [status, how, retryAfter] of [
    [429, "seconds", () => "3"],
    [503, "a date", () => formatHttpDate(systemClock.now() + 4_000)],
  ] as const) {
    test(`a CA that answers ${status} is asked nothing before its time, in ${how}`, async () => {
      proxy.set({});
      const client = clientOf(proxy);
      await client.order([`before-${status}.example.net`], {});
      proxy.hold(status, retryAfter());
      await assert.rejects(client.order([`hold-${status}.example.net`], {}), AcmeError);
      const held = proxy.asked.at(-1);
      proxy.release();
      const asked = proxy.asked.length;
      const names = Array.from({ length: 20 }, (_, index) => `held-${status}-${index}.example.net`);
      await Promise.all(names.map((name) => persistently(() => client.order([name], {}))));
      const next = proxy.asked[asked];
      assert(held?.fault === "held" && next !== undefined);
      assert(next.at - held.at >= 3_000, `${next.at - held.at} ms`);
    });
  }
}
