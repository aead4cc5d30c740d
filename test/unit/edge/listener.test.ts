import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { describe, test } from "node:test";
import { connect as connectTls } from "node:tls";
import { manualClock } from "#clock.ts";
import { ChallengeDirectory } from "#edge/challenges/challenge-directory.ts";
import type { Client as Peer } from "#edge/exchange.ts";
import { HANDSHAKE_TIMEOUT_MS, HEAD_TIMEOUT_MS } from "#edge/limits.ts";
import { Listener, type ListenerParts } from "#edge/wire/listener.ts";
import type { WireConnection } from "#edge/wire/parts.ts";
import { CertificateDirectory } from "#edge/wire/tls/certificate-directory.ts";
import { TlsDoor } from "#edge/wire/tls/tls-door.ts";
import { until } from "../../support/until.ts";
import { caPem, certificateFor, helloOf } from "./tls/support.ts";

const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const certificate = await certificateFor("one", "one.test");

interface Made {
  readonly socket: Socket;
  readonly client: Peer;
  readonly protocol: string;
  readonly received: string | undefined;
  readonly told: string[];
}

/** A listener whose connections only note what they are told, and what it logs. */
async function startListener(priorKnowledge = false, connectionsMax?: number) {
  const made: Made[] = [];
  const logged: Readonly<Record<string, unknown>>[] = [];
  const note = (fields: Readonly<Record<string, unknown>>) => void logged.push(fields);
  const log = { info: note, warn: note, error: note };
  const certificates = new CertificateDirectory();
  certificates.put(certificate);
  const clock = manualClock(0);
  const parts: ListenerParts = {
    connect: (socket, client, protocol, received): WireConnection => {
      const told: string[] = [];
      made.push({ socket, client, protocol, received: received?.toString("latin1"), told });
      socket.on("data", (data) => told.push(String(data)));
      return {
        drain: () => {
          told.push("drain");
          socket.end("drained");
        },
        destroy: () => socket.destroy(),
        expire: () => told.push("expire"),
      };
    },
    priorKnowledge,
    tls: new TlsDoor({ certificates, challenges: new ChallengeDirectory() }, log),
    clock,
    log,
  };
  const listener = new Listener(parts, connectionsMax);
  const { port, tlsPort = 0 } = await listener.listen({
    host: "127.0.0.1",
    port: 0,
    tls: { port: 0 },
    sharePort: false,
  });
  const one = () => until("a connection is made", () => made[0]);
  return {
    listener,
    clock,
    logged,
    made,
    one,
    port,
    tlsPort,
    [Symbol.asyncDispose]: async () => {
      for (const { socket } of made) socket.destroy();
      await listener.stop(0);
    },
  };
}

function quietly(socket: Socket): Socket & Disposable {
  socket.on("error", () => undefined);
  return Object.assign(socket, { [Symbol.dispose]: () => void socket.destroy() });
}

async function closed(socket: Socket): Promise<void> {
  socket.resume();
  // Not `once` of events, for which an error comes first.
  await new Promise<void>((resolve) => {
    socket.once("close", () => resolve());
  });
}

