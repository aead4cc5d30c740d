import assert from "node:assert/strict";
import type { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, describe, test } from "node:test";
import { connect } from "node:tls";
import type { PebblePrograms } from "../clients/install.ts";
import { type Atoll, startAtoll } from "../support/atoll.ts";
import { exchange } from "../support/exchange.ts";
import { until } from "../support/until.ts";
import { createEndpoint, freshName, originOf, putObject } from "../support/world.ts";
import { startChallengeDns } from "./challenge-dns.ts";
import { freePorts } from "./child.ts";
import { startPebble } from "./pebble.ts";

const LIST = "/v2/certificates";
const OBTAINED_MS_MAX = 20_000;

/** The whole of Atoll, which obtains its certificates from Pebble. */
export function managedSuite(programs: PebblePrograms): void {
  describe("a managed certificate of Pebble's", () => {
    const stack = new AsyncDisposableStack();
    let world: World;
    before(async () => {
      world = await openWorld(programs, stack);
    });
    after(() => stack.disposeAsync());

    test("is obtained by http-01, and serves an endpoint by a chain that leads to its root", async () => {
      const { atoll, pebble, create, verified, story } = world;
      const custom_domain = "shop.example.net";
      const { id } = await create([custom_domain, "www.shop.example.net"]);
      const space = freshName();
      await createEndpoint(atoll, originOf(space), { custom_domain, certificate_id: id });
      await putObject(atoll, space, "a.txt", "served");
      await verified(id);
      const { status, text } = await exchange(`${atoll.runtime.edge_tls}/a.txt`, {
        ca: await pebble.root(),
        servername: custom_domain,
        headers: { host: custom_domain },
      });
      assert.deepEqual([status, text], [200, "served"]);
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
      const leaf = await until("it is shown", () => shown(tlsPort, custom_domain), OBTAINED_MS_MAX);
      assert.match(leaf.issuer, /Pebble/);
    });

    test("comes to an end, in the CA's words, where the CA does not issue for the name", async () => {
      const { atoll, create, get, story } = world;
      const { id } = await create(["blocked.example.net"]);
      await until("it has failed", async () => (await get(id)).state === "error", OBTAINED_MS_MAX);
      const last = (await story(id)).at(-1);
      assert.equal(last?.kind, "given-up");
      assert.match(last?.message ?? "", /policy|blocked|forbid/i);
      const retried = await atoll.api("POST", `${LIST}/${id}/retry`);
      assert.equal(retried.json.certificate.state, "pending");
      await until("it has failed again", async () => (await get(id)).state === "error");
    });

    test("is renewed in a window that has begun: id, name and endpoint stay", async () => {
      const { atoll, pebble, tlsPort, create, get, verified } = world;
      const custom_domain = "window.example.net";
      const { id } = await create([custom_domain]);
      const members = { custom_domain, certificate_id: id };
      await createEndpoint(atoll, originOf(freshName()), members);
      const first = await verified(id);
      const suggestedWindow = { start: "2026-01-01T00:00:00Z", end: "2026-01-02T00:00:00Z" };
      const leaf = await until("it is shown", () => shown(tlsPort, custom_domain));
      await pebble.setRenewalInfo(leaf.toString(), JSON.stringify({ suggestedWindow }));
      await atoll.stop();
      makeDue(atoll);
      await atoll.start();
      const renewed = await until(
        "it is renewed",
        async () => {
          const now = await get(id);
          return now.sha1_fingerprint !== first.sha1_fingerprint && now;
        },
        OBTAINED_MS_MAX,
      );
      assert.equal(renewed.name, first.name);
      const next = await until("it is shown", () => shown(tlsPort, custom_domain));
      assert.equal(next.fingerprint.replaceAll(":", "").toLowerCase(), renewed.sha1_fingerprint);
      assert.match(pebble.output(), /replace/i);
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
  });
}

type World = Awaited<ReturnType<typeof openWorld>>;

async function openWorld(programs: PebblePrograms, stack: AsyncDisposableStack) {
  const [httpPort = 0, tlsPort = 0] = await freePorts(2);
  const dns = await startChallengeDns(programs.challengeDns);
  stack.defer(() => dns.stop());
  const pebble = await startPebble({
    program: programs.pebble,
    httpPort,
    tlsPort,
    dnsServer: dns.address,
    blocked: ["blocked.example.net"],
  });
  stack.defer(() => pebble.stop());
  const env = {
    ATOLL_EDGE_PORT: String(httpPort),
    ATOLL_EDGE_TLS_PORT: String(tlsPort),
    ATOLL_EDGE_WORKERS: "2",
    ATOLL_ACME_DIRECTORY: pebble.directory,
    ATOLL_ACME_CA_FILE: pebble.caFile,
  };
  const atoll = stack.use(await startAtoll({ env }));
  return { atoll, pebble, tlsPort, ...certificatesOf(atoll) };
}

function certificatesOf(atoll: Atoll) {
  const get = async (id: string) => (await atoll.api("GET", `${LIST}/${id}`)).json.certificate;
  return {
    get,
    create: async (dns_names: readonly string[]) => {
      const body = { name: freshName("managed"), type: "lets_encrypt", dns_names };
      const { status, json, text } = await atoll.api("POST", LIST, { body });
      assert.equal(status, 201, text);
      return json.certificate;
    },
    verified: (id: string) =>
      until(
        "it is verified",
        async () => {
          const certificate = await get(id);
          return certificate.state === "verified" && certificate;
        },
        OBTAINED_MS_MAX,
      ),
    story: async (id: string) => (await atoll.api("GET", `${LIST}/${id}/events`)).json.events,
  };
}

/** As if the CA's word had grown old. */
function makeDue({ dataDir }: Atoll): void {
  using db = new DatabaseSync(join(dataDir, "atoll.db"));
  db.exec("UPDATE certificate_job SET due_at = 0, renewal = NULL WHERE due_at IS NOT NULL");
}

/** What the edge shows for a name; `undefined` when it shows none. */
async function shown(port: number, servername: string): Promise<X509Certificate | undefined> {
  const socket = connect({ port, host: "127.0.0.1", servername, rejectUnauthorized: false });
  try {
    await once(socket, "secureConnect");
    return socket.getPeerX509Certificate();
  } catch {
    return undefined; // The alert that says that there is none.
  } finally {
    socket.destroy();
  }
}
