import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from "node:net";
import { describe, test } from "node:test";
import { type ConnectionOptions, connect } from "node:tls";
import { EVERY_NAME } from "#feed/entry.ts";
import { host } from "../support.ts";
import { startWorker } from "../worker-process.ts";
import { caPem, certificateFor, fingerprintOf, refusal, shake, unnamed } from "./support.ts";

const exact = await certificateFor("exact", "static.example.com");
const wildcard = await certificateFor("wildcard", "*.nyc3.cdn.spaces.localhost");
const second = await certificateFor("second", "second.example.com");
const certificates = [exact, wildcard, second];
const tls = { port: 0 };

/** What a client begins with. */
async function clientHello(servername: string): Promise<Buffer> {
  await using server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = connect({ port: (server.address() as AddressInfo).port, servername });
  client.on("error", () => undefined);
  const [socket] = (await once(server, "connection")) as [Socket];
  const [hello] = (await once(socket, "data")) as [Buffer];
  client.destroy();
  socket.destroy();
  return hello;
}

describe("over TLS, a worker", () => {
  test("shows the certificate of the name that is asked for, exact or by wildcard", async () => {
    using started = await startWorker({ tls, snapshot: { certificates } });
    for (const [servername, certificate] of [
      ["static.example.com", exact],
      ["STATIC.example.com", exact],
      [host, wildcard],
    ] as const) {
      const { fingerprint } = await shake(started.tlsPort, { servername });
      assert.equal(fingerprint, fingerprintOf(certificate), servername);
    }
    const { reply } = await shake(started.tlsPort, { servername: host });
    assert.match(reply, /^HTTP\/1\.1 200 /);
    assert.match(reply, /\/static\.nyc3\/a$/);
  });

  test("shows nothing for names that nobody has, and says which is wrong", async () => {
    using started = await startWorker({ tls, snapshot: { certificates } });
    for (const servername of [
      "example.com",
      "a.b.nyc3.cdn.spaces.localhost",
      "nyc3.cdn.spaces.localhost",
    ]) {
      for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
        const options = { servername, minVersion: version, maxVersion: version };
        const said = await refusal(started.tlsPort, options);
        assert.equal(said, "ERR_SSL_TLSV1_UNRECOGNIZED_NAME", servername);
      }
    }
    const said = await refusal(started.tlsPort, { servername: "" });
    assert.match(said, /MISSING_EXTENSION|ALERT_NUMBER_109|NO_/);
  });

  test("shows the operator's certificate to everyone, where there is one", async () => {
    const everyone = { ...exact, names: [EVERY_NAME] };
    using started = await startWorker({ tls, snapshot: { certificates: [everyone] } });
    for (const servername of ["", "nobody.test"]) {
      const options = { servername, checkServerIdentity: () => undefined };
      const { fingerprint } = await shake(started.tlsPort, options);
      assert.equal(fingerprint, fingerprintOf(exact));
    }
  });

  test("speaks TLS 1.2 and 1.3, and nothing older", async () => {
    using started = await startWorker({ tls, snapshot: { certificates } });
    const ciphers = {
      "TLSv1.2": "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
      "TLSv1.3": "TLS_AES_128_GCM_SHA256",
    };
    for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
      const options = { servername: host, minVersion: version, maxVersion: version };
      const { protocol, cipher } = await shake(started.tlsPort, options);
      assert.deepEqual({ protocol, cipher }, { protocol: version, cipher: ciphers[version] });
    }
    const old = {
      minVersion: "TLSv1",
      maxVersion: "TLSv1.1",
      ciphers: "DEFAULT:@SECLEVEL=0",
    } as const;
    const said = await refusal(started.tlsPort, { servername: host, ...old });
    assert.equal(said, "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION");
  });

  test("takes no cipher of TLS 1.2 that RFC 9113 appendix A forbids", async () => {
    using started = await startWorker({ tls, snapshot: { certificates } });
    for (const ciphers of [
      "ECDHE-ECDSA-AES128-SHA256",
      "AES128-GCM-SHA256",
      "ECDHE-ECDSA-AES128-SHA",
    ]) {
      const options = { servername: host, maxVersion: "TLSv1.2", ciphers } as const;
      assert.match(await refusal(started.tlsPort, options), /HANDSHAKE_FAILURE/, ciphers);
    }
  });

  test("settles on a protocol by ALPN, and refuses clients that know neither", async () => {
    using started = await startWorker({ tls, snapshot: { certificates } });
    const alpn = async (...protocols: string[]) => {
      const socket = connect({
        port: started.tlsPort,
        ca: caPem,
        servername: host,
        ALPNProtocols: protocols,
      });
      await once(socket, "secureConnect");
      socket.destroy();
      return socket.alpnProtocol;
    };
    assert.equal(await alpn("http/1.1", "h2"), "h2");
    assert.equal(await alpn("http/1.1"), "http/1.1");
    assert.equal(await alpn("spdy/3", "http/1.1"), "http/1.1");
    assert.equal(await alpn(), false);
    await assert.rejects(alpn("spdy/3"), { code: "ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL" });
  });

  test("refuses to renegotiate, and serves on", async () => {
    using started = await startWorker({ tls, snapshot: { certificates } });
    const options = {
      port: started.tlsPort,
      ca: caPem,
      servername: host,
      maxVersion: "TLSv1.2",
    } as const;
    const socket = connect(options);
    await once(socket, "secureConnect");
    const failure = once(socket, "error");
    socket.renegotiate({}, () => undefined);
    const [error] = (await failure) as [NodeJS.ErrnoException];
    assert.match(error.code ?? "", /NO_RENEGOTIATION/);
    assert.match((await shake(started.tlsPort, { servername: host })).reply, / 200 /);
  });

  test("answers a client that has ended its side once it has asked", async () => {
    using started = await startWorker({ tls, snapshot: { certificates } });
    const options = { port: started.tlsPort, ca: caPem, servername: host };
    const socket = connect({ ...options, allowHalfOpen: true } as ConnectionOptions);
    socket.end(`GET /a HTTP/1.1\r\nhost: ${host}\r\n\r\n`);
    let reply = "";
    for await (const chunk of socket) reply += String(chunk);
    assert.match(reply, / 200 [\s\S]*\/static\.nyc3\/a$/);
  });

  test("does not wait for a client that has left in the middle of its handshake", async () => {
    using started = await startWorker({ tls, snapshot: { certificates } });
    const socket = connectTcp({ port: started.tlsPort, host: "127.0.0.1", allowHalfOpen: true });
    socket.end(await clientHello(host));
    socket.resume();
    // Long before a handshake's time is over.
    await once(socket, "end", { signal: AbortSignal.timeout(5_000) });
  });

  test("answers what is no ClientHello with an alert", async () => {
    using started = await startWorker({ tls, snapshot: { certificates } });
    const plain = connectTcp(started.tlsPort, "127.0.0.1");
    plain.end("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    const [alert] = (await once(plain, "data")) as [Buffer];
    assert.deepEqual([...alert], [21, 3, 3, 0, 2, 2, 50]);
  });
});

