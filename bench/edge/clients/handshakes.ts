import { once } from "node:events";
import { readFileSync } from "node:fs";
import { argv, stdout } from "node:process";
import { connect, createSecureContext, type TLSSocket } from "node:tls";

/**
 * `handshakes.ts PORT CERT CIPHER full|resumed SECONDS`: TLS 1.3 connections that are closed when
 * their handshake is done. Prints how many. Slower than a server: count the server's CPU.
 */
const [, , port = "", certPath = "", ciphers = "", kind = "full", seconds = ""] = argv;

/** At a time: a server that has several to do need not sleep between them. */
const LANES = 16;
const TIMEOUT_MS = 5_000;

const ca = readFileSync(certPath);
const secureContext = createSecureContext({
  ca,
  ciphers,
  minVersion: "TLSv1.3",
  ecdhCurve: "X25519",
});

const session = kind === "resumed" ? await ticket() : undefined;
const endsAt = performance.now() + Number(seconds) * 1_000;
let handshakes = 0;
await Promise.all(
  Array.from({ length: LANES }, async () => {
    while (performance.now() < endsAt) {
      await handshake();
      handshakes += 1;
    }
  }),
);
stdout.write(`${JSON.stringify({ handshakes })}\n`);

async function handshake(): Promise<void> {
  const socket = open(session);
  await once(socket, "secureConnect", { signal: AbortSignal.timeout(TIMEOUT_MS) });
  const resumed = socket.isSessionReused();
  if (resumed !== (kind === "resumed")) throw new Error(`Its handshake was not ${kind}`);
  const closed = once(socket, "close");
  // What the server still sends, such as tickets, is read: a reset would be another measure.
  socket.resume().end();
  await closed;
}

/** One ticket is used again and again, as TLS 1.3 allows and servers without early data do. */
async function ticket(): Promise<Buffer> {
  const socket = open();
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const [received] = (await once(socket.resume(), "session", { signal })) as [Buffer];
    return received;
  } finally {
    socket.destroy();
  }
}

function open(resumed?: Buffer): TLSSocket {
  return connect({
    host: "127.0.0.1",
    port: Number(port),
    secureContext,
    ALPNProtocols: ["http/1.1"],
    ...(resumed === undefined ? {} : { session: resumed }),
  });
}
