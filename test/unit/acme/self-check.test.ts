import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createTcpServer, type Server } from "node:net";
import { describe, test } from "node:test";
import { createServer, type TlsOptions } from "node:tls";
import { tlsAlpnFault } from "#acme/self-check.ts";
import { systemClock } from "#clock.ts";
import { tlsAlpnCertificate } from "#x509/tls-alpn.ts";

const NAME = "static.example.com";
const KEY_AUTHORIZATION = "t0ken.thumbprint";
const own = await tlsAlpnCertificate(NAME, KEY_AUTHORIZATION, systemClock.now());
const anothers = await tlsAlpnCertificate(NAME, "t0ken.another", systemClock.now());

async function faultAt(server: Server): Promise<string | undefined> {
  await using listening = server.listen(0, "127.0.0.1");
  await once(listening, "listening");
  const address = listening.address();
  assert(address !== null && typeof address === "object");
  const { port } = address;
  const common = { address: "127.0.0.1", name: NAME, keyAuthorization: KEY_AUTHORIZATION };
  return (await tlsAlpnFault({ ...common, port }))?.replace(String(port), "PORT");
}

function showing({ cert, key }: { cert: string; key: string }, protocols?: string[]): Server {
  const options: TlsOptions = { cert, key };
  if (protocols !== undefined) options.ALPNProtocols = protocols;
  return createServer(options).on("tlsClientError", () => undefined);
}

const OTHER = `${NAME} leads to 127.0.0.1, where something else answers on port PORT`;

describe("a look at a tls-alpn-01 challenge, as a CA has it,", () => {
  test("finds no fault where the challenge's own certificate is shown", async () => {
    assert.equal(await faultAt(showing(own, ["acme-tls/1"])), undefined);
  });

  test("says so where another challenge's is, or where acme-tls/1 is not spoken", async () => {
    assert.equal(await faultAt(showing(anothers, ["acme-tls/1"])), OTHER);
    assert.equal(await faultAt(showing(own)), OTHER);
  });

  test("says nothing where it cannot know: nobody answers, or only a CA may be let through", async () => {
    assert.equal(await faultAt(showing(own, ["h2"])), undefined);
    assert.equal(await faultAt(createTcpServer((socket) => socket.destroy())), undefined);
    const common = { address: "127.0.0.1", name: NAME, keyAuthorization: KEY_AUTHORIZATION };
    assert.equal(await tlsAlpnFault({ ...common, port: 1 }), undefined);
  });
});
