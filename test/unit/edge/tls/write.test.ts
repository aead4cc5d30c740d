import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { describe, test } from "node:test";
import { connect, createServer, type TLSSocket } from "node:tls";
import { openAuthority } from "../../../support/certificates.ts";

/** Both ends of a TLS connection in this process. */
async function pair(version: "TLSv1.2" | "TLSv1.3") {
  await using authority = await openAuthority();
  const { cert, key } = await authority.issue("localhost");
  const server = createServer({ cert, key, minVersion: version, maxVersion: version });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const client = connect({ port, ca: authority.caPem, servername: "localhost" });
  const [near] = (await once(server, "secureConnection")) as [TLSSocket];
  server.close();
  return { near, client };
}

// What Output relies on. Node does not promise it; this Node, which is pinned, has to keep it.
describe("a TLS socket whose writes have all been done", () => {
  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    test(`has taken a buffer before write returns (${version})`, async () => {
      const { near, client } = await pair(version);
      const memory = Buffer.alloc(128 * 1024);
      let sent = 0;
      let received = 0;
      client.on("data", (chunk: Buffer) => {
        for (const octet of chunk) {
          // Each octet says where it stands: one that was overwritten would not.
          if (octet !== Math.floor(received / 1_000) % 251) assert.fail(`octet ${received}`);
          received += 1;
        }
      });
      // Most of the time the reader does not read, so that the kernel's buffers are full as well.
      for (let turn = 0; turn < 200; turn += 1) {
        if (turn % 20 === 0) client.pause();
        if (turn % 20 === 15) client.resume();
        if (near.writableLength === 0) {
          const part = memory.subarray(0, 1_000 * (1 + (turn % 128)));
          for (let at = 0; at < part.length; at += 1_000) {
            part.fill(Math.floor((sent + at) / 1_000) % 251, at, at + 1_000);
          }
          near.write(part);
          sent += part.length;
          memory.fill(255);
        }
        await new Promise((resolve) => setImmediate(resolve));
      }
      client.resume();
      near.end();
      await once(client, "end");
      assert(sent > 1_000_000, "the connection was never free");
      assert.equal(received, sent);
    });
  }
});
