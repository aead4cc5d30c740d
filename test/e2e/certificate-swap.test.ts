import assert from "node:assert/strict";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { get, Agent as TlsAgent } from "node:https";
import { text } from "node:stream/consumers";
import { after, describe, test } from "node:test";
import { connect, type TLSSocket } from "node:tls";
import { openAuthority, type Pair, replaceFile } from "../support/certificates.ts";
import { startEdgeAlone } from "../support/edge-alone.ts";
import { startFleet } from "../support/fleet.ts";
import { until } from "../support/until.ts";
import { startUpstream } from "../support/upstream.ts";

const SWAPS = 100;
const HOST = "127.0.0.1";

const stack = new AsyncDisposableStack();
after(() => stack.disposeAsync());
const authority = stack.use(await openAuthority());
const ca = authority.caPem;
const pairs = await Promise.all(Array.from({ length: 10 }, () => authority.issue(HOST)));
const held = Promise.withResolvers<void>();
const upstream = stack.use(
  await startUpstream(async (request, response) => {
    if (request.url === "/held") {
      response.write("begun");
      await held.promise;
      response.end(" and ended");
      return;
    }
    response.setHeader("cache-control", "max-age=60");
    response.end("served");
  }),
);

function pairAt(i: number): Pair {
  const pair = pairs[i % pairs.length];
  assert(pair !== undefined);
  return pair;
}

interface Handshake {
  readonly fingerprint: string | undefined;
  readonly resumed: boolean;
  /** To resume with; absent when this one was resumed itself and gave none. */
  readonly session: Buffer | undefined;
}

type Shake = (url: string, session?: Buffer) => Promise<Handshake>;

/** A new connection, a request on it and its answer: the session comes before that. */
async function shakeHttp1(url: string, session?: Buffer): Promise<Handshake> {
  const socket = connectTls(url, "http/1.1", session);
  try {
    const ticket = ticketOf(socket);
    await once(socket, "secureConnect");
    socket.write(`GET /a HTTP/1.1\r\nhost: ${HOST}\r\nconnection: close\r\n\r\n`);
    const shaken = handshakeOf(socket);
    assert.match(await text(socket), /^HTTP\/1\.1 200 [^]*\r\n\r\nserved$/);
    return { ...shaken, session: ticket() };
  } finally {
    socket.destroy();
  }
}

async function shakeHttp2(url: string, resumed?: Buffer): Promise<Handshake> {
  const socket = connectTls(url, "h2", resumed);
  const ticket = ticketOf(socket);
  const session = connectHttp2(url, { createConnection: () => socket });
  session.on("error", () => undefined);
  try {
    assert.equal(await askHttp2(session, "/a"), "served");
    return { ...handshakeOf(socket), session: ticket() };
  } finally {
    session.destroy();
  }
}

function connectTls(url: string, protocol: string, session?: Buffer): TLSSocket {
  const { port } = new URL(url);
  const resume = session === undefined ? {} : { session };
  return connect({ host: HOST, port: Number(port), ca, ALPNProtocols: [protocol], ...resume });
}

function ticketOf(socket: TLSSocket): () => Buffer | undefined {
  let ticket: Buffer | undefined;
  socket.on("session", (latest: Buffer) => {
    ticket = latest;
  });
  return () => ticket;
}

function handshakeOf(socket: TLSSocket): Omit<Handshake, "session"> {
  const fingerprint = socket.getPeerX509Certificate()?.fingerprint256;
  return { fingerprint, resumed: socket.isSessionReused() };
}

async function askHttp2(session: ClientHttp2Session, path: string): Promise<string> {
  const stream = session.request({ ":path": path });
  const [answer, content] = await Promise.all([once(stream, "response"), text(stream)]);
  assert.equal((answer as [{ ":status": number }])[0][":status"], 200);
  return content;
}

/** What is done again and again while certificates are replaced. */
class Load {
  #lasts = true;
  readonly #clients: Promise<void>[] = [];
  readonly served: number[] = [];

  add(work: () => Promise<void>): void {
    const client = this.served.push(0) - 1;
    const lane = async (): Promise<void> => {
      while (this.#lasts) {
        await work();
        this.served[client] = (this.served[client] ?? 0) + 1;
      }
    };
    const ended = lane();
    this.#clients.push(ended);
    // Who waits for the load hears of it; a test that has failed before that does not.
    ended.catch(() => undefined);
  }