describe("a listener", () => {
  test("makes HTTP/1.1 of plain connections at once, before they have said anything", async () => {
    await using started = await startListener();
    using _client = quietly(connect(started.port, "127.0.0.1"));
    const { protocol, received, client } = await started.one();
    assert.deepEqual({ protocol, received }, { protocol: "http/1.1", received: undefined });
    assert.deepEqual(client, { address: "127.0.0.1" });
  });

  for (const [what, pieces, protocol] of [
    ["HTTP/2", [PREFACE.slice(0, 5), PREFACE.slice(5), "more"], "h2"],
    ["HTTP/1.1", ["P", "OST / HTTP/1.1\r\n"], "http/1.1"],
  ] as const) {
    test(`tells ${what} by its first octets where that is asked for, and loses none`, async () => {
      await using started = await startListener(true);
      using client = quietly(connect({ port: started.port, host: "127.0.0.1", noDelay: true }));
      for (const piece of pieces) {
        client.write(piece);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      const connection = await started.one();
      assert.equal(connection.protocol, protocol);
      await until("all of it is there", () => {
        return `${connection.received}${connection.told.join("")}` === pieces.join("");
      });
    });
  }

  test("says of a TLS connection what it speaks, which version, and what it is good for", async () => {
    await using started = await startListener();
    const options = { port: started.tlsPort, ca: caPem, servername: "one.test" };
    using client = quietly(connectTls({ ...options, ALPNProtocols: ["h2"] }));
    client.write("hello");
    const { protocol, client: peer, told } = await started.one();
    assert.equal(protocol, "h2");
    assert.equal(peer.address, "127.0.0.1");
    assert.equal(peer.tls?.version, "TLSv1.3");
    assert.deepEqual(
      ["one.test:8444", "two.test"].map((host) => peer.tls?.covers(host)),
      [true, false],
    );
    await until("what it sends is there", () => told.join("") === "hello");
  });

  test("asks all of them whether they are late, of both ports", async () => {
    await using started = await startListener();
    using _plain = quietly(connect(started.port, "127.0.0.1"));
    using _tls = quietly(connectTls({ port: started.tlsPort, ca: caPem, servername: "one.test" }));
    await until("both are made", () => started.made.length === 2);
    started.listener.sweep();
    assert.deepEqual(
      started.made.map(({ told }) => told),
      [["expire"], ["expire"]],
    );
  });

  test("gives up who does not say what it speaks, and a handshake that does not come on", async () => {
    await using started = await startListener(true);
    const { clock, listener, logged, port, tlsPort } = started;
    using silent = quietly(connect(port, "127.0.0.1"));
    using slow = quietly(connect(tlsPort, "127.0.0.1"));
    slow.write(Buffer.from([22, 3, 1]));
    await Promise.all([once(silent, "connect"), once(slow, "connect")]);
    // Accepted is what the listener knows of, not what the kernel has.
    await new Promise((resolve) => setTimeout(resolve, 50));
    clock.advance(HANDSHAKE_TIMEOUT_MS - 1);
    listener.sweep();
    assert(!slow.destroyed);
    clock.advance(1);
    listener.sweep();
    await closed(slow);
    clock.advance(HEAD_TIMEOUT_MS - HANDSHAKE_TIMEOUT_MS);
    listener.sweep();
    await closed(silent);
    assert.deepEqual(logged, [{ handshakes_failed: { timeout: 1 } }]);
  });

  test("has room for so many, both ports together, and says how many it refused", async () => {
    await using started = await startListener(false, 2);
    using first = quietly(connect(started.port, "127.0.0.1"));
    using second = quietly(connect(started.tlsPort, "127.0.0.1"));
    await Promise.all([once(first, "connect"), once(second, "connect")]);
    // Accepted is what the listener knows of, not what the kernel has.
    await started.one();
    await new Promise((resolve) => setTimeout(resolve, 50));
    for (const port of [started.port, started.tlsPort]) {
      using refused = quietly(connect(port, "127.0.0.1"));
      await closed(refused);
    }
    started.listener.sweep();
    assert.deepEqual(started.logged, [{ connections_refused: 2 }]);
    second.destroy();
    await until("there is room again", async () => {
      using again = quietly(connect(started.port, "127.0.0.1"));
      await new Promise((resolve) => setTimeout(resolve, 20));
      return started.made.length > 1 && !again.destroyed;
    });
  });

  test("counts handshakes that fail, by reason, in one line at the next sweep", async () => {
    await using started = await startListener();
    const fail = async (options: object) => {
      using client = quietly(
        connectTls({ port: started.tlsPort, ca: caPem, servername: "one.test", ...options }),
      );
      await closed(client);
    };
    await fail({ servername: "two.test" });
    await fail({ servername: "two.test" });
    await fail({ ALPNProtocols: ["spdy/3"] });
    await fail({ servername: "" });
    using plain = quietly(connect(started.tlsPort, "127.0.0.1"));
    plain.write("GET / HTTP/1.1\r\n\r\n");
    await closed(plain);
    started.listener.sweep();
    started.listener.sweep();
    assert.deepEqual(started.logged, [
      {
        handshakes_failed: {
          unrecognized_name: 2,
          ERR_SSL_NO_APPLICATION_PROTOCOL: 1,
          missing_extension: 1,
          decode_error: 1,
        },
      },
    ]);
  });

  test("counts a client once that leaves in the middle of its handshake", async () => {
    await using started = await startListener();
    using client = quietly(connect(started.tlsPort, "127.0.0.1"));
    client.write(await helloOf({ servername: "one.test" }));
    await once(client, "data");
    client.resetAndDestroy();
    await until("the listener knows", () => {
      started.listener.sweep();
      return started.logged.length > 0;
    });
    assert.deepEqual(started.logged, [{ handshakes_failed: { ECONNRESET: 1 } }]);
    assert.deepEqual(started.made, []);
  });

  test("lets connections finish when it stops, and cuts handshakes at once", async () => {
    const started = await startListener(true);
    const options = { port: started.tlsPort, ca: caPem, servername: "one.test" };
    using established = quietly(connectTls(options));
    await started.one();
    using shaking = quietly(connect(started.tlsPort, "127.0.0.1"));
    using undecided = quietly(connect(started.port, "127.0.0.1"));
    shaking.write(Buffer.from([22, 3, 1]));
    await Promise.all([once(shaking, "connect"), once(undecided, "connect")]);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const stopped = started.listener.stop(5_000);
    await Promise.all([closed(shaking), closed(undecided)]);
    const [last] = (await once(established, "data")) as [Buffer];
    assert.equal(last.toString(), "drained");
    await stopped;
  });
});
