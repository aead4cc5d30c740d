import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { PebblePrograms } from "../clients/install.ts";
import type { Asked } from "./faulty-proxy.ts";
import { certificatesOf, startWhole } from "./whole.ts";

/** Each request of an order, and where it goes at Pebble. What only reads is nothing to a CA. */
const KILLS = [
  ["before", "placing the order", "/order-plz"],
  ["after", "placing the order", "/order-plz"],
  ["before", "reading an authorization", "/authZ/"],
  ["before", "answering a challenge", "/chalZ/"],
  ["after", "answering a challenge", "/chalZ/"],
  ["before", "reading the order", "/my-order/"],
  ["before", "finalizing the order", "/finalize-order/"],
  ["after", "finalizing the order", "/finalize-order/"],
  ["before", "downloading the certificate", "/certZ/"],
  ["after", "downloading the certificate", "/certZ/"],
] as const;

/** `kill -9` between any two steps of an order, and the life after that. */
export function killSuite(programs: PebblePrograms): void {
  describe("an Atoll that is killed", () => {
    const stack = new AsyncDisposableStack();
    let world: Awaited<ReturnType<typeof startWhole>>;
    before(async () => {
      world = await startWhole(programs, stack);
    });
    after(() => stack.disposeAsync());

    let count = 0;
    for (const [when, step, path] of KILLS) {
      test(`${when} ${step} obtains one certificate in its next life`, async () => {
        const { atoll, proxy } = world;
        const { create, verified, story } = certificatesOf(atoll);
        count += 1;
        const from = proxy.asked.length;
        const halted = proxy.halt(path, when);
        const { id } = await create([`killed-${count}.example.net`]);
        const { goOn } = await halted;
        await atoll.kill();
        goOn();
        await atoll.start();
        const { sha1_fingerprint } = await verified(id);
        assert.match(sha1_fingerprint ?? "", /^[0-9a-f]{40}$/);
        const events = await story(id);
        assert.equal(events.filter(({ kind }) => kind === "issued").length, 1);
        assert(!events.some(({ kind }) => kind === "failed"), "nothing has failed for it");
        const asked = proxy.asked.slice(from);
        // Only the order whose URL never arrived is lost.
        const isOrderLost = path === "/order-plz" && when === "after";
        assert.equal(heard(asked, "/order-plz", 201), isOrderLost ? 2 : 1);
        assert.equal(heard(asked, "/finalize-order/", 200), 1, "the CA has issued once");
      });
    }
  });
}

/** What the CA has taken. */
function heard(asked: readonly Asked[], path: string, status: number): number {
  return asked.filter((one) => one.path.startsWith(path) && one.status === status).length;
}