  /** Every client has been served once more, from its first word to its last. */
  async round(): Promise<void> {
    const enough = this.served.map((count) => count + 2);
    const done = until("every client is served", () =>
      this.served.every((count, client) => count >= (enough[client] ?? 0)),
    );
    // A client that fails ends the waiting.
    await Promise.race([done, ...this.#clients]);
  }

  async end(): Promise<void> {
    this.#lasts = false;
    await Promise.all(this.#clients);
  }
}

/** A chain that is being written: its leaf is whole. */
const HALF_A_BLOCK = "-----BEGIN CERTIFICATE-----\nMIIB\n";

describe("a certificate that is replaced 100 times under load", () => {
  test("costs nobody a handshake or a request, and the newest is shown at once", async () => {
    await using fleet = await startFleet({ origin: upstream.url, certificate: pairAt(0) });
    const url = fleet.tlsUrl;
    await using kept = new AsyncDisposableStack();
    const load = new Load();
    let resumptions = 0;
    for (const shake of [shakeHttp1, shakeHttp2] as const satisfies readonly Shake[]) {
      load.add(async () => void (await shake(url)));
      let session: Buffer | undefined;
      load.add(async () => {
        const shaken = await shake(url, session);
        if (shaken.resumed) resumptions += 1;
        session = shaken.session ?? session;
      });
    }
    const agent = new TlsAgent({ keepAlive: true, maxSockets: 1, ca });
    kept.defer(() => agent.destroy());
    const ports = new Set<number | undefined>();
    load.add(async () => {
      const [response] = (await once(get(`${url}/a`, { agent }), "response")) as [IncomingMessage];
      ports.add(response.socket.localPort);
      assert.equal(await text(response), "served");
    });
    const session = connectHttp2(url, { ca });
    kept.defer(() => session.destroy());
    load.add(async () => assert.equal(await askHttp2(session, "/a"), "served"));
    const long = askHttp2(session, "/held");
    for (let swap = 1; swap <= SWAPS; swap += 1) {
      const pair = pairAt(swap);
      await fleet.replaceCertificate(pair);
      for (const shake of [shakeHttp1, shakeHttp2]) {
        assert.equal((await shake(url)).fingerprint, pair.fingerprint, `after swap ${swap}`);
      }
      if (swap % 4 === 0) await load.round();
    }
    await load.end();
    held.resolve();
    assert.equal(await long, "begun and ended");
    assert.equal(ports.size, 1, "the kept connection of HTTP/1.1 was made anew");
    assert(resumptions > 0);
  });
});

describe("certificate files that are replaced", () => {
  test("are taken up, each time, under load", async () => {
    const files = await authority.filesOf(pairAt(0));
    await using edge = await startEdgeAlone({ origin: upstream.url, files });
    const load = new Load();
    for (const shake of [shakeHttp1, shakeHttp2]) {
      load.add(async () => void (await shake(edge.tlsUrl)));
    }
    for (const swap of [1, 2, 3]) {
      await replaceFile(files.cert, pairAt(swap).cert);
      await replaceFile(files.key, pairAt(swap).key);
      await until("the new certificate is shown", async () => {
        const { fingerprint } = await shakeHttp1(edge.tlsUrl);
        return fingerprint === pairAt(swap).fingerprint;
      });
    }
    await load.end();
  });

  test("are left alone while they do not fit, and taken up once they do", async () => {
    const files = await authority.filesOf(pairAt(0));
    await using edge = await startEdgeAlone({ origin: upstream.url, files });
    const complaints = () => edge.log.filter(({ msg }) => msg === "certificate not replaced");
    const bad: readonly (readonly [string, () => Promise<void>])[] = [
      ["cannot be served", () => replaceFile(files.cert, `${pairAt(0).cert}${HALF_A_BLOCK}`)],
      ["is not the key", () => replaceFile(files.key, pairAt(1).key)],
      ["is no PEM private key", () => replaceFile(files.key, "half a k")],
      ["is no PEM certificate", () => replaceFile(files.cert, "")],
    ];
    for (const [what, spoil] of bad) {
      const before = complaints().length;
      await spoil();
      await until("it is complained of", () => complaints().length > before);
      assert.match(JSON.stringify(complaints().at(-1)), new RegExp(what));
      const { fingerprint } = await shakeHttp2(edge.tlsUrl);
      assert.equal(fingerprint, pairAt(0).fingerprint);
    }
    await replaceFile(files.cert, pairAt(1).cert);
    await replaceFile(files.key, pairAt(1).key);
    await until("the new certificate is shown", async () => {
      const { fingerprint } = await shakeHttp1(edge.tlsUrl);
      return fingerprint === pairAt(1).fingerprint;
    });
    assert(!edge.output.stderr.includes("PRIVATE"), "a key is in the log");
  });
});
