import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer as createTcpServer, type Socket } from "node:net";
import { after, before, describe, test } from "node:test";
import {
  createServer,
  getCACertificates,
  setDefaultCACertificates,
  type TLSSocket,
  type TlsOptions,
} from "node:tls";
import { manualClock } from "#clock.ts";
import { HttpOrigin } from "#edge/origin/http-origin.ts";
import { type Authority, openAuthority } from "../../../support/certificates.ts";
import { ENDPOINT, ok, REQUEST, readBody } from "./support.ts";

const usual = getCACertificates("default");
let authority: Authority;
before(async () => {
  authority = await openAuthority();
  setDefaultCACertificates([...usual, authority.caPem]);
});
after(async () => {
  setDefaultCACertificates(usual);
  await authority[Symbol.asyncDispose]();
});

/** An origin over TLS that answers each request with this text. */
async function startSecure(names: readonly string[], text: string, options: TlsOptions = {}) {
  const { cert, key } = await authority.issue(...names);
  const sockets: TLSSocket[] = [];
  let requests = 0;
  const server = createServer({ cert, key, ...options }, (socket) => {
    sockets.push(socket);
    socket.on("error", () => undefined);
    socket.on("data", () => {
      requests += 1;
      socket.write(ok(text));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const client = new HttpOrigin({ port: 0, secret: "" }, manualClock(0));
  return {
    sockets,
    get requests() {
      return requests;
    },
    fetch: (host = "localhost") => {
      const upstream = { url: `https://${host}:${port}` };
      const endpoint = { ...ENDPOINT, role: "proxy" as const, upstream };
      const fields = ["host", "www.example.com"];
      return client.fetch({ ...REQUEST, endpoint, fields }, new AbortController().signal);
    },
    [Symbol.asyncDispose]: async () => {
      await client.close();
      for (const socket of sockets) socket.destroy();
      await server[Symbol.asyncDispose]();
    },
  };
}

describe("an origin over TLS", () => {
  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    test(`is asked by the name of its URL, in HTTP/1.1 (${version})`, async () => {
      const only = { minVersion: version, maxVersion: version, ALPNProtocols: ["http/1.1"] };
      await using origin = await startSecure(["localhost"], "secure", only);
      const response = await origin.fetch();
      assert(response.kind === "response", JSON.stringify(response));
      assert.equal((await readBody(response)).text, "secure");
      const [socket] = origin.sockets;
      assert.equal(socket?.servername, "localhost");
      assert.equal(socket?.alpnProtocol, "http/1.1");
    });

    test(`with a certificate of another name is asked nothing, time after time (${version})`, async () => {
      const only = { minVersion: version, maxVersion: version };
      await using origin = await startSecure(["other.test"], "secret", only);
      for (let i = 0; i < 3; i += 1) {
        const failure = await origin.fetch();
        assert(failure.kind === "failed");
        assert.equal(failure.detail, "origin-unreachable");
      }
      assert.equal(origin.requests, 0);
    });
  }

  test("that nobody has signed is asked nothing", async () => {
    await using origin = await startSecure(["localhost"], "secret");
    setDefaultCACertificates(usual);
    try {
      assert.equal((await origin.fetch()).kind, "failed");
      assert.equal(origin.requests, 0);
    } finally {
      setDefaultCACertificates([...usual, authority.caPem]);
    }
  });

  test("is not asked for its certificate again by who was there before", async () => {
    await using origin = await startSecure(["localhost"], "ok");
    for (let i = 0; i < 2; i += 1) {
      const response = await origin.fetch();
      assert(response.kind === "response");
      await readBody(response);
      const socket = origin.sockets[i];
      assert(socket !== undefined);
      assert.equal(socket.isSessionReused(), i > 0);
      const closed = once(socket, "close");
      socket.destroy();
      await closed;
    }
  });

  test("comes whole to a reader that takes one chunk at a time", async () => {
    const long = Array.from({ length: 400_000 }, (_, i) => `${i} `).join("");
    await using origin = await startSecure(["localhost"], long);
    const response = await origin.fetch();
    assert(response.kind === "response");
    const { promise, resolve } = Promise.withResolvers<string>();
    let text = "";
    let isTaking = false;
    response.body.read({
      chunk: (chunk) => {
        assert.equal(isTaking, false, "it had not asked for more");
        isTaking = true;
        text += chunk.toString("latin1");
        setImmediate(() => {
          isTaking = false;
          response.body.resume();
        });
        return false;
      },
      end: () => resolve(text),
      fail: () => resolve("(broken off)"),
    });
    assert((await promise) === long, "other octets came");
  });
});

test("an origin is found by its address in IPv6", async (t) => {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on("data", () => void socket.write(ok("six")));
  });
  server.listen(0, "::1");
  const isThere = await once(server, "listening").then(
    () => true,
    () => false,
  );
  if (!isThere) return t.skip("this machine has no IPv6");
  const client = new HttpOrigin({ port: 0, secret: "" }, manualClock(0));
  const upstream = { url: `http://[::1]:${(server.address() as AddressInfo).port}` };
  const endpoint = { ...ENDPOINT, role: "proxy" as const, upstream };
  const response = await client.fetch({ ...REQUEST, endpoint }, new AbortController().signal);
  assert(response.kind === "response");
  assert.equal((await readBody(response)).text, "six");
  await client.close();
  for (const socket of sockets) socket.destroy();
  server.close();
});
