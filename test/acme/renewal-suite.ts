import assert from "node:assert/strict";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import { connect } from "node:tls";
import { certificateId } from "#x509/certificate-id.ts";
import type { PebblePrograms } from "../clients/install.ts";
import { inParallel, until } from "../support/until.ts";
import { createEndpoint, freshName, originOf, putObject } from "../support/world.ts";
import { certificatesOf, makeDue, shown, startWhole } from "./whole.ts";

const LANES = 8;
/** With every processor busy with handshakes. */
const RENEWED_MS_MAX = 120_000;
const PAST = { start: "2026-01-01T00:00:00Z", end: "2026-01-02T00:00:00Z" };

/** A certificate under load: while it is obtained, and while it is replaced. */
export function renewalSuite(programs: PebblePrograms, handshakes: number): void {
  describe("a certificate that many ask for", () => {
    const stack = new AsyncDisposableStack();
    let world: Awaited<ReturnType<typeof startWhole>>;
    before(async () => {
      world = await startWhole(programs, stack);
    });
    after(() => stack.disposeAsync());

    const domain = "busy.example.net";
    const orders = () => world.proxy.asked.filter(({ path }) => path === "/order-plz");

    test("is ordered once, however many handshakes there are before it is issued", async () => {
      const { atoll, proxy, tlsPort } = world;
      const halted = proxy.halt("/finalize-order/", "before");
      const members = { custom_domain: domain, certificate_id: "needs-cloudflare-cert" };
      await createEndpoint(atoll, originOf("busy"), members);
      await putObject(atoll, "busy", "a.txt", "served");
      const { goOn } = await halted;
      const early = await inParallel(Array.from({ length: 1_000 }), 250, () =>
        shown(tlsPort, domain),
      );
      assert(early.every((certificate) => certificate === undefined));
      goOn();
      await until("it is shown", () => shown(tlsPort, domain));
      assert.equal(orders().length, 1);
    });

    test("is not ordered for names that nobody has", async () => {
      const { atoll, proxy, tlsPort } = world;
      const from = proxy.asked.length;
      const names = Array.from({ length: 200 }, (_, index) => `unknown-${index}.example.net`);
      const seen = await inParallel(names, LANES, (name) => shown(tlsPort, name));
      assert(seen.every((certificate) => certificate === undefined));
      // Whatever those would have set off comes before an order that is asked for now.
      const { create, verified } = certificatesOf(atoll);
      await verified((await create(["known.example.net"])).id);
      const ordered = orders().slice(-(orders().length - 1));
      assert.deepEqual(
        ordered.map(({ payload }) => payload?.["identifiers"]),
        [[{ type: "dns", value: "known.example.net" }]],
      );
      assert(proxy.asked.length > from);
    });

    test(`is replaced in the CA's window, at the cost of none of ${handshakes} handshakes`, async () => {
      const { atoll, pebble, proxy, tlsPort } = world;
      const { create, get, verified } = certificatesOf(atoll);
      const host = "window.example.net";
      const { id } = await create([host]);
      const first = await verified(id);
      const members = { custom_domain: host, certificate_id: id };
      const space = freshName();
      await createEndpoint(atoll, originOf(space), members);
      await putObject(atoll, space, "a.txt", "served");
      const leaf = await until("it is shown", () => shown(tlsPort, host));
      const suggestedWindow = PAST;
      await pebble.setRenewalInfo(leaf.toString(), JSON.stringify({ suggestedWindow }));
      await atoll.stop();
      makeDue(atoll);
      const halted = proxy.halt("/finalize-order/", "before");
      await atoll.start();
      const { goOn } = await halted;
      const ca = await pebble.root();
      const seen = new Map<string, number>();
      const ask = async (): Promise<void> => {
        const fingerprint = await askOver({ port: tlsPort, host, ca });
        seen.set(fingerprint, (seen.get(fingerprint) ?? 0) + 1);
      };
      const half = Array.from({ length: handshakes / 2 });
      await inParallel(half, LANES, ask);
      const rest = inParallel(half, LANES, ask);
      goOn();
      const renewal = until(
        "it is renewed",
        async () => {
          const now = await get(id);
          return now.sha1_fingerprint !== first.sha1_fingerprint && now;
        },
        RENEWED_MS_MAX,
      );
      const [renewed] = await Promise.all([renewal, rest]);
      await inParallel(half.slice(0, LANES), LANES, ask);
      assert.deepEqual(
        [...seen.keys()],
        [first, renewed].map((one) => one.sha1_fingerprint),
      );
      const { name, dns_names, state } = first;
      assert.deepEqual({ ...first, ...renewed, name, dns_names, state }, renewed);
      const order = orders().at(-1);
      assert.equal(order?.payload?.["replaces"], certificateId(leaf.toString()));
      assert.equal(order?.status, 201);
    });
  });
}

/** A new connection, a request on it and its answer. @returns the SHA-1 of what was shown */
async function askOver(to: { port: number; host: string; ca: string }): Promise<string> {
  const { port, host, ca } = to;
  const socket = connect({ port, host: "127.0.0.1", servername: host, ca });
  try {
    await once(socket, "secureConnect");
    const fingerprint = socket.getPeerX509Certificate()?.fingerprint ?? "";
    socket.write(`GET /a.txt HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`);
    assert.match(await text(socket), /^HTTP\/1\.1 200 [^]*\r\n\r\nserved$/);
    return fingerprint.replaceAll(":", "").toLowerCase();
  } finally {
    socket.destroy();
  }
}
