import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import type { PebblePrograms } from "../clients/install.ts";
import { inParallel, until } from "../support/until.ts";
import { certificatesOf, startWhole } from "./whole.ts";

const SEED = 4712;
const AT_ONCE = 10;
const HOLD_SECONDS = 5;
const ALL_MS_MAX = 300_000;

/** The whole of Atoll, and a CA that it reaches badly: what no client of a CA may lose. */
export function badCaSuite(programs: PebblePrograms, orders: number): void {
  describe(`an Atoll whose CA is reached badly (seed ${SEED})`, () => {
    const stack = new AsyncDisposableStack();
    let world: Awaited<ReturnType<typeof startWhole>> & ReturnType<typeof certificatesOf>;
    before(async () => {
      const whole = await startWhole(programs, stack, { seed: SEED });
      world = { ...whole, ...certificatesOf(whole.atoll) };
    });
    after(() => stack.disposeAsync());
    afterEach(() => world.proxy.set({}));

    const createMany = (label: string, count: number): Promise<string[]> =>
      inParallel(Array.from({ length: count }), AT_ONCE, async (_, index) => {
        const { id } = await world.create([`${label}-${index}.example.net`]);
        return id;
      });
    const allVerified = (ids: readonly string[]) =>
      until(
        "all are verified",
        async () => {
          const all = await Promise.all(ids.map((id) => world.get(id)));
          return all.every(({ state }) => state === "verified");
        },
        ALL_MS_MAX,
      );
    const failuresOf = async (ids: readonly string[]) => {
      const stories = await Promise.all(ids.map((id) => world.story(id)));
      return stories.map((events) => events.filter(({ kind }) => kind === "failed"));
    };

    test(`obtains ${orders} certificates with half of all nonces refused, each ordered once`, async () => {
      const { proxy } = world;
      proxy.set({ nonces: 50 });
      const ids = await createMany("nonce", orders);
      await allVerified(ids);
      const signed = proxy.asked.filter(({ method }) => method === "POST");
      const refused = signed.filter(({ fault }) => fault === "nonces").length;
      assert(Math.abs(refused / signed.length - 0.5) < 0.1, `${refused} of ${signed.length}`);
      const taken = signed.filter(({ path, status }) => path === "/order-plz" && status === 201);
      assert.equal(taken.length, orders);
      assert.deepEqual((await failuresOf(ids)).flat(), []);
    });

    test("asks nothing before the time that a 429 has said, and obtains all after it", async () => {
      const { proxy } = world;
      const from = proxy.asked.length;
      proxy.hold(429, String(HOLD_SECONDS));
      const ids = await createMany("held", AT_ONCE);
      await until("all know", async () => (await failuresOf(ids)).every((all) => all.length > 0));
      proxy.release();
      await allVerified(ids);
      const asked = proxy.asked.slice(from);
      const held = asked.filter(({ fault }) => fault === "held");
      const next = asked.find(({ fault }) => fault === undefined);
      assert(held.length > 0 && held.length <= AT_ONCE, `${held.length} held`);
      const waitedMs = (next?.at ?? 0) - (held.at(-1)?.at ?? Infinity);
      assert(waitedMs >= HOLD_SECONDS * 1_000, `${waitedMs} ms`);
    });

    test("obtains all when connections are cut, before the CA hears and after it did", async () => {
      const { proxy, retry, get } = world;
      const from = proxy.asked.length;
      proxy.set({ nonces: 10, cutBefore: 10, cutAfter: 10 });
      const ids = await createMany("cut", 20);
      const verifiedAll = allVerified(ids);
      // Nobody waits a minute here: what has failed is asked for again.
      const asking = setInterval(() => void retryFailed().catch(() => undefined), 500);
      const retryFailed = async () => {
        for (const id of ids) {
          const failures = (await failuresOf([id]))[0] ?? [];
          if (failures.length > 0 && (await get(id)).state !== "verified") await retry(id);
        }
      };
      await verifiedAll.finally(() => clearInterval(asking));
      const cut = proxy.asked.slice(from);
      for (const fault of ["cutBefore", "cutAfter"]) {
        assert(cut.filter((one) => one.fault === fault).length > 10, fault);
      }
      const stories = await Promise.all(ids.map((id) => world.story(id)));
      for (const events of stories) {
        assert.equal(events.filter(({ kind }) => kind === "issued").length, 1);
      }
    });
  });
}
