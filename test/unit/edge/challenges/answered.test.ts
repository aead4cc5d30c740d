import assert from "node:assert/strict";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { describe, test } from "node:test";
import { type ConnectionOptions, connect } from "node:tls";
import { type EdgeChallenge, EVERY_NAME } from "#feed/entry.ts";
import { exchange } from "../../../support/exchange.ts";
import { endpoint, host } from "../settings/support.ts";
import { certificateFor, fingerprintOf, refusal, shake } from "../tls/support.ts";
import { startWorker } from "../worker-process.ts";

const NAME = "static.example.com";
const PREFIX = "/.well-known/acme-challenge/";
const tls = { port: 0 };

function inTheClear(
  more: Partial<{ id: string; name: string; token: string }> = {},
): EdgeChallenge {
  const challenge = { id: "one", name: NAME, token: "t0ken", ...more };
  return { ...challenge, kind: "http-01", keyAuthorization: `${challenge.token}.thumbprint` };
}

async function get(port: number, target: string, name = NAME, method = "GET") {
  return exchange(`http://127.0.0.1:${port}${target}`, { method, headers: { host: name } });
}

describe("http-01, at a worker", () => {
  test("is answered for the exact name and token, with an endpoint or without one", async () => {
    const challenges = [inTheClear(), inTheClear({ id: "two", name: host })];
    using started = await startWorker({ snapshot: { challenges } });
    for (const name of [NAME, `${NAME}:80`, "STATIC.example.com.", host]) {
      const reply = await get(started.port, `${PREFIX}t0ken`, name);
      assert.equal(reply.status, 200, name);
      assert.equal(reply.text, "t0ken.thumbprint");
      assert.equal(reply.headers["content-type"], "application/octet-stream");
      assert.equal(reply.headers["cache-control"], "no-store");
      assert.equal(reply.headers["content-length"], "16");
    }
  });

  test("is nothing at another token, path, method or name", async () => {
    const challenges = [inTheClear(), inTheClear({ id: "two", name: host })];
    using started = await startWorker({ snapshot: { challenges } });
    for (const target of ["t0ke", "t0ken2", "", "t0ken/", "t0ken?a", "T0KEN", "%740ken", "../a"]) {
      assert.equal((await get(started.port, PREFIX + target)).status, 404, target);
      const reply = await get(started.port, PREFIX + target, host);
      assert.equal(reply.text.includes("thumbprint"), false, target);
    }
    assert.equal((await get(started.port, `${PREFIX}t0ken`, "example.com")).status, 404);
    assert.equal((await get(started.port, `${PREFIX}t0ken`, NAME, "POST")).status, 404);
    const head = await get(started.port, `${PREFIX}t0ken`, NAME, "HEAD");
    assert.deepEqual([head.status, head.text, head.headers["content-length"]], [200, "", "16"]);
  });

  test("comes before what an endpoint makes of a request, and leaves the rest to it", async () => {
    const settings = { httpsRedirect: true, signedUrls: { secrets: ["a-secret-of-urls"] } };
    const endpoints = [{ ...endpoint, customDomain: NAME, settings }];
    using started = await startWorker({ tls, snapshot: { endpoints, challenges: [inTheClear()] } });
    assert.equal((await get(started.port, `${PREFIX}t0ken`)).status, 200);
    assert.equal((await get(started.port, "/a")).status, 308);
    assert.equal((await get(started.port, `${PREFIX}another`)).status, 403);
  });

  test("comes and goes as the feed says, each by its id", async () => {
    using started = await startWorker();
    const { worker, port } = started;
    const status = async (token: string) => (await get(port, PREFIX + token)).status;
    assert.equal(await status("t0ken"), 404);
    await worker.apply(
      { number: 8, kind: "challenge-put", challenge: inTheClear() },
      { number: 9, kind: "challenge-put", challenge: inTheClear({ id: "two" }) },
    );
    await worker.apply({ number: 10, kind: "challenge-delete", id: "one" });
    assert.equal(await status("t0ken"), 200);
    const moved = inTheClear({ id: "two", token: "next" });
    await worker.apply({ number: 11, kind: "challenge-put", challenge: moved });
    assert.deepEqual([await status("t0ken"), await status("next")], [404, 200]);
    await worker.apply({ number: 12, kind: "challenge-delete", id: "two" });
    assert.equal(await status("next"), 404);
  });
});

const own = await certificateFor("own", NAME);
const proof = await certificateFor("proof", NAME);
const { certPem, keyPem } = proof;
const shown: EdgeChallenge = { id: "one", kind: "tls-alpn-01", name: NAME, certPem, keyPem };

/** What a CA sees of a name, until the server ends the connection. */
async function validate(port: number, servername: string, options: ConnectionOptions = {}) {
  const socket = connect({
    port,
    host: "127.0.0.1",
    servername,
    ALPNProtocols: ["acme-tls/1"],
    rejectUnauthorized: false,
    ...options,
  });
  await once(socket, "secureConnect");
  const { fingerprint256 } = socket.getPeerX509Certificate() ?? {};
  const { alpnProtocol } = socket;
  return { fingerprint256, alpnProtocol, said: await text(socket) };
}

describe("tls-alpn-01, at a worker", () => {
  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    test(`shows the challenge's certificate, and ends the connection (${version})`, async () => {
      using started = await startWorker({ tls, snapshot: { challenges: [shown] } });
      const options = { minVersion: version, maxVersion: version };
      for (const name of [NAME, "STATIC.example.com"]) {
        assert.deepEqual(await validate(started.tlsPort, name, options), {
          fingerprint256: fingerprintOf(proof),
          alpnProtocol: "acme-tls/1",
          said: "",
        });
      }
    });
  }

  test("is for nobody else: others are shown the name's own certificate", async () => {
    const snapshot = { certificates: [own], challenges: [shown] };
    using started = await startWorker({ tls, snapshot });
    const { fingerprint } = await shake(started.tlsPort, { servername: NAME });
    assert.equal(fingerprint, fingerprintOf(own));
    const both = { servername: NAME, ALPNProtocols: ["acme-tls/1", "http/1.1"] };
    assert.equal((await shake(started.tlsPort, both)).fingerprint, fingerprintOf(own));
  });

  test("is refused for a name that has no challenge, whatever certificate it has", async () => {
    const everyone = { ...own, names: [EVERY_NAME] };
    const snapshot = { certificates: [everyone], challenges: [{ ...shown, name: "example.com" }] };
    using started = await startWorker({ tls, snapshot });
    const ALPNProtocols = ["acme-tls/1"];
    const said = await refusal(started.tlsPort, { servername: NAME, ALPNProtocols });
    assert.equal(said, "ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL");
  });

  test("comes and goes as the feed says", async () => {
    using started = await startWorker({ tls });
    const { worker, tlsPort } = started;
    const options = { servername: NAME, ALPNProtocols: ["acme-tls/1"] };
    assert.equal(await refusal(tlsPort, options), "ERR_SSL_TLSV1_UNRECOGNIZED_NAME");
    await worker.apply({ number: 8, kind: "challenge-put", challenge: shown });
    const seen = await validate(tlsPort, NAME);
    assert.equal(seen.fingerprint256, fingerprintOf(proof));
    await worker.apply({ number: 9, kind: "challenge-delete", id: "one" });
    assert.equal(await refusal(tlsPort, options), "ERR_SSL_TLSV1_UNRECOGNIZED_NAME");
  });
});