describe("a session", () => {
  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    const options = { servername: host, minVersion: version, maxVersion: version };

    test(`goes on with the worker that began it, and with another one (${version})`, async () => {
      const ticketKeys = randomBytes(48);
      const common = { tls, snapshot: { certificates }, ticketKeys };
      using first = await startWorker(common);
      using other = await startWorker(common);
      const begun = await shake(first.tlsPort, options);
      assert.equal(begun.resumed, false);
      for (const { tlsPort } of [first, other]) {
        const again = await shake(tlsPort, { ...options, session: begun.session });
        assert.equal(again.resumed, true);
        assert.match(again.reply, / 200 /);
      }
    });

    test(`goes on through a renewal, and not beyond new ticket keys (${version})`, async () => {
      using started = await startWorker({
        tls,
        snapshot: { certificates },
        ticketKeys: randomBytes(48),
      });
      const { session } = await shake(started.tlsPort, options);
      const renewed = await certificateFor("wildcard", ...wildcard.names);
      await started.worker.apply({ number: 8, kind: "certificate-put", certificate: renewed });
      assert.equal((await shake(started.tlsPort, { ...options, session })).resumed, true);
      started.worker.tell({ kind: "ticket-keys", keys: randomBytes(48) });
      started.worker.tell({ kind: "ping" });
      await started.worker.hear("ack");
      const anew = await shake(started.tlsPort, { ...options, session });
      assert.equal(anew.resumed, false);
      assert.equal(anew.fingerprint, fingerprintOf(renewed));
      assert.equal(
        (await shake(started.tlsPort, { ...options, session: anew.session })).resumed,
        true,
      );
    });

    test(`of one certificate is none of another's (${version})`, async () => {
      using started = await startWorker({
        tls,
        snapshot: { certificates },
        ticketKeys: randomBytes(48),
      });
      const { session } = await shake(started.tlsPort, options);
      const { resumed, fingerprint } = await shake(started.tlsPort, {
        ...options,
        servername: "second.example.com",
        session: unnamed(session),
        // Node's client offers a session without its name only when it does not verify.
        rejectUnauthorized: false,
      });
      assert.equal(resumed, false);
      assert.equal(fingerprint, fingerprintOf(second));
    });
  }
});

