import assert from "node:assert/strict";
import { createHash, randomBytes, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { kill, pid } from "node:process";
import { describe, test } from "node:test";
import { connect } from "node:tls";
import { StoredAnswers } from "#acme/answers.ts";
import { monotonicClock, systemClock } from "#clock.ts";
import { FeedHub } from "#feed/hub.ts";
import { Fleet } from "#fleet/fleet.ts";
import { reservePorts } from "#listen.ts";
import { createLogger } from "#log.ts";
import { sealUnder } from "#seal.ts";
import { readSnapshot, toEntries } from "#sqlite/feed-source.ts";
import { EdgeUsage } from "#usage/edge-usage.ts";
import { tlsAlpnCertificate } from "#x509/tls-alpn.ts";
import { edgeView } from "../../src/edge-view.ts";
import { exchange } from "../support/exchange.ts";
import { childrenOf, noProcesses } from "../support/processes.ts";
import { until } from "../support/until.ts";
import { openTemporaryStorage } from "./temporary-storage.ts";

const HOST = "127.0.0.1";
const NAME = "static.example.com";
const KEY_AUTHORIZATION = "evaGxfADs6pSRb2LAv9IZf17.thumbprint";
const [TOKEN = ""] = KEY_AUTHORIZATION.split(".");
/** Connections enough to reach every worker: one is missed once in 2^20 runs. */
const CONNECTIONS = 20;

/** Two real workers that follow a real store. */
async function openWorld() {
  await using stack = new AsyncDisposableStack();
  const log = createLogger("silent");
  const hub = new FeedHub(monotonicClock);
  const seal = sealUnder(randomBytes(32));
  const view = edgeView(seal, undefined);
  const storage = stack.use(
    await openTemporaryStorage((records) => hub.publish(toEntries(records, view))),
  );
  const [port, tlsPort] = await reservePorts([
    { host: HOST, port: 0, variable: "" },
    { host: HOST, port: 0, variable: "" },
  ]);
  const answers = await StoredAnswers.open({
    store: storage.challenges,
    seal,
    settled: (number) => hub.settled(number),
    alpnCertificate: async (name, keyAuthorization) => {
      const { cert, key } = await tlsAlpnCertificate(name, keyAuthorization, systemClock.now());
      return { certPem: cert, keyPem: key };
    },
    clock: systemClock,
    log,
  });
  const fleet = stack.use(
    new Fleet({
      hub,
      usage: new EdgeUsage(),
      snapshot: () => readSnapshot(storage.database, view),
      settings: {
        host: HOST,
        port,
        tls: { port: tlsPort },
        priorKnowledge: false,
        sharePort: true,
        memoryBytesMax: 64 * 1024 * 1024,
        loopToken: "atoll-test",
        embedded: { port: 0, secret: "" },
        logLevel: "silent",
      },
      workers: 2,
      clock: systemClock,
      log,
    }),
  );
  await fleet.start();
  const owned = stack.move();
  return { answers, port, tlsPort, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function everywhere<T>(ask: () => Promise<T>): Promise<T[]> {
  const seen = new Set<T>();
  for (let asked = 0; asked < CONNECTIONS; asked += 1) seen.add(await ask());
  return [...seen];
}

/** The extension of RFC 8737 §3, as it stands in DER: a digest in an OCTET STRING in another. */
function digestOf(keyAuthorization: string): string {
  return `04220420${createHash("sha256").update(keyAuthorization).digest("hex")}`;
}

describe("a challenge that is put", { skip: noProcesses }, () => {
  test("is answered by all workers at once, and by those that come later", async () => {
    await using world = await openWorld();
    const url = `http://${HOST}:${world.port}/.well-known/acme-challenge/${TOKEN}`;
    const get = async () => (await exchange(url, { headers: { host: NAME } })).text;
    const nobody = "No CDN endpoint answers on this host.\n";
    assert.deepEqual(await everywhere(get), [nobody]);
    const answer = { kind: "http-01", name: NAME, token: TOKEN } as const;
    await world.answers.put("one", { ...answer, keyAuthorization: KEY_AUTHORIZATION });
    assert.deepEqual(await everywhere(get), [KEY_AUTHORIZATION]);
    const before = childrenOf(pid);
    for (const worker of before) kill(worker, "SIGKILL");
    await until("new workers answer", async () => {
      const now = childrenOf(pid);
      return now.length === 2 && now.every((worker) => !before.includes(worker));
    });
    await until("they listen", () => get().catch(() => undefined));
    assert.deepEqual(await everywhere(get), [KEY_AUTHORIZATION]);
    await world.answers.delete("one");
    assert.deepEqual(await everywhere(get), [nobody]);
  });

  test("is answered over TLS by the certificate of RFC 8737, and no more once it is taken back", async () => {
    await using world = await openWorld();
    const shown = async (): Promise<string> => {
      const socket = connect({
        host: HOST,
        port: world.tlsPort,
        servername: NAME,
        ALPNProtocols: ["acme-tls/1"],
        rejectUnauthorized: false,
      });
      try {
        await once(socket, "secureConnect");
        const { raw } = socket.getPeerX509Certificate() ?? {};
        const certificate = new X509Certificate(raw ?? "");
        assert.equal(certificate.subjectAltName, `DNS:${NAME}`);
        return certificate.raw.toString("hex");
      } catch (error) {
        return (error as NodeJS.ErrnoException).code ?? "";
      } finally {
        socket.destroy();
      }
    };
    const answer = { kind: "tls-alpn-01", name: NAME } as const;
    await world.answers.put("one", { ...answer, keyAuthorization: KEY_AUTHORIZATION });
    const [certificate = "", ...others] = await everywhere(shown);
    assert.deepEqual(others, []);
    assert(certificate.includes(digestOf(KEY_AUTHORIZATION)));
    await world.answers.delete("one");
    assert.deepEqual(await everywhere(shown), ["ERR_SSL_TLSV1_UNRECOGNIZED_NAME"]);
  });
});
