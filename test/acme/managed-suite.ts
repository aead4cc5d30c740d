import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { missing } from "../clients/edge/tool.ts";
import type { PebblePrograms } from "../clients/install.ts";
import { filesOf, secretsOf, told } from "../support/secrets.ts";
import { until } from "../support/until.ts";
import { createEndpoint, freshName, originOf, putObject } from "../support/world.ts";
import { certificatesOf, curl, shown, startWhole } from "./whole.ts";

const noCurl = await missing("curl");

/** The whole of Atoll, which obtains its certificates from Pebble by http-01. */
export function managedSuite(programs: PebblePrograms): void {
  describe("a managed certificate of Pebble's", () => {
    const stack = new AsyncDisposableStack();
    let world: Awaited<ReturnType<typeof startWhole>> & ReturnType<typeof certificatesOf>;
    before(async () => {
      const whole = await startWhole(programs, stack);
      world = { ...whole, ...certificatesOf(whole.atoll) };
    });
    after(() => stack.disposeAsync());

    test("is obtained by http-01, and curl has what is cached by it", {
      skip: noCurl,
    }, async () => {
      const { atoll, create, verified, story } = world;
      const custom_domain = "shop.example.net";
      const { id } = await create([custom_domain, "www.shop.example.net"]);
      const space = freshName();
      await createEndpoint(atoll, originOf(space), { custom_domain, certificate_id: id });
      await putObject(atoll, space, "a.txt", "served");
      await verified(id);
      await curl(world, custom_domain, "/a.txt");
      const again = await curl(world, custom_domain, "/a.txt");
      assert.match(again, /^HTTP\/2 200 [^]*^x-cache: HIT\r$[^]*\r\n\r\nserved$/im);
      assert.deepEqual([...new Set((await story(id)).map(({ kind }) => kind))].slice(0, 4), [
        "created",
        "ordered",
        "challenge",
        "issued",
      ]);
    });

    test("is obtained for whoever says needs-cloudflare-cert", async () => {
      const { atoll, tlsPort } = world;
      const custom_domain = "own.example.net";
      const members = { custom_domain, certificate_id: "needs-cloudflare-cert" };
      await createEndpoint(atoll, originOf(freshName()), members);
      const leaf = await until("it is shown", () => shown(tlsPort, custom_domain));
      assert.match(leaf.issuer, /Pebble/);
    });

    test("comes to an end, in the CA's words, where the CA does not issue for the name", async () => {
      const { create, get, retry, story } = world;
      const { id } = await create(["blocked.example.net"]);
      await until("it has failed", async () => (await get(id)).state === "error");
      const last = (await story(id)).at(-1);
      assert.equal(last?.kind, "given-up");
      assert.match(last?.message ?? "", /policy|blocked|forbid/i);
      assert.equal((await retry(id)).state, "pending");
      await until("it has failed again", async () => (await get(id)).state === "error");
    });

    test("that is deleted while it is obtained leaves nothing pending at the CA", async () => {
      const { atoll, proxy, create } = world;
      const halted = proxy.halt("/chalZ/", "before");
      const { id } = await create(["deleted.example.net"]);
      const { goOn } = await halted;
      const from = proxy.asked.length;
      assert.equal((await atoll.api("DELETE", `/v2/certificates/${id}`)).status, 204);
      const given = await until("it is given up", () =>
        proxy.asked.slice(from).find(({ payload }) => payload?.["status"] === "deactivated"),
      );
      await until("the CA has taken it", () => given.status === 200);
      goOn();
    });

    test("is obtained all the same when Atoll is killed again and again meanwhile", async () => {
      const { atoll, create, verified, story } = world;
      const ids: string[] = [];
      for (let n = 0; n < 5; n += 1) ids.push((await create([`kill-${n}.example.net`])).id);
      for (const kind of ["created", "ordered", "challenge"]) {
        await until(`one has come to "${kind}"`, async () => {
          const stories = await Promise.all(ids.map((id) => story(id)));
          return stories.some((events) => events.some((event) => event.kind === kind));
        });
        await atoll.kill();
        await atoll.start();
      }
      for (const id of ids) {
        await verified(id);
        const issued = (await story(id)).filter(({ kind }) => kind === "issued");
        assert.equal(issued.length, 1);
        const orders = (await story(id)).filter(({ kind }) => kind === "ordered");
        assert(orders.length <= 4, "one for each life at most");
      }
    });

    test("leaves no key of its own, and none of the account's, where somebody may read it", async () => {
      const { atoll } = world;
      const secrets = secretsOf(atoll.dataDir);
      assert([...secrets.keys()].some((what) => what.includes("acme_account")));
      assert([...secrets.keys()].some((what) => what.includes("account_certificate")));
      const said = filesOf(atoll.dataDir);
      said.set("its log", Buffer.from(atoll.output.stderr));
      for (const target of ["/metrics", "/v2/certificates", "/v2/cdn/endpoints"]) {
        said.set(target, (await atoll.api("GET", target)).body);
      }
      assert.deepEqual(told(said, secrets), []);
    });
  });
}