describe("a certificate that the feed changes", () => {
  test("is shown, replaced and shown no more as the feed says", async () => {
    using started = await startWorker({ tls });
    const { worker, tlsPort } = started;
    const servername = "static.example.com";
    assert.equal(await refusal(tlsPort, { servername }), "ERR_SSL_TLSV1_UNRECOGNIZED_NAME");
    await worker.apply({ number: 8, kind: "certificate-put", certificate: exact });
    assert.equal((await shake(tlsPort, { servername })).fingerprint, fingerprintOf(exact));
    const renewed = await certificateFor("exact", servername);
    await worker.apply({ number: 9, kind: "certificate-put", certificate: renewed });
    assert.equal((await shake(tlsPort, { servername })).fingerprint, fingerprintOf(renewed));
    await worker.apply({ number: 10, kind: "certificate-delete", id: "exact" });
    assert.equal(await refusal(tlsPort, { servername }), "ERR_SSL_TLSV1_UNRECOGNIZED_NAME");
  });

  test("costs nobody a handshake or a request when it is replaced 100 times under load", async () => {
    using started = await startWorker({
      tls,
      snapshot: { certificates },
      ticketKeys: randomBytes(48),
    });
    const { worker, tlsPort } = started;
    const spare = await Promise.all(
      Array.from({ length: 10 }, () => certificateFor("wildcard", ...wildcard.names)),
    );
    const known = new Set([wildcard, ...spare].map(fingerprintOf));
    const seen = new Set<string>();
    const load = { lasts: true, served: 0 };
    const clients = Array.from({ length: 8 }, async (_, client) => {
      let session: Buffer | undefined;
      while (load.lasts) {
        const resume = client % 2 === 0 && session !== undefined ? { session } : {};
        const shaken = await shake(tlsPort, { servername: host, ...resume });
        assert.match(shaken.reply, /^HTTP\/1\.1 200 /);
        if (!shaken.resumed) {
          assert(shaken.fingerprint !== undefined && known.has(shaken.fingerprint));
          seen.add(shaken.fingerprint);
        }
        ({ session } = shaken);
        load.served += 1;
      }
    });
    for (let swap = 0; swap < 100; swap += 1) {
      const certificate = spare[swap % spare.length] ?? wildcard;
      await worker.apply({ number: 8 + swap, kind: "certificate-put", certificate });
      const enough = load.served + 3;
      while (load.served < enough) await new Promise(setImmediate);
    }
    load.lasts = false;
    await Promise.all(clients);
    assert(load.served >= 300, `${load.served} requests`);
    assert(seen.size > 5, `${seen.size} certificates were shown`);
  });
});
